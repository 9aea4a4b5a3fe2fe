//! How a response body is framed, and what is written around each piece of it (RFC 9112 6 and 7.1).

use super::{
    Method, Version,
    reply::{Reply, is_bodyless},
};

/// The framing of one response body, and how much of it is still owed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Encoder {
    /// This many bytes are owed.
    Length(u64),
    /// Every piece is a chunk.
    Chunked,
    /// The body ends with the connection: HTTP/1.0 without a length.
    UntilClose,
    /// There is no body whatever the application sends: HEAD, 204 and 304.
    #[default]
    Bodyless,
}

impl Encoder {
    /// Choose the framing for `reply` and write the header fields that say so. `whole` is the length of the body where
    /// all of it is there already.
    pub fn choose(reply: &mut Reply, method: Method, version: Version, whole: Option<u64>) -> Self {
        if method == Method::Head || is_bodyless(reply.status()) {
            if reply.status() == 204 {
                reply.remove_length();
            }
            return Self::Bodyless;
        }
        match (reply.length(), whole) {
            (Some(length), _) => Self::Length(length),
            (None, Some(length)) => {
                reply.add_length(length);
                Self::Length(length)
            }
            (None, None) if version == Version::Http11 => {
                reply.add_chunked();
                Self::Chunked
            }
            (None, None) => Self::UntilClose,
        }
    }

    /// Begin a piece of `len` bytes: writes what goes before it, and says how many of the bytes may be sent.
    pub fn open(&mut self, len: usize, out: &mut Vec<u8>) -> usize {
        match self {
            Self::Length(owed) => {
                let sent = usize::try_from(*owed).map_or(len, |owed| owed.min(len));
                *owed -= sent as u64;
                sent
            }
            Self::Chunked if len > 0 => {
                write_hex(len, out);
                len
            }
            Self::Chunked | Self::UntilClose => len,
            Self::Bodyless => 0,
        }
    }

    /// What goes after a piece of `len` bytes.
    #[must_use]
    pub fn close(self, len: usize, last: bool) -> &'static [u8] {
        match (self, len > 0, last) {
            (Self::Chunked, true, true) => b"\r\n0\r\n\r\n",
            (Self::Chunked, true, false) => b"\r\n",
            (Self::Chunked, false, true) => b"0\r\n\r\n",
            _ => b"",
        }
    }

    /// Whether a body that ends now is what its head promised.
    #[must_use]
    pub fn is_complete(self) -> bool {
        !matches!(self, Self::Length(owed) if owed > 0)
    }

    /// Whether the connection must be closed to end the body.
    #[must_use]
    pub fn ends_with_connection(self) -> bool {
        self == Self::UntilClose
    }
}

fn write_hex(len: usize, out: &mut Vec<u8>) {
    let digits = (usize::BITS - len.leading_zeros()).div_ceil(4).max(1);
    for digit in (0..digits).rev() {
        out.push(b"0123456789abcdef"[(len >> (digit * 4)) & 15]);
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: &[u8]) -> Reply {
        let mut reply = Reply::default();
        reply.begin(status).unwrap();
        reply
    }

    #[test]
    fn a_whole_body_gets_its_length_and_a_streamed_one_is_chunked_or_closed() {
        let choose = |version, whole| Encoder::choose(&mut reply(b"200 OK"), Method::Other, version, whole);
        assert_eq!(choose(Version::Http11, Some(3)), Encoder::Length(3));
        assert_eq!(choose(Version::Http11, None), Encoder::Chunked);
        assert_eq!(choose(Version::Http10, None), Encoder::UntilClose);
    }

    #[test]
    fn head_and_bodyless_statuses_carry_nothing() {
        let chosen = Encoder::choose(&mut reply(b"200 OK"), Method::Head, Version::Http11, Some(3));
        assert_eq!(chosen, Encoder::Bodyless);
        for status in [b"204 No Content", b"304 Not Modified".as_slice()] {
            let mut encoder = Encoder::choose(&mut reply(status), Method::Other, Version::Http11, Some(3));
            assert_eq!(encoder.open(3, &mut Vec::new()), 0);
            assert!(encoder.is_complete());
        }
        let mut reply = reply(b"204 No Content");
        reply.field(b"Content-Length", b"0").unwrap();
        reply.field(b"X-After", b"1").unwrap();
        Encoder::choose(&mut reply, Method::Other, Version::Http11, None);
        assert_eq!(reply.bytes(), b"HTTP/1.1 204 No Content\r\nX-After: 1\r\n");
    }

    #[test]
    fn chunks_are_sized_in_hexadecimal_and_closed_once() {
        let mut encoder = Encoder::Chunked;
        let mut out = Vec::new();
        assert_eq!(encoder.open(0x1a3, &mut out), 0x1a3);
        assert_eq!(out, b"1a3\r\n");
        assert_eq!(encoder.close(5, false), b"\r\n");
        assert_eq!(encoder.close(5, true), b"\r\n0\r\n\r\n");
        assert_eq!(encoder.close(0, true), b"0\r\n\r\n");
    }

    #[test]
    fn a_length_cuts_what_is_too_much_and_notes_what_is_missing() {
        let mut encoder = Encoder::Length(5);
        assert_eq!(encoder.open(3, &mut Vec::new()), 3);
        assert!(!encoder.is_complete());
        assert_eq!(encoder.open(9, &mut Vec::new()), 2);
        assert!(encoder.is_complete());
    }
}
