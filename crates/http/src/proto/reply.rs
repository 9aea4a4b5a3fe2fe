//! A response's head, checked and written to bytes as the application names its parts.

use super::lines::is_token;

/// A part of a response head that cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// Not three digits from 200 to 999, a space and a reason.
    #[error(
        "the status `{0}` is not a code from 200 to 999 and a reason without control characters, as in `200 OK`"
    )]
    Status(String),
    /// A header name that is not a token (RFC 9110 5.1).
    #[error("the header name `{0}` is not a token: letters, digits and !#$%&'*+-.^_`|~ only")]
    Name(String),
    /// A value that would split the response (RFC 9110 5.5).
    #[error("the value of the header `{0}` holds CR, LF or NUL")]
    Value(String),
    /// A length that is not a number, or two different ones.
    #[error("the header Content-Length is `{0}`, which is not one number of bytes")]
    Length(String),
}

/// Whether a response with this status never has a body (RFC 9110 6.4.1).
#[must_use]
pub fn is_bodyless(status: u16) -> bool {
    matches!(status, 204 | 304)
}

/// A response's head as it will be sent, and what it says about the body and the connection.
///
/// The space behind the head serves as scratch for the pieces of the body, so that head and first piece leave in one
/// write without a copy of the head.
#[derive(Debug, Default)]
pub struct Reply {
    bytes: Vec<u8>,
    head_len: usize,
    status: u16,
    length: Option<Declared>,
    has_date: bool,
    has_server: bool,
    close: bool,
}

#[derive(Debug, Clone, Copy)]
struct Declared {
    value: u64,
    line: (usize, usize),
}

impl Reply {
    /// Start over, with this status: code and reason, as in `200 OK`.
    ///
    /// # Errors
    /// When the status is not one.
    pub fn begin(&mut self, status: &[u8]) -> Result<(), ReplyError> {
        let code = match status {
            [a @ b'2'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', rest @ ..]
                if matches!(rest.first(), None | Some(b' ')) && !rest.iter().any(u8::is_ascii_control) =>
            {
                [a, b, c].into_iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'))
            }
            _ => return Err(ReplyError::Status(status.escape_ascii().to_string())),
        };
        self.clear();
        self.status = code;
        self.bytes.extend_from_slice(b"HTTP/1.1 ");
        self.bytes.extend_from_slice(status);
        self.bytes.extend_from_slice(if status.len() == 3 { b" \r\n" } else { b"\r\n" });
        Ok(())
    }

    /// Start over, with this status code and its usual reason.
    ///
    /// # Errors
    /// When the code is none that an application may answer with.
    pub fn begin_code(&mut self, code: u16) -> Result<(), ReplyError> {
        if code == 200 {
            return self.begin(b"200 OK");
        }
        let reason = http::StatusCode::from_u16(code).ok().and_then(|status| status.canonical_reason());
        self.begin(format!("{code} {}", reason.unwrap_or_default()).as_bytes())
    }

    /// Start over, with a response of the server's own: this status, and a body of plain text.
    pub fn begin_text(&mut self, status: &'static str) {
        let begun = self.begin(status.as_bytes());
        let named = self.field(b"Content-Type", b"text/plain; charset=utf-8");
        debug_assert!(begun.is_ok() && named.is_ok(), "`{status}` is no status");
    }

    /// Forget everything but the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        *self = Self { bytes: std::mem::take(&mut self.bytes), ..Self::default() };
    }

    /// Add a header field. Fields that are the server's business (RFC 9110 7.6.1) are taken note of and left out.
    ///
    /// # Errors
    /// When the field would not be one field of a well-formed head.
    pub fn field(&mut self, name: &[u8], value: &[u8]) -> Result<(), ReplyError> {
        if name.is_empty() || !name.iter().all(|byte| is_token(*byte)) {
            return Err(ReplyError::Name(name.escape_ascii().to_string()));
        }
        if value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            return Err(ReplyError::Value(name.escape_ascii().to_string()));
        }
        let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
        match name.len() {
            2 if is(b"te") => return Ok(()),
            4 if is(b"date") => self.has_date = true,
            6 if is(b"server") => self.has_server = true,
            7 if is(b"upgrade") || is(b"trailer") => return Ok(()),
            10 if is(b"keep-alive") => return Ok(()),
            10 if is(b"connection") => {
                self.close |= value
                    .split(|byte| *byte == b',')
                    .any(|token| token.trim_ascii().eq_ignore_ascii_case(b"close"));
                return Ok(());
            }
            14 if is(b"content-length") => return self.declare_length(name, value),
            16 if is(b"proxy-connection") => return Ok(()),
            17 if is(b"transfer-encoding") => return Ok(()),
            _ => {}
        }
        self.push(name, value);
        Ok(())
    }

    fn declare_length(&mut self, name: &[u8], value: &[u8]) -> Result<(), ReplyError> {
        let text = value.trim_ascii();
        let refused = || ReplyError::Length(value.escape_ascii().to_string());
        if text.is_empty() || text.len() > 18 || !text.iter().all(u8::is_ascii_digit) {
            return Err(refused());
        }
        let length = text.iter().fold(0, |length, digit| length * 10 + u64::from(digit - b'0'));
        match self.length {
            Some(declared) if declared.value == length => {}
            Some(_) => return Err(refused()),
            None => {
                let start = self.bytes.len();
                self.push(name, text);
                self.length = Some(Declared { value: length, line: (start, self.bytes.len()) });
            }
        }
        Ok(())
    }

    fn push(&mut self, name: &[u8], value: &[u8]) {
        self.bytes.reserve(name.len() + value.len() + 4);
        self.bytes.extend_from_slice(name);
        self.bytes.extend_from_slice(b": ");
        self.bytes.extend_from_slice(value);
        self.bytes.extend_from_slice(b"\r\n");
    }

    pub(super) fn add_length(&mut self, length: u64) {
        self.push(b"Content-Length", itoa::Buffer::new().format(length).as_bytes());
    }

    pub(super) fn add_chunked(&mut self) {
        self.bytes.extend_from_slice(b"Transfer-Encoding: chunked\r\n");
    }

    pub(super) fn remove_length(&mut self) {
        if let Some(Declared { line: (start, end), .. }) = self.length.take() {
            self.bytes.drain(start..end);
        }
    }

    /// Write what the server adds: `Server`, `Date` (the line in `date`), `Connection`, and the empty line.
    pub fn seal(&mut self, date: &[u8], connection: Option<&str>) {
        if !self.has_server {
            self.bytes.extend_from_slice(b"Server: rgunicorn\r\n");
        }
        if !self.has_date {
            self.bytes.extend_from_slice(date);
        }
        if let Some(connection) = connection {
            self.push(b"Connection", connection.as_bytes());
        }
        self.bytes.extend_from_slice(b"\r\n");
        self.head_len = self.bytes.len();
    }

    /// The status code; 0 before [`Reply::begin`].
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The body's length as the application declared it.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        self.length.map(|declared| declared.value)
    }

    /// Whether the application wants the connection closed.
    #[must_use]
    pub fn wants_close(&self) -> bool {
        self.close
    }

    /// Whether the head is complete and must not change any more.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.head_len > 0
    }

    /// What has been written so far.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The memory behind the sealed head, for the framing of a piece.
    pub(crate) fn scratch(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Empty the scratch space behind the sealed head.
    pub(crate) fn clear_scratch(&mut self) {
        self.bytes.truncate(self.head_len);
    }

    /// What of the bytes is scratch behind the sealed head.
    pub(crate) fn head_len(&self) -> usize {
        self.head_len
    }

    /// Code and reason as in the status line; empty before [`Reply::begin`].
    #[must_use]
    pub fn status_text(&self) -> &[u8] {
        let line = self.bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
        line.strip_prefix(b"HTTP/1.1 ").unwrap_or_default()
    }

    /// The fields so far, in their order: names as written, values. Once the head is sealed, those of the server are there
    /// too.
    pub fn fields(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let end = if self.is_sealed() { self.head_len } else { self.bytes.len() };
        let head = &self.bytes[..end.min(self.bytes.len())];
        head.split(|byte| *byte == b'\n').skip(1).filter_map(|line| {
            let colon = memchr::memchr(b':', line)?;
            Some((&line[..colon], line[colon + 1..].trim_ascii()))
        })
    }

    /// The values of the sent fields with this name.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let head = &self.bytes[..self.head_len.min(self.bytes.len())];
        head.split(|byte| *byte == b'\n').skip(1).filter_map(move |line| {
            let colon = memchr::memchr(b':', line)?;
            line[..colon].eq_ignore_ascii_case(name.as_bytes()).then(|| line[colon + 1..].trim_ascii())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun() -> Reply {
        let mut reply = Reply::default();
        reply.begin(b"200 OK").unwrap();
        reply
    }

    #[test]
    fn a_head_is_written_in_the_order_it_was_named() {
        let mut reply = begun();
        reply.field(b"X-A", b"1").unwrap();
        reply.field(b"X-A", b"2").unwrap();
        reply.seal(b"Date: today\r\n", Some("close"));
        let expected = "HTTP/1.1 200 OK\r\nX-A: 1\r\nX-A: 2\r\nServer: rgunicorn\r\nDate: today\r\nConnection: close\r\n\r\n";
        assert_eq!(String::from_utf8_lossy(reply.bytes()), expected);
        assert_eq!(reply.values("x-a").collect::<Vec<_>>(), [b"1", b"2"]);
    }

    #[test]
    fn date_and_server_of_the_application_win() {
        let mut reply = begun();
        reply.field(b"date", b"then").unwrap();
        reply.field(b"server", b"mine").unwrap();
        reply.seal(b"Date: today\r\n", None);
        assert_eq!(reply.bytes(), b"HTTP/1.1 200 OK\r\ndate: then\r\nserver: mine\r\n\r\n");
    }

    #[test]
    fn nothing_can_split_the_response() {
        for status in [&b"200 OK\r\nX: y"[..], b"200 O\x00K", b"20 OK", b"2000", b"100 Continue", b"abc", b""]
        {
            assert!(matches!(begun().begin(status), Err(ReplyError::Status(_))), "{}", status.escape_ascii());
        }
        for name in [&b""[..], b"a b", b"a:b", b"a\r\nb", b"\xc3\xa4"] {
            assert!(matches!(begun().field(name, b"v"), Err(ReplyError::Name(_))), "{}", name.escape_ascii());
        }
        for value in [&b"a\rb"[..], b"a\nb", b"a\x00b"] {
            assert!(
                matches!(begun().field(b"n", value), Err(ReplyError::Value(_))),
                "{}",
                value.escape_ascii()
            );
        }
    }

    #[test]
    fn one_length_is_kept_and_two_different_ones_are_refused() {
        let mut reply = begun();
        reply.field(b"Content-Length", b"5").unwrap();
        reply.field(b"content-length", b"5").unwrap();
        assert_eq!(reply.bytes(), b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n");
        assert!(matches!(reply.field(b"content-length", b"6"), Err(ReplyError::Length(_))));
        assert!(matches!(begun().field(b"content-length", b"5x"), Err(ReplyError::Length(_))));
    }

    #[test]
    fn status_and_fields_can_be_read_back_before_and_after_the_head_is_sealed() {
        assert_eq!((Reply::default().status_text(), Reply::default().fields().count()), (&b""[..], 0));
        let mut reply = begun();
        reply.field(b"X-One", b"a: b").unwrap();
        reply.field(b"x-two", b"").unwrap();
        let own = [(&b"X-One"[..], &b"a: b"[..]), (b"x-two", b"")];
        assert_eq!(reply.status_text(), b"200 OK");
        assert_eq!(reply.fields().collect::<Vec<_>>(), own);
        reply.seal(b"Date: now\r\n", Some("close"));
        reply.scratch().extend_from_slice(b"5\r\nx: y\r\n");
        let names: Vec<_> = reply.fields().map(|(name, _)| name).collect();
        assert_eq!(names, [&b"X-One"[..], b"x-two", b"Server", b"Date", b"Connection"]);
    }

    #[test]
    fn fields_of_the_connection_are_the_servers_business() {
        let mut reply = begun();
        for name in ["Connection", "Keep-Alive", "Transfer-Encoding", "Upgrade", "TE", "Trailer"] {
            reply.field(name.as_bytes(), b"close").unwrap();
        }
        assert!(reply.wants_close());
        assert_eq!(reply.bytes(), b"HTTP/1.1 200 OK\r\n");
    }
}
