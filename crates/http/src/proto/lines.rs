//! The grammar of one line of a head, for lines that are looked at by themselves: those of a head that is not complete
//! yet, and those that `httparse` does not take, to say what is wrong with them.

use super::{Leniency, Refusal};

/// RFC 9112 3: `method SP request-target SP HTTP-version`, and the method and version are ones that are served.
pub(super) fn check_request_line(line: &[u8], leniency: &Leniency) -> Result<(), Refusal> {
    let (method, target, version) = parts(line).ok_or(Refusal::RequestLine)?;
    if method.is_empty() || !method.iter().all(|byte| is_token(*byte)) {
        return Err(Refusal::RequestLine);
    }
    if target.is_empty() || target.iter().any(|byte| is_control(*byte) || *byte == b'\t') {
        return Err(Refusal::RequestLine);
    }
    match minor_version(version, leniency) {
        Some(_) => Ok(()),
        None if is_version(version) => Err(Refusal::Version),
        None => Err(Refusal::RequestLine),
    }?;
    if !leniency.permits_method(method) {
        return Err(Refusal::Method);
    }
    if target.is_ascii() { Ok(()) } else { Err(Refusal::Target) }
}

/// The three parts of a request line, each divided from the next by a single space.
fn parts(line: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let mut parts = line.split(|byte| *byte == b' ');
    let three = (parts.next()?, parts.next()?, parts.next()?);
    parts.next().is_none().then_some(three)
}

/// RFC 9112 2.3: the name is case-sensitive, and each number has one digit.
fn is_version(text: &[u8]) -> bool {
    matches!(text, [b'H', b'T', b'T', b'P', b'/', major, b'.', minor] if major.is_ascii_digit() && minor.is_ascii_digit())
}

/// The minor version of HTTP/1 that the version is served as.
fn minor_version(version: &[u8], leniency: &Leniency) -> Option<u8> {
    match version {
        b"HTTP/1.0" => Some(b'0'),
        b"HTTP/1.1" => Some(b'1'),
        other if leniency.permit_unconventional_http_version && is_version(other) => {
            Some(if other[5] == b'0' { b'0' } else { b'1' })
        }
        _ => None,
    }
}

/// A head that means the same as `head` and has a version that `httparse` takes, with everything in the same place.
///
/// # Errors
/// What is wrong with the request line; `None` when it is not the request line that `httparse` does not take.
pub(super) fn with_plain_version(head: &[u8], leniency: &Leniency) -> Result<Vec<u8>, Option<Refusal>> {
    let end = memchr::memchr(b'\n', head).unwrap_or(head.len());
    let line = head[..end].strip_suffix(b"\r").unwrap_or(&head[..end]);
    check_request_line(line, leniency)?;
    let (_, _, version) = parts(line).ok_or(Some(Refusal::RequestLine))?;
    let minor = minor_version(version, leniency).ok_or(Some(Refusal::Version))?;
    let plain = [b'H', b'T', b'T', b'P', b'/', b'1', b'.', minor];
    if version == plain {
        return Err(None);
    }
    let mut head = head.to_vec();
    head[line.len() - version.len()..line.len()].copy_from_slice(&plain);
    Ok(head)
}

/// RFC 9112 5: `field-name ":" OWS field-value OWS`.
pub(super) fn is_field(line: &[u8]) -> bool {
    match memchr::memchr(b':', line) {
        None | Some(0) => false,
        Some(colon) => {
            line[..colon].iter().all(|byte| is_token(*byte))
                && !line[colon..].iter().any(|byte| is_control(*byte))
        }
    }
}

/// What no line may contain (RFC 9110 5.5): the control characters, except the tab.
pub(super) fn is_control(byte: u8) -> bool {
    byte.is_ascii_control() && byte != b'\t'
}

/// RFC 9110 5.6.2, asked of every byte of every name: looked up, not computed.
pub(crate) fn is_token(byte: u8) -> bool {
    TOKENS[byte as usize]
}

const TOKENS: [bool; 256] = table(b"!#$%&'*+-.^_`|~");

/// A table of the ASCII letters and digits, and `others`.
pub(super) const fn table(others: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut at = 0;
    while at < others.len() {
        table[others[at] as usize] = true;
        at += 1;
    }
    table
}
