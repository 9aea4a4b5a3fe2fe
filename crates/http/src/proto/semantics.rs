//! What a head means for the connection: where the body ends, whether the connection goes on, what the client awaits.

use super::{
    Refusal,
    head::{Head, Method, Version},
};

/// How the end of a request body is known (RFC 9112 6.3).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Framing {
    /// There is no body.
    #[default]
    None,
    /// The body has this many bytes.
    Length(u64),
    /// The body comes in chunks.
    Chunked,
}

/// What a head means for the connection.
#[derive(Debug, Clone, Copy, Default)]
pub struct Semantics {
    /// What the engine needs to know of the method.
    pub method: Method,
    /// Where the body ends.
    pub framing: Framing,
    /// Whether the client wants to go on with the connection.
    pub keep_alive: bool,
    /// Whether the client waits for `100 Continue` before it sends the body (RFC 9110 10.1.1).
    pub expects_continue: bool,
    /// Whether the client asks for a websocket (RFC 6455 4.1).
    pub websocket: bool,
}

/// Read the fields that matter to the connection.
pub(super) fn read(head: &Head, bytes: &[u8]) -> Result<Semantics, Refusal> {
    let version = head.version();
    let mut found = Found::default();
    for (name, value) in head.fields(bytes) {
        found.field(name, value)?;
    }
    let method = match head.method(bytes) {
        b"HEAD" => Method::Head,
        b"CONNECT" => Method::Connect,
        b"OPTIONS" => Method::Options,
        _ => Method::Other,
    };
    if found.hosts > 1 || (found.hosts == 0 && version == Version::Http11) {
        return Err(Refusal::Host);
    }
    let framing = match (found.length, found.chunked) {
        (None, false) => Framing::None,
        (Some(0), false) => Framing::None,
        (Some(length), false) => Framing::Length(length),
        (None, true) if version == Version::Http11 => Framing::Chunked,
        // RFC 9112 6.1: in HTTP/1.0, or beside a length, the framing is faulty.
        _ => return Err(Refusal::TransferEncoding),
    };
    Ok(Semantics {
        method,
        framing,
        keep_alive: !found.close && (version == Version::Http11 || found.keep_alive),
        expects_continue: found.expects_continue && version == Version::Http11 && framing != Framing::None,
        websocket: found.upgrade && found.websocket,
    })
}

#[derive(Default)]
struct Found {
    hosts: u32,
    length: Option<u64>,
    chunked: bool,
    close: bool,
    keep_alive: bool,
    upgrade: bool,
    websocket: bool,
    expects_continue: bool,
}

impl Found {
    fn field(&mut self, name: &[u8], value: &[u8]) -> Result<(), Refusal> {
        let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
        match name.len() {
            4 if is(b"host") => {
                self.hosts += 1;
                if !is_host(value) {
                    return Err(Refusal::Host);
                }
            }
            6 if is(b"expect") => {
                if !value.eq_ignore_ascii_case(b"100-continue") {
                    return Err(Refusal::Expectation);
                }
                self.expects_continue = true;
            }
            7 if is(b"upgrade") => self.websocket |= has_token(value, b"websocket"),
            10 if is(b"connection") => {
                self.close |= has_token(value, b"close");
                self.keep_alive |= has_token(value, b"keep-alive");
                self.upgrade |= has_token(value, b"upgrade");
            }
            14 if is(b"content-length") => {
                if self.length.is_some() {
                    return Err(Refusal::ContentLength);
                }
                self.length = Some(parse_length(value)?);
            }
            17 if is(b"transfer-encoding") => {
                if self.chunked {
                    return Err(Refusal::TransferEncoding);
                }
                check_coding(value)?;
                self.chunked = true;
            }
            _ => {}
        }
        Ok(())
    }
}

/// RFC 9112 6.1 and 6.3: `chunked` comes last, and once; no other coding is known here.
fn check_coding(value: &[u8]) -> Result<(), Refusal> {
    if value.eq_ignore_ascii_case(b"chunked") {
        return Ok(());
    }
    let mut codings = value.rsplit(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    let chunked = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
    let ends_well = codings.next().is_some_and(chunked) && !codings.any(chunked);
    Err(if ends_well { Refusal::TransferCoding } else { Refusal::TransferEncoding })
}

/// RFC 9110 8.6: digits and nothing else; a list of lengths is refused even where they agree.
fn parse_length(value: &[u8]) -> Result<u64, Refusal> {
    if value.is_empty() || value.len() > 18 || !value.iter().all(u8::is_ascii_digit) {
        return Err(Refusal::ContentLength);
    }
    Ok(value.iter().fold(0, |length, digit| length * 10 + u64::from(digit - b'0')))
}

/// RFC 3986 3.2.2 and 3.2.3, without user information; empty is allowed (RFC 9112 3.2).
fn is_host(value: &[u8]) -> bool {
    value.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:[]".contains(byte))
}

fn has_token(value: &[u8], token: &[u8]) -> bool {
    value.len() >= token.len()
        && value.split(|byte| *byte == b',').any(|part| part.trim_ascii().eq_ignore_ascii_case(token))
}

/// Where path and query lie in a target: begin of the path, end, and the question mark (RFC 9112 3.2).
pub(super) fn split_target(target: &[u8], method: Method) -> Result<(usize, usize, Option<usize>), Refusal> {
    if target.contains(&b'#') {
        return Err(Refusal::Target);
    }
    let end = target.len();
    let from = match target.first() {
        Some(b'/') => 0,
        Some(b'*') if end == 1 && method == Method::Options => 0,
        Some(_) if method != Method::Connect => path_of_absolute(target).ok_or(Refusal::Target)?,
        _ => return Err(Refusal::Target),
    };
    let mark = memchr::memchr(b'?', &target[from..]).map(|offset| from + offset);
    Ok((from, end, mark))
}

/// Where the path begins in `http://authority/path`; at the end where there is none (the caller reads `/`).
fn path_of_absolute(target: &[u8]) -> Option<usize> {
    let authority = [&b"http://"[..], b"https://"].iter().find_map(|scheme| {
        let begins = target.len() > scheme.len() && target[..scheme.len()].eq_ignore_ascii_case(scheme);
        begins.then_some(scheme.len())
    })?;
    let path = target[authority..].iter().position(|byte| matches!(byte, b'/' | b'?'));
    match path {
        Some(0) => None,
        Some(offset) => Some(authority + offset),
        None => Some(target.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    fn semantics(fields: &str) -> Result<Semantics, Refusal> {
        parse(&format!("POST / HTTP/1.1\r\nHost: h\r\n{fields}\r\n"))
    }

    fn parse(text: &str) -> Result<Semantics, Refusal> {
        let mut head = Head::default();
        head.parse(text.as_bytes(), &Limits::default())?;
        Ok(*head.semantics())
    }

    #[test]
    fn the_body_ends_where_the_fields_say() {
        assert_eq!(semantics("").unwrap().framing, Framing::None);
        assert_eq!(semantics("Content-Length: 5\r\n").unwrap().framing, Framing::Length(5));
        assert_eq!(semantics("Transfer-Encoding: Chunked\r\n").unwrap().framing, Framing::Chunked);
    }

    #[test]
    fn ambiguous_framing_is_refused() {
        for fields in [
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        ] {
            assert_eq!(semantics(fields).unwrap_err(), Refusal::TransferEncoding, "{fields}");
        }
        for value in ["5, 5", "+5", "-1", "5 5", "0x5", "", "9999999999999999999"] {
            let fields = format!("Content-Length: {value}\r\n");
            assert_eq!(semantics(&fields).unwrap_err(), Refusal::ContentLength, "{value}");
        }
        assert_eq!(
            semantics("Content-Length: 5\r\nContent-Length: 5\r\n").unwrap_err(),
            Refusal::ContentLength
        );
        for value in ["gzip", "", "chunked, gzip", "chunked, chunked", "identity", "xchunked"] {
            let fields = format!("Transfer-Encoding: {value}\r\n");
            assert_eq!(semantics(&fields).unwrap_err(), Refusal::TransferEncoding, "{value}");
        }
        let unknown = semantics("Transfer-Encoding: gzip, chunked\r\n");
        assert_eq!(unknown.unwrap_err(), Refusal::TransferCoding);
        let old = "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(parse(old).unwrap_err(), Refusal::TransferEncoding);
    }

    #[test]
    fn one_valid_host_is_required() {
        assert_eq!(parse("GET / HTTP/1.1\r\n\r\n").unwrap_err(), Refusal::Host);
        assert_eq!(semantics("Host: h\r\n").unwrap_err(), Refusal::Host);
        assert_eq!(parse("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n").unwrap_err(), Refusal::Host);
        assert!(parse("GET / HTTP/1.0\r\n\r\n").is_ok());
    }

    #[test]
    fn keep_alive_is_the_default_of_the_newer_version_only() {
        assert!(semantics("").unwrap().keep_alive);
        assert!(!semantics("Connection: Keep-Alive, Close\r\n").unwrap().keep_alive);
        assert!(!parse("GET / HTTP/1.0\r\n\r\n").unwrap().keep_alive);
        assert!(parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").unwrap().keep_alive);
    }

    #[test]
    fn targets_are_split_by_their_form() {
        assert_eq!(split_target(b"/a?b", Method::Other), Ok((0, 4, Some(2))));
        assert_eq!(split_target(b"http://h/a", Method::Other), Ok((8, 10, None)));
        assert_eq!(split_target(b"http://h", Method::Other), Ok((8, 8, None)));
        assert_eq!(split_target(b"*", Method::Options), Ok((0, 1, None)));
        for (target, method) in [
            (&b"*"[..], Method::Other),
            (b"h:443", Method::Connect),
            (b"a", Method::Other),
            (b"/a#b", Method::Other),
            (b"http:///a", Method::Other),
            (b"ftp://h/a", Method::Other),
        ] {
            assert_eq!(split_target(target, method), Err(Refusal::Target), "{}", target.escape_ascii());
        }
    }
}
