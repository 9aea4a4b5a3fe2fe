//! A request's body: where it ends, and chunks undone (RFC 9112 6 and 7).

use super::{Framing, Refusal};

/// Longest size line of a chunk, extensions included.
const LONGEST_SIZE_LINE: u32 = 256;
/// Longest trailer section.
const LONGEST_TRAILERS: u32 = 16 * 1024;

/// Finds the end of a body in a stream of bytes, and takes the chunks apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Decoder {
    /// The body has ended.
    #[default]
    Done,
    /// This many bytes are to come.
    Length(u64),
    /// The body comes in chunks.
    Chunked(Chunked),
}

/// Where in a chunked body the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunked {
    place: Place,
    /// Bytes left of the chunk, or its size while it is being read.
    size: u64,
    /// Bytes of the current size line, or of the trailer section.
    line: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Size,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    TrailerStart,
    TrailerName,
    TrailerValue,
    TrailerLf,
    EndLf,
}

impl Decoder {
    /// A decoder for a body that is framed like this.
    #[must_use]
    pub fn new(framing: Framing) -> Self {
        match framing {
            Framing::None => Self::Done,
            Framing::Length(length) => Self::Length(length),
            Framing::Chunked => Self::Chunked(Chunked { place: Place::Size, size: 0, line: 0 }),
        }
    }

    /// Whether the body has ended.
    #[must_use]
    pub fn is_done(&self) -> bool {
        *self == Self::Done
    }

    /// How many bytes are still to come at least, where that is known.
    #[must_use]
    pub fn remaining(&self) -> Option<u64> {
        match self {
            Self::Done => Some(0),
            Self::Length(left) => Some(*left),
            Self::Chunked(_) => None,
        }
    }

    /// Take `input` apart: body bytes go to `sink` piece by piece; the result is how many bytes of `input` belong to
    /// the body and its framing. Less than all only when the body has ended.
    ///
    /// # Errors
    /// When the chunks are malformed; what went to `sink` before is not to be used.
    pub fn decode(&mut self, input: &[u8], sink: &mut dyn FnMut(&[u8])) -> Result<usize, Refusal> {
        match self {
            Self::Done => Ok(0),
            Self::Length(left) => {
                let taken = usize::try_from(*left).map_or(input.len(), |left| left.min(input.len()));
                sink(&input[..taken]);
                *left -= taken as u64;
                if *left == 0 {
                    *self = Self::Done;
                }
                Ok(taken)
            }
            Self::Chunked(chunked) => {
                let (taken, done) = chunked.decode(input, sink)?;
                if done {
                    *self = Self::Done;
                }
                Ok(taken)
            }
        }
    }
}

impl Chunked {
    fn decode(&mut self, input: &[u8], sink: &mut dyn FnMut(&[u8])) -> Result<(usize, bool), Refusal> {
        let mut at = 0;
        while at < input.len() {
            if self.place == Place::Data {
                let left = usize::try_from(self.size).unwrap_or(usize::MAX);
                let taken = left.min(input.len() - at);
                sink(&input[at..at + taken]);
                self.size -= taken as u64;
                at += taken;
                if self.size == 0 {
                    self.place = Place::DataCr;
                }
                continue;
            }
            let done = self.step(input[at])?;
            at += 1;
            if done {
                return Ok((at, true));
            }
        }
        Ok((at, false))
    }

    /// One byte of framing; `true` when it was the last of the body.
    fn step(&mut self, byte: u8) -> Result<bool, Refusal> {
        self.line += 1;
        let in_trailers = !matches!(self.place, Place::Size | Place::Extension | Place::SizeLf);
        if self.line > if in_trailers { LONGEST_TRAILERS } else { LONGEST_SIZE_LINE } {
            return Err(Refusal::Chunk);
        }
        self.place = match (self.place, byte) {
            (Place::Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') if self.line <= 16 => {
                let digit = (byte as char).to_digit(16).map_or(0, u64::from);
                self.size = self.size << 4 | digit;
                Place::Size
            }
            (Place::Size, b'\r') if self.line > 1 => Place::SizeLf,
            (Place::Size, b';') if self.line > 1 => Place::Extension,
            (Place::Extension, b'\r') => Place::SizeLf,
            (Place::Extension, b'\t' | b' '..=b'~' | 0x80..) => Place::Extension,
            (Place::SizeLf, b'\n') => {
                self.line = 0;
                if self.size == 0 { Place::TrailerStart } else { Place::Data }
            }
            (Place::DataCr, b'\r') => Place::DataLf,
            (Place::DataLf, b'\n') => {
                self.line = 0;
                Place::Size
            }
            (Place::TrailerStart, b'\r') => Place::EndLf,
            (Place::TrailerStart | Place::TrailerName, byte) if is_token(byte) => Place::TrailerName,
            (Place::TrailerName, b':') => Place::TrailerValue,
            (Place::TrailerValue, b'\r') => Place::TrailerLf,
            (Place::TrailerValue, b'\t' | b' '..=b'~' | 0x80..) => Place::TrailerValue,
            (Place::TrailerLf, b'\n') => Place::TrailerStart,
            (Place::EndLf, b'\n') => return Ok(true),
            _ => return Err(Refusal::Chunk),
        };
        Ok(false)
    }
}

/// RFC 9110 5.6.2, asked of every byte of every name: looked up, not computed.
pub(crate) fn is_token(byte: u8) -> bool {
    TOKENS[byte as usize]
}

const TOKENS: [bool; 256] = {
    let mut tokens = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        tokens[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let others = b"!#$%&'*+-.^_`|~";
    let mut at = 0;
    while at < others.len() {
        tokens[others[at] as usize] = true;
        at += 1;
    }
    tokens
};

#[cfg(test)]
mod tests {
    use super::*;

    /// Decode `input` in pieces of `step` bytes: the body, what is left over, whether it ended.
    fn decode(framing: Framing, input: &[u8], step: usize) -> Result<(Vec<u8>, usize, bool), Refusal> {
        let mut decoder = Decoder::new(framing);
        let (mut body, mut taken) = (Vec::new(), 0);
        for piece in input.chunks(step) {
            let used = decoder.decode(piece, &mut |bytes| body.extend_from_slice(bytes))?;
            taken += used;
            if used < piece.len() {
                break;
            }
        }
        Ok((body, input.len() - taken, decoder.is_done()))
    }

    #[test]
    fn a_length_ends_the_body_and_leaves_the_rest() {
        for step in 1..12 {
            let result = decode(Framing::Length(5), b"hellonext", step).unwrap();
            assert_eq!(result, (b"hello".to_vec(), 4, true), "in steps of {step}");
        }
        assert_eq!(decode(Framing::Length(5), b"hel", 9).unwrap(), (b"hel".to_vec(), 0, false));
    }

    #[test]
    fn chunks_are_joined_however_they_arrive() {
        let input = b"5\r\nhello\r\n6;ext=\"1\"\r\n world\r\n0\r\nX-Sum: 1\r\n\r\nGET /";
        for step in 1..=input.len() {
            let result = decode(Framing::Chunked, input, step).unwrap();
            assert_eq!(result, (b"hello world".to_vec(), 5, true), "in steps of {step}");
        }
    }

    #[test]
    fn malformed_chunks_are_refused() {
        for input in [
            &b"\r\nhello"[..],
            b"+5\r\nhello\r\n",
            b"-5\r\nhello\r\n",
            b"0x5\r\nhello\r\n",
            b" 5\r\nhello\r\n",
            b"5 \r\nhello\r\n",
            b"5\nhello\r\n",
            b"5\r\nhellox\r\n",
            b"5\r\nhello\n0\r\n\r\n",
            b"11112222333344445\r\n",
            b"5;a\x00b\r\nhello\r\n",
            b"0\r\nno colon\r\n\r\n",
            b"0\r\n: v\r\n\r\n",
            b"0\r\n\n",
            b";\r\n",
        ] {
            assert_eq!(decode(Framing::Chunked, input, 99), Err(Refusal::Chunk), "{}", input.escape_ascii());
        }
    }

    #[test]
    fn an_endless_extension_or_trailer_is_refused() {
        let extension = [b"5;".as_slice(), &[b'a'; 300]].concat();
        assert_eq!(decode(Framing::Chunked, &extension, 999), Err(Refusal::Chunk));
        let trailers = [b"0\r\n".as_slice(), &b"A: b\r\n".repeat(4000)].concat();
        assert_eq!(decode(Framing::Chunked, &trailers, 999), Err(Refusal::Chunk));
    }
}
