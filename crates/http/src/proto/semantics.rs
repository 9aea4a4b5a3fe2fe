//! What a head means for the connection: where the body ends, whether the connection goes on, what the client awaits.

use super::{
    Refusal,
    head::{Method, Version},
    lines, target,
};
use crate::client::Policy;

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
    /// Whether the peer is a proxy that is believed, and says something of the client.
    pub forwarded: bool,
}

/// What the fields that matter to the connection say.
#[derive(Debug, Default)]
pub(super) struct Found<'a> {
    pub(super) version: Version,
    pub(super) method: Method,
    proxy: Option<&'a Policy>,
    /// The place of the Host field among the fields.
    pub(super) host: Option<usize>,
    typed: bool,
    length: Option<u64>,
    chunked: bool,
    close: bool,
    keep_alive: bool,
    upgrade: bool,
    websocket: bool,
    expects_continue: bool,
    forwarded: bool,
}

impl<'a> Found<'a> {
    pub(super) fn new(proxy: Option<&'a Policy>) -> Self {
        Self { proxy, ..Self::default() }
    }

    /// Take notice of the field that is the `place`th.
    pub(super) fn field(&mut self, place: usize, name: &[u8], value: &[u8]) -> Result<(), Refusal> {
        let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
        // The first letter settles most of those that have a length in common with a known name.
        let first = name.first().map_or(0, u8::to_ascii_lowercase);
        match (name.len(), first) {
            (4, b'h') if is(b"host") => {
                if self.host.is_some() || target::split_authority(value).is_none() {
                    return Err(Refusal::Host);
                }
                self.host = Some(place);
            }
            (6, b'e') if is(b"expect") => self.expect(value)?,
            (7, b'u') if is(b"upgrade") => self.websocket |= has_token(value, b"websocket"),
            // RFC 9110 7.6.1: whatever else it lists is for intermediaries to remove. This is the last recipient, so a
            // field that came is read although it is listed: to leave out a Content-Length, say, would move the end of
            // the body to where no other recipient sees it.
            (10, b'c') if is(b"connection") => {
                self.close |= has_token(value, b"close");
                self.keep_alive |= has_token(value, b"keep-alive");
                self.upgrade |= has_token(value, b"upgrade");
            }
            (12, b'c') if is(b"content-type") => {
                if self.typed {
                    return Err(Refusal::Repeated);
                }
                self.typed = true;
            }
            (14, b'c') if is(b"content-length") => {
                if self.length.is_some() {
                    return Err(Refusal::ContentLength);
                }
                self.length = Some(parse_length(value)?);
            }
            (17, b't') if is(b"transfer-encoding") => {
                // RFC 9112 6.1: in HTTP/1.0 the framing is faulty.
                if self.chunked || self.version == Version::Http10 {
                    return Err(Refusal::TransferEncoding);
                }
                check_codings(value)?;
                self.chunked = true;
            }
            _ => self.forwarded |= self.proxy.is_some_and(|proxy| proxy.concerns(name)),
        }
        Ok(())
    }

    /// RFC 9110 10.1.1: HTTP/1.0 knows no expectations; of those of HTTP/1.1, only one is known.
    fn expect(&mut self, value: &[u8]) -> Result<(), Refusal> {
        if self.version == Version::Http10 {
            return Ok(());
        }
        for expectation in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            if expectation.eq_ignore_ascii_case(b"100-continue") {
                self.expects_continue = true;
            } else if !expectation.is_empty() {
                return Err(Refusal::Expectation);
            }
        }
        Ok(())
    }

    /// What it all means together.
    pub(super) fn settle(&self) -> Result<Semantics, Refusal> {
        let newer = self.version == Version::Http11;
        if newer && self.host.is_none() {
            return Err(Refusal::Host);
        }
        let framing = match (self.length, self.chunked) {
            (None | Some(0), false) => Framing::None,
            (Some(length), false) => Framing::Length(length),
            (None, true) => Framing::Chunked,
            // RFC 9112 6.1: beside a length, the framing is faulty.
            (Some(_), true) => return Err(Refusal::TransferEncoding),
        };
        Ok(Semantics {
            method: self.method,
            framing,
            keep_alive: !self.close && (newer || self.keep_alive),
            expects_continue: self.expects_continue && framing != Framing::None,
            // RFC 9110 7.8: HTTP/1.0 cannot be upgraded from.
            websocket: self.upgrade && self.websocket && newer,
            forwarded: self.forwarded,
        })
    }
}

/// RFC 9112 6.1 and 6.3: `chunked` comes last, once, and without parameters (7.1); no other coding is known here. Empty
/// elements, which RFC 9110 5.6.1.2 lets pass in lists, are not the same to everyone, so here they are refused.
fn check_codings(value: &[u8]) -> Result<(), Refusal> {
    let chunked = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
    if chunked(value) {
        return Ok(());
    }
    let mut codings = value.rsplit(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    let ends_well =
        codings.next().is_some_and(chunked) && codings.all(|coding| is_coding(coding) && !chunked(coding));
    Err(if ends_well { Refusal::TransferCoding } else { Refusal::TransferEncoding })
}

/// A transfer coding other than `chunked`: a token, and maybe parameters, which nobody looks at.
fn is_coding(coding: &[u8]) -> bool {
    let mut parts = coding.splitn(2, |byte| *byte == b';');
    let name = parts.next().unwrap_or_default().trim_ascii_end();
    !name.is_empty()
        && name.iter().all(|byte| lines::is_token(*byte))
        && !(name.eq_ignore_ascii_case(b"chunked") && parts.next().is_some())
}

/// The longest body: what a file offset can say.
const LONGEST: u64 = i64::MAX as u64;

/// RFC 9110 8.6: digits and nothing else; a list of lengths is refused even where they agree.
fn parse_length(value: &[u8]) -> Result<u64, Refusal> {
    let mut length: u64 = 0;
    for byte in value {
        if !byte.is_ascii_digit() {
            return Err(Refusal::ContentLength);
        }
        let digit = u64::from(byte - b'0');
        length = length
            .checked_mul(10)
            .and_then(|length| length.checked_add(digit))
            .ok_or(Refusal::ContentLength)?;
    }
    if value.is_empty() || length > LONGEST { Err(Refusal::ContentLength) } else { Ok(length) }
}

fn has_token(value: &[u8], token: &[u8]) -> bool {
    value.len() >= token.len()
        && value.split(|byte| *byte == b',').any(|part| part.trim_ascii().eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests;
