//! A request's head: parsed once, when it is complete.
//!
//! `httparse` splits it into spans of its bytes, so nothing is copied. What it lets pass and RFC 9112 does not is refused
//! by [`Scan`](super::Scan) before, and by the meaning of the fields and of the target after. A head that it does not take
//! and that is to be served all the same gets a second reading, off the path of plain requests.

use std::mem::MaybeUninit;

use super::{
    Leniency, Refusal, Rules, lines,
    semantics::{Found, Semantics},
    target,
};
use crate::Limits;

/// Room for this many fields is on the stack; requests with more are rare, where they are allowed at all.
const ON_STACK: usize = 128;

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

    fn of_mut(self, bytes: &mut [u8]) -> &mut [u8] {
        let start = self.start as usize;
        &mut bytes[start..start + self.len as usize]
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

impl Method {
    /// The method with this name, if it is one of the more usual ones.
    fn named(name: &[u8]) -> Option<Self> {
        match name {
            b"GET" | b"POST" | b"PUT" | b"PATCH" | b"DELETE" => Some(Self::Other),
            b"HEAD" => Some(Self::Head),
            b"OPTIONS" => Some(Self::Options),
            b"CONNECT" => Some(Self::Connect),
            _ => None,
        }
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
    /// The target has an authority, which stands in the place of the Host field's value.
    absolute: bool,
    semantics: Semantics,
}

impl Head {
    /// Parse the complete head `bytes`: what [`Scan`](super::Scan) found, from its begin to its end. Where the rules let
    /// pass what is to be normalised, that is done in place.
    ///
    /// # Errors
    /// The first rule of RFC 9112 or RFC 9110 that it breaks.
    pub fn parse(&mut self, bytes: &mut [u8], rules: Rules<'_>) -> Result<(), Refusal> {
        if rules.leniency.rewrites() {
            rules.leniency.rewrite(bytes);
        }
        let mut found = Found::new(rules.proxy);
        self.split(bytes, rules, &mut found)?;
        self.settle(bytes, rules, &found)
    }

    /// Parse the head at the beginning of `bytes` if it is complete and as it should be, which is the usual case, in one
    /// pass. The result is where it ends; `None` leaves the judgement to [`Scan`](super::Scan) and [`Head::parse`].
    pub fn parse_at_once(&mut self, bytes: &mut [u8], rules: Rules<'_>) -> Option<usize> {
        if rules.leniency.rewrites() {
            return None;
        }
        let mut found = Found::new(rules.proxy);
        let mut room = [const { MaybeUninit::uninit() }; ON_STACK];
        let most = rules.limits.fields.min(ON_STACK);
        let (fields, end) = self.split_into(&mut room[..most], bytes, &mut found).ok()?;
        if !lines::is_token(bytes[0]) || !ends_well(fields, &bytes[..end], rules.limits) {
            return None;
        }
        self.take_fields(fields, bytes, rules, &mut found).ok()?;
        self.settle(bytes, rules, &found).ok()?;
        Some(end)
    }

    fn settle(&mut self, bytes: &mut [u8], rules: Rules<'_>, found: &Found<'_>) -> Result<(), Refusal> {
        if rules.leniency.casefold_http_method {
            self.method.of_mut(bytes).make_ascii_uppercase();
        }
        self.semantics = found.settle()?;
        let parts = target::split(self.target(bytes), found.method)?;
        let end = self.target.len as usize;
        self.path = self.target.cut(parts.path, parts.mark.unwrap_or(end));
        self.query = self.target.cut(parts.mark.map_or(end, |mark| mark + 1), end);
        self.absolute = parts.authority.is_some();
        if let (Some((from, to)), Some(host)) = (parts.authority, found.host) {
            // RFC 9112 3.2.2: what Host says is ignored. Where HTTP/1.0 has no Host, none is made up.
            self.fields[host].1 = self.target.cut(from, to);
        }
        Ok(())
    }

    fn split(&mut self, bytes: &[u8], rules: Rules<'_>, found: &mut Found<'_>) -> Result<(), Refusal> {
        let mut room = [const { MaybeUninit::uninit() }; ON_STACK];
        let most = rules.limits.fields.min(ON_STACK);
        match self.split_into(&mut room[..most], bytes, found) {
            Ok((_, end)) if end != bytes.len() => Err(Refusal::RequestLine),
            Ok((fields, _)) => self.take_fields(fields, bytes, rules, found),
            Err(error) => self.split_unusual(error, bytes, rules, found),
        }
    }

    /// The head is not as `httparse` takes it: the refusal, or what is to be served all the same.
    #[cold]
    fn split_unusual(
        &mut self,
        error: httparse::Error,
        bytes: &[u8],
        rules: Rules<'_>,
        found: &mut Found<'_>,
    ) -> Result<(), Refusal> {
        use httparse::Error;
        match error {
            Error::HeaderName | Error::HeaderValue => Err(Refusal::Field),
            Error::TooManyHeaders if rules.limits.fields > ON_STACK => {
                let mut room = Vec::new();
                // A field takes at least four bytes.
                room.resize_with(rules.limits.fields.min(bytes.len() / 4), MaybeUninit::uninit);
                match self.split_into(&mut room, bytes, found) {
                    Ok((fields, _)) => self.take_fields(fields, bytes, rules, found),
                    Err(Error::TooManyHeaders) => Err(Refusal::FieldsTooLarge),
                    Err(_) => Err(Refusal::Field),
                }
            }
            Error::TooManyHeaders => Err(Refusal::FieldsTooLarge),
            Error::Token | Error::Version | Error::NewLine | Error::Status => {
                match lines::with_plain_version(bytes, rules.leniency) {
                    Ok(plain) => self.split(&plain, rules, found),
                    Err(Some(refusal)) => Err(refusal),
                    // The request line is as it should be, so a field line begins with a bare CR.
                    Err(None) => Err(Refusal::LineEnd),
                }
            }
        }
    }

    /// Set the parts of the request line; the result is the fields, and where the head ends.
    fn split_into<'r, 'b>(
        &mut self,
        room: &'r mut [MaybeUninit<httparse::Header<'b>>],
        bytes: &'b [u8],
        found: &mut Found<'_>,
    ) -> Result<(&'r [httparse::Header<'b>], usize), httparse::Error> {
        let mut request = httparse::Request::new(&mut []);
        let complete = request.parse_with_uninit_headers(bytes, room)?;
        let (Some(method), Some(target), httparse::Status::Complete(end)) =
            (request.method, request.path, complete)
        else {
            return Err(httparse::Error::NewLine);
        };
        self.version = if request.version == Some(0) { Version::Http10 } else { Version::Http11 };
        found.version = self.version;
        self.method = Span::within(bytes, method.as_bytes());
        self.target = Span::within(bytes, target.as_bytes());
        Ok((request.headers, end))
    }

    #[inline]
    fn take_fields(
        &mut self,
        fields: &[httparse::Header<'_>],
        bytes: &[u8],
        rules: Rules<'_>,
        found: &mut Found<'_>,
    ) -> Result<(), Refusal> {
        found.method = self.known_method(bytes, rules.leniency)?;
        if !self.target(bytes).is_ascii() {
            return Err(Refusal::Target);
        }
        self.fields.clear();
        for field in fields {
            let (name, value) = (field.name.as_bytes(), field.value);
            if has_underscore(name) && !rules.keep(name)? {
                continue;
            }
            found.field(self.fields.len(), name, value)?;
            self.fields.push((Span::within(bytes, name), Span::within(bytes, value)));
        }
        Ok(())
    }

    fn known_method(&self, bytes: &[u8], leniency: &Leniency) -> Result<Method, Refusal> {
        let method = self.method.of(bytes);
        match Method::named(method) {
            Some(method) => Ok(method),
            None if !leniency.permits_method(method) => Err(Refusal::Method),
            None if leniency.casefold_http_method => {
                Ok(Method::named(&method.to_ascii_uppercase()).unwrap_or_default())
            }
            None => Ok(Method::Other),
        }
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

    /// All header lines as sent: two requests with the same have the same fields. `None` where the fields do not come
    /// from the lines alone, because the target is absolute.
    #[must_use]
    pub fn field_lines<'b>(&self, bytes: &'b [u8]) -> Option<&'b [u8]> {
        match self.fields.first() {
            _ if self.absolute => None,
            Some((name, _)) => Some(&bytes[name.start as usize..]),
            None => Some(&[]),
        }
    }

    /// What the head means for the connection.
    #[must_use]
    pub fn semantics(&self) -> &Semantics {
        &self.semantics
    }
}

/// Whether every line of a complete head ends in CR LF, which `httparse` does not ask for, and none is too long.
fn ends_well(fields: &[httparse::Header<'_>], head: &[u8], limits: &Limits) -> bool {
    let (mut begin, mut longest) = (0, limits.request_line);
    // Each line ends where another begins: there is an LF, but what is before it?
    let mut ends_before = |next: usize| {
        let well = head[next - 2] == b'\r' && next - 2 - begin <= longest;
        (begin, longest) = (next, limits.field_size);
        well
    };
    let blank = head.len() - 2;
    head.len() <= limits.head
        && head[blank] == b'\r'
        && fields.iter().all(|field| ends_before(field.name.as_ptr() as usize - head.as_ptr() as usize))
        && ends_before(blank)
}

/// Asked of every name, so it looks at eight bytes at once.
fn has_underscore(name: &[u8]) -> bool {
    const ONES: u64 = u64::MAX / 0xff;
    let in_word = |word: &[u8; 8]| {
        let zero_where_found = u64::from_ne_bytes(*word) ^ (ONES * b'_' as u64);
        zero_where_found.wrapping_sub(ONES) & !zero_where_found & (ONES << 7) != 0
    };
    match name.last_chunk() {
        Some(last) => in_word(last) || name.as_chunks().0.iter().any(in_word),
        None => name.contains(&b'_'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_underscore_is_found_wherever_it_stands() {
        for length in 0..40 {
            let plain = vec![b'^'; length];
            assert!(!has_underscore(&plain), "{length}");
            for at in 0..length {
                let mut name = plain.clone();
                name[at] = b'_';
                assert!(has_underscore(&name), "{at} of {length}");
                name[at] = b'_' | 0x80;
                assert!(!has_underscore(&name), "{at} of {length}");
            }
        }
    }
}
