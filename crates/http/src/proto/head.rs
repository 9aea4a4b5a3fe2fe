//! A request's head: found in the bytes line by line, then parsed once.
//!
//! Finding the end costs one pass that also closes the gap between `httparse` and RFC 9112: every line must end in CR LF,
//! and no line or head may be longer than its limit, so a refusal never waits for the rest. Parsing keeps spans into the
//! bytes instead of copies.

use std::mem::MaybeUninit;

use super::{
    Refusal,
    semantics::{self, Semantics},
};
use crate::Limits;

/// The most header fields that any configuration can allow.
pub const MOST_FIELDS: usize = 256;

/// A range of a head's bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    start: u32,
    len: u32,
}

impl Span {
    /// The bytes that the span stands for.
    #[must_use]
    pub fn of(self, bytes: &[u8]) -> &[u8] {
        let start = self.start as usize;
        &bytes[start..start + self.len as usize]
    }

    /// Where `part`, a piece of `bytes`, lies in it.
    fn within(bytes: &[u8], part: &[u8]) -> Self {
        let start = part.as_ptr() as usize - bytes.as_ptr() as usize;
        Self { start: start as u32, len: part.len() as u32 }
    }

    fn cut(self, from: usize, to: usize) -> Self {
        Self { start: self.start + from as u32, len: (to - from) as u32 }
    }
}

/// The protocol version of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    #[default]
    Http11,
}

impl Version {
    /// As written in a request line: `HTTP/1.1`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http10 => "HTTP/1.0",
            Self::Http11 => "HTTP/1.1",
        }
    }
}

/// What the engine needs to know of the method; its text stays in the head.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Method {
    /// Responses carry no body (RFC 9110 9.3.2).
    Head,
    /// The only method with an authority-form target (RFC 9112 3.2.3).
    Connect,
    /// The only method with an asterisk-form target (RFC 9112 3.2.4).
    Options,
    /// Any other method.
    #[default]
    Other,
}

/// How far the search for the end of a head has come; kept between reads so that no byte is looked at twice.
#[derive(Debug, Default, Clone, Copy)]
pub struct Scan {
    begin: usize,
    line: usize,
    lines: usize,
    seen: usize,
}

impl Scan {
    /// Look for the end of the head in `bytes`, which only grew since the last call. The result is the position of the
    /// first byte after the head.
    ///
    /// # Errors
    /// The refusal, as early as the bytes show it.
    pub fn find_end(&mut self, bytes: &[u8], limits: &Limits) -> Result<Option<usize>, Refusal> {
        while let Some(offset) = memchr::memchr(b'\n', &bytes[self.seen..]) {
            let at = self.seen + offset;
            if at == self.line || bytes[at - 1] != b'\r' {
                return Err(Refusal::LineEnd);
            }
            let length = at - 1 - self.line;
            self.seen = at + 1;
            if length == 0 {
                if self.lines > 0 {
                    return Ok(Some(at + 1));
                }
                // RFC 9112 2.2: a server should ignore an empty line before the request line; one is enough.
                if self.begin > 0 {
                    return Err(Refusal::RequestLine);
                }
                self.begin = at + 1;
            } else {
                self.check(length, limits)?;
                self.lines += 1;
            }
            self.line = at + 1;
        }
        self.seen = bytes.len();
        self.check((bytes.len() - self.line).saturating_sub(1), limits)?;
        if bytes.len() > limits.head {
            return Err(Refusal::FieldsTooLarge);
        }
        match bytes.get(self.begin) {
            // What cannot begin a method (a TLS hello, say) is refused without waiting for a line end.
            Some(&first) if !(first.is_ascii_graphic() || first == b'\r') => Err(Refusal::RequestLine),
            _ => Ok(None),
        }
    }

    fn check(&self, length: usize, limits: &Limits) -> Result<(), Refusal> {
        if self.lines == 0 {
            if length > limits.request_line { Err(Refusal::LineTooLong) } else { Ok(()) }
        } else if length > limits.field_size || self.lines > limits.fields + 1 {
            Err(Refusal::FieldsTooLarge)
        } else {
            Ok(())
        }
    }

    /// How many bytes before the request line are to be skipped.
    #[must_use]
    pub fn begin(&self) -> usize {
        self.begin
    }

    /// Whether the bytes seen so far hold anything of a request.
    #[must_use]
    pub fn started(&self) -> bool {
        self.seen > self.begin
    }
}

/// A parsed request head: spans into the bytes it was parsed from, and what they mean for the connection.
#[derive(Debug, Default)]
pub struct Head {
    method: Span,
    target: Span,
    path: Span,
    query: Span,
    version: Version,
    fields: Vec<(Span, Span)>,
    semantics: Semantics,
}

impl Head {
    /// Parse the complete head `bytes`.
    ///
    /// # Errors
    /// The first rule of RFC 9112 or RFC 9110 that it breaks.
    pub fn parse(&mut self, bytes: &[u8], limits: &Limits) -> Result<(), Refusal> {
        self.fields.clear();
        let mut room = [const { MaybeUninit::<httparse::Header<'_>>::uninit() }; MOST_FIELDS];
        let mut request = httparse::Request::new(&mut []);
        let room = &mut room[..limits.fields.min(MOST_FIELDS)];
        match request.parse_with_uninit_headers(bytes, room) {
            Ok(httparse::Status::Complete(end)) if end == bytes.len() => {}
            Ok(_) => return Err(Refusal::RequestLine),
            Err(error) => return Err(refusal_of(error, bytes)),
        }
        let (Some(method), Some(target)) = (request.method, request.path) else {
            return Err(Refusal::RequestLine);
        };
        self.version = if request.version == Some(0) { Version::Http10 } else { Version::Http11 };
        self.method = Span::within(bytes, method.as_bytes());
        self.target = Span::within(bytes, target.as_bytes());
        for field in request.headers.iter() {
            let name = Span::within(bytes, field.name.as_bytes());
            self.fields.push((name, Span::within(bytes, field.value)));
        }
        self.semantics = semantics::read(self, bytes)?;
        let (from, to, mark) = semantics::split_target(self.target(bytes), self.semantics.method)?;
        self.path = self.target.cut(from, mark.unwrap_or(to));
        self.query = self.target.cut(mark.map_or(to, |mark| mark + 1), to);
        Ok(())
    }

    /// The method as sent.
    #[must_use]
    pub fn method<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        self.method.of(bytes)
    }

    /// The request target as sent.
    #[must_use]
    pub fn target<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        self.target.of(bytes)
    }

    /// The path of the target, still percent-encoded, without the query; `/` where an absolute target has none.
    #[must_use]
    pub fn path<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        if self.path.len == 0 { b"/" } else { self.path.of(bytes) }
    }

    /// The query of the target, without its question mark; empty where there is none.
    #[must_use]
    pub fn query<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        self.query.of(bytes)
    }

    /// The protocol version.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// The header fields in the order they came, names as sent, values without surrounding white space.
    pub fn fields<'b>(&self, bytes: &'b [u8]) -> impl ExactSizeIterator<Item = (&'b [u8], &'b [u8])> {
        self.fields.iter().map(move |(name, value)| (name.of(bytes), value.of(bytes)))
    }

    /// All header lines as sent: two requests with the same have the same fields.
    #[must_use]
    pub fn field_lines<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        match self.fields.first() {
            Some((name, _)) => &bytes[name.start as usize..],
            None => &[],
        }
    }

    /// What the head means for the connection.
    #[must_use]
    pub fn semantics(&self) -> &Semantics {
        &self.semantics
    }
}

fn refusal_of(error: httparse::Error, bytes: &[u8]) -> Refusal {
    use httparse::Error;
    match error {
        Error::HeaderName | Error::HeaderValue => Refusal::Field,
        Error::NewLine => Refusal::LineEnd,
        Error::TooManyHeaders => Refusal::FieldsTooLarge,
        Error::Version => {
            let line = bytes.split(|byte| *byte == b'\r').next().unwrap_or(bytes);
            let version = line.rsplit(|byte| *byte == b' ').next().unwrap_or(line);
            let known = line.iter().filter(|byte| **byte == b' ').count() == 2
                && version.len() == 8
                && version.starts_with(b"HTTP/")
                && version[5].is_ascii_digit()
                && version[6] == b'.'
                && version[7].is_ascii_digit();
            if known { Refusal::Version } else { Refusal::RequestLine }
        }
        Error::Token => Refusal::RequestLine,
        Error::Status => Refusal::RequestLine,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Option<(Head, usize)>, Refusal> {
        let mut scan = Scan::default();
        let limits = Limits::default();
        let Some(end) = scan.find_end(bytes, &limits)? else { return Ok(None) };
        let mut head = Head::default();
        head.parse(&bytes[scan.begin()..end], &limits)?;
        Ok(Some((head, end)))
    }

    fn refused(bytes: &[u8]) -> Refusal {
        match read(bytes) {
            Err(refusal) => refusal,
            Ok(_) => panic!("accepted {}", bytes.escape_ascii()),
        }
    }

    #[test]
    fn a_plain_request_is_read_with_its_parts() {
        let bytes = b"GET /a%20b?x=1&y HTTP/1.1\r\nHost: h:80\r\nX-Y:  v \r\n\r\nrest";
        let (head, end) = read(bytes).unwrap().unwrap();
        assert_eq!(&bytes[end..], b"rest");
        assert_eq!(head.method(bytes), b"GET");
        assert_eq!(head.target(bytes), b"/a%20b?x=1&y");
        assert_eq!(head.path(bytes), b"/a%20b");
        assert_eq!(head.query(bytes), b"x=1&y");
        let fields: Vec<_> = head.fields(bytes).collect();
        assert_eq!(fields, [(&b"Host"[..], &b"h:80"[..]), (b"X-Y", b"v")]);
    }

    #[test]
    fn a_head_that_comes_byte_by_byte_is_found_at_its_last_byte() {
        let bytes = b"\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n";
        let (mut scan, limits) = (Scan::default(), Limits::default());
        for len in 1..bytes.len() {
            assert_eq!(scan.find_end(&bytes[..len], &limits), Ok(None), "after {len} bytes");
        }
        assert_eq!(scan.find_end(bytes, &limits), Ok(Some(bytes.len())));
        assert_eq!(scan.begin(), 2);
    }

    #[test]
    fn what_httparse_lets_pass_is_refused() {
        assert_eq!(refused(b"GET / HTTP/1.1\nHost: h\n\n"), Refusal::LineEnd);
        assert_eq!(refused(b"GET / HTTP/1.1\r\nHost: h\n\r\n"), Refusal::LineEnd);
        assert_eq!(refused(b"\n"), Refusal::LineEnd);
        assert_eq!(refused(b"\x16\x03\x01"), Refusal::RequestLine);
        assert_eq!(refused(b"\r\n\r\n"), Refusal::RequestLine);
    }

    #[test]
    fn malformed_heads_are_refused_with_the_rule_they_break() {
        let table: &[(&[u8], Refusal)] = &[
            (b"GET /\r\n\r\n", Refusal::RequestLine),
            (b"GET / HTTP/2.0\r\nHost: h\r\n\r\n", Refusal::Version),
            (b"GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", Refusal::RequestLine),
            (b"GET / HTTX/1.1\r\nHost: h\r\n\r\n", Refusal::RequestLine),
            (b"GET / HTTP/1.1\r\nHost : h\r\n\r\n", Refusal::Field),
            (b"GET / HTTP/1.1\r\nHost: h\r\n fold\r\n\r\n", Refusal::Field),
            (b"GET / HTTP/1.1\r\nHost: h\r\nA: b\x00c\r\n\r\n", Refusal::Field),
            (b"GET / HTTP/1.1\r\nHost: h\r\nA: b\rc\r\n\r\n", Refusal::Field),
            (b"GET / HTTP/1.1\r\nHost: h\r\n: c\r\n\r\n", Refusal::Field),
            (b"GET  / HTTP/1.1\r\nHost: h\r\n\r\n", Refusal::RequestLine),
            (b"G@T / HTTP/1.1\r\nHost: h\r\n\r\n", Refusal::RequestLine),
        ];
        for (bytes, refusal) in table {
            assert_eq!(refused(bytes), *refusal, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn limits_are_enforced_before_the_head_is_complete() {
        let long = [b"GET /".as_slice(), &[b'a'; 5000]].concat();
        assert_eq!(refused(&long), Refusal::LineTooLong);
        let wide = [b"GET / HTTP/1.1\r\nA: ".as_slice(), &[b'a'; 9000]].concat();
        assert_eq!(refused(&wide), Refusal::FieldsTooLarge);
        let many = [b"GET / HTTP/1.1\r\nHost: h\r\n".as_slice(), &b"A: b\r\n".repeat(100), b"\r\n"].concat();
        assert_eq!(refused(&many), Refusal::FieldsTooLarge);
    }
}
