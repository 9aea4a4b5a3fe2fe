//! A request's body: where it ends, and chunks undone (RFC 9112 6 and 7).

use super::{Framing, Refusal, lines::is_token};

/// Longest size line of a chunk, extensions included.
const LONGEST_SIZE_LINE: u32 = 256;
/// Longest trailer section.
const LONGEST_TRAILERS: u32 = 16 * 1024;
/// Most bytes that size lines may have beyond what is usual beside their data (RFC 9112 7.1.1): many small chunks with
/// long extensions would be read at the cost of a large body.
const MOST_OVERHEAD: u32 = 16 * 1024;
/// A size line as it is without extensions.
const USUAL_SIZE_LINE: u64 = 16;

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
    /// The chunk's size while that is read, then the bytes left of it; in the trailer section, the mark of a field's name.
    number: u64,
    /// Bytes of the current size line, or of the trailer section.
    line: u32,
    /// Bytes of the size lines so far that were more than usual.
    overhead: u32,
}

/// The grammar of RFC 9112 7.1, one place for each byte that is allowed to differ from its neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    SizeStart,
    Size,
    /// White space before a semicolon.
    ExtensionSpace,
    ExtensionStart,
    ExtensionName,
    /// White space before a semicolon or an equals sign.
    ExtensionNameSpace,
    ValueStart,
    ValueToken,
    ValueQuoted,
    ValueEscaped,
    ValueEnd,
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
            Framing::None | Framing::Length(0) => Self::Done,
            Framing::Length(length) => Self::Length(length),
            Framing::Chunked => Self::Chunked(Chunked::new()),
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
    fn new() -> Self {
        Self { place: Place::SizeStart, number: 0, line: 0, overhead: 0 }
    }

    fn decode(&mut self, input: &[u8], sink: &mut dyn FnMut(&[u8])) -> Result<(usize, bool), Refusal> {
        let mut at = 0;
        while at < input.len() {
            if self.place == Place::Data {
                let left = usize::try_from(self.number).unwrap_or(usize::MAX);
                let taken = left.min(input.len() - at);
                sink(&input[at..at + taken]);
                self.number -= taken as u64;
                at += taken;
                if self.number == 0 {
                    self.place = Place::DataCr;
                }
                continue;
            }
            let place = self.step(input[at])?;
            at += 1;
            match place {
                Some(place) => self.place = place,
                None => return Ok((at, true)),
            }
        }
        Ok((at, false))
    }

    /// One byte of framing: where the next stands, if this was not the last of the body.
    fn step(&mut self, byte: u8) -> Result<Option<Place>, Refusal> {
        self.line += 1;
        match self.place {
            Place::TrailerStart
            | Place::TrailerName
            | Place::TrailerValue
            | Place::TrailerLf
            | Place::EndLf => self.step_in_trailers(byte),
            _ if self.line > LONGEST_SIZE_LINE => Err(Refusal::Chunk),
            Place::SizeStart | Place::Size => self.step_in_size(byte).map(Some),
            Place::SizeLf if byte == b'\n' => self.end_size_line().map(Some),
            Place::DataCr if byte == b'\r' => Ok(Some(Place::DataLf)),
            Place::DataLf if byte == b'\n' => {
                self.line = 0;
                Ok(Some(Place::SizeStart))
            }
            place => step_in_extension(place, byte).map(Some).ok_or(Refusal::Chunk),
        }
    }

    fn step_in_size(&mut self, byte: u8) -> Result<Place, Refusal> {
        match byte {
            b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F' => {
                // RFC 9112 7.1: large sizes must not wrap; the sign of a file offset is out of reach, too.
                if self.number >> 59 != 0 {
                    return Err(Refusal::Chunk);
                }
                let digit = (byte as char).to_digit(16).map_or(0, u64::from);
                self.number = self.number << 4 | digit;
                Ok(Place::Size)
            }
            _ if self.place == Place::SizeStart => Err(Refusal::Chunk),
            b'\r' => Ok(Place::SizeLf),
            b';' => Ok(Place::ExtensionStart),
            b' ' | b'\t' => Ok(Place::ExtensionSpace),
            _ => Err(Refusal::Chunk),
        }
    }

    fn end_size_line(&mut self) -> Result<Place, Refusal> {
        let usual =
            u32::try_from(self.number.saturating_mul(2).saturating_add(USUAL_SIZE_LINE)).unwrap_or(u32::MAX);
        self.overhead = (self.overhead + self.line).saturating_sub(usual);
        self.line = 0;
        match self.number {
            _ if self.overhead > MOST_OVERHEAD => Err(Refusal::Chunk),
            0 => Ok(Place::TrailerStart),
            _ => Ok(Place::Data),
        }
    }

    /// RFC 9112 7.1.2: field lines, without folds. What they say is dropped.
    fn step_in_trailers(&mut self, byte: u8) -> Result<Option<Place>, Refusal> {
        if self.line > LONGEST_TRAILERS {
            return Err(Refusal::Chunk);
        }
        match (self.place, byte) {
            (Place::TrailerStart, b'\r') => Ok(Some(Place::EndLf)),
            (Place::TrailerStart, byte) if is_token(byte) => {
                self.number = mark(MARK, byte);
                Ok(Some(Place::TrailerName))
            }
            (Place::TrailerName, byte) if is_token(byte) => {
                self.number = mark(self.number, byte);
                Ok(Some(Place::TrailerName))
            }
            (Place::TrailerName, b':') if FORBIDDEN.contains(&self.number) => Err(Refusal::Trailer),
            (Place::TrailerName, b':') => Ok(Some(Place::TrailerValue)),
            (Place::TrailerValue, b'\r') => Ok(Some(Place::TrailerLf)),
            (Place::TrailerValue, b'\t' | b' '..=b'~' | 0x80..) => Ok(Some(Place::TrailerValue)),
            (Place::TrailerLf, b'\n') => Ok(Some(Place::TrailerStart)),
            (Place::EndLf, b'\n') => Ok(None),
            _ => Err(Refusal::Chunk),
        }
    }
}

/// RFC 9112 7.1.1: `*( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )`, to the CR at the line's end.
fn step_in_extension(place: Place, byte: u8) -> Option<Place> {
    let next = match (place, byte) {
        (Place::ExtensionStart, b' ' | b'\t') => Place::ExtensionStart,
        (Place::ExtensionStart | Place::ExtensionName, byte) if is_token(byte) => Place::ExtensionName,
        (Place::ExtensionName | Place::ExtensionNameSpace, b' ' | b'\t') => Place::ExtensionNameSpace,
        (Place::ExtensionName | Place::ExtensionNameSpace, b'=') => Place::ValueStart,
        (Place::ValueStart, b' ' | b'\t') => Place::ValueStart,
        (Place::ValueStart, b'"') => Place::ValueQuoted,
        (Place::ValueStart | Place::ValueToken, byte) if is_token(byte) => Place::ValueToken,
        (Place::ValueQuoted, b'"') => Place::ValueEnd,
        (Place::ValueQuoted, b'\\') => Place::ValueEscaped,
        (Place::ValueQuoted | Place::ValueEscaped, b'\t' | b' '..=b'~' | 0x80..) => Place::ValueQuoted,
        (Place::ValueToken | Place::ValueEnd | Place::ExtensionSpace, b' ' | b'\t') => Place::ExtensionSpace,
        (
            Place::ExtensionName
            | Place::ExtensionNameSpace
            | Place::ValueToken
            | Place::ValueEnd
            | Place::ExtensionSpace,
            b';',
        ) => Place::ExtensionStart,
        (Place::ExtensionName | Place::ValueToken | Place::ValueEnd, b'\r') => Place::SizeLf,
        _ => return None,
    };
    Some(next)
}

/// Names that have no place in trailers (RFC 9110 6.5.1), by their marks: fields that frame or route the message, that
/// have to be known before the content is read, or that identify the client. A recipient that merges trailers into the
/// header fields would be fooled by them.
const FORBIDDEN: [u64; 24] = marks([
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "cookie",
    "expect",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "keep-alive",
    "max-forwards",
    "pragma",
    "proxy-authorization",
    "range",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
]);

/// The mark of no bytes (FNV-1a). A name comes in pieces, and nothing is to be kept of it but whether it is forbidden.
const MARK: u64 = 0xcbf2_9ce4_8422_2325;

const fn mark(mark: u64, byte: u8) -> u64 {
    (mark ^ byte.to_ascii_lowercase() as u64).wrapping_mul(0x0100_0000_01b3)
}

const fn marks<const COUNT: usize>(names: [&str; COUNT]) -> [u64; COUNT] {
    let mut marks = [MARK; COUNT];
    let mut name = 0;
    while name < COUNT {
        let mut at = 0;
        while at < names[name].len() {
            marks[name] = mark(marks[name], names[name].as_bytes()[at]);
            at += 1;
        }
        name += 1;
    }
    marks
}

#[cfg(test)]
mod tests;
