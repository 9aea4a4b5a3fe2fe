//! What a lenient server sees in bytes that we may refuse: enough to say why, and written without our parser.

use std::net::Ipv6Addr;

/// The lines of a head up to a blank line, with LF or CR LF between them.
pub struct Lenient<'a> {
    /// Blank lines before the request line.
    pub blank: usize,
    /// Whether some line ends in a LF without CR.
    pub bare_lf: bool,
    /// The request line, without its end.
    pub request_line: &'a [u8],
    /// The header lines, without their ends.
    pub lines: Vec<&'a [u8]>,
    /// What comes behind the head.
    pub body: &'a [u8],
}

impl<'a> Lenient<'a> {
    /// Look at the head at the beginning of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        let mut head = Self { blank: 0, bare_lf: false, request_line: &[], lines: Vec::new(), body: &[] };
        let mut rest = bytes;
        while let Some((line, bare, behind)) = next_line(rest) {
            head.bare_lf |= bare;
            rest = behind;
            if !line.is_empty() {
                if head.request_line.is_empty() {
                    head.request_line = line;
                } else {
                    head.lines.push(line);
                }
            } else if head.request_line.is_empty() {
                head.blank += 1;
            } else {
                head.body = rest;
                return head;
            }
        }
        head
    }

    /// The method, as far as there is one.
    #[must_use]
    pub fn method(&self) -> &'a [u8] {
        self.words().next().unwrap_or_default()
    }

    /// The target, as far as there is one.
    #[must_use]
    pub fn target(&self) -> &'a [u8] {
        self.words().nth(1).unwrap_or_default()
    }

    /// The version, as far as there is one.
    #[must_use]
    pub fn version(&self) -> &'a [u8] {
        self.words().nth(2).unwrap_or_default()
    }

    fn words(&self) -> impl Iterator<Item = &'a [u8]> {
        self.request_line.split(|byte| *byte == b' ')
    }

    /// The values of the fields of a name.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.lines.iter().filter_map(move |line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            line[..colon].eq_ignore_ascii_case(name.as_bytes()).then(|| line[colon + 1..].trim_ascii())
        })
    }

    /// Whether a header line goes on with the next one.
    #[must_use]
    pub fn is_folded(&self) -> bool {
        self.lines.iter().any(|line| matches!(line.first(), Some(b' ' | b'\t')))
    }
}

/// The framing lines of a body in chunks, as far as a lenient server could follow them.
#[derive(Default)]
pub struct Chunks<'a> {
    /// The size lines, without their ends.
    pub sizes: Vec<&'a [u8]>,
    /// The trailer lines, without their ends.
    pub trailers: Vec<&'a [u8]>,
    /// Whether some line ends in a LF without CR.
    pub bare_lf: bool,
}

impl<'a> Chunks<'a> {
    /// Look at the chunks at the beginning of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        let mut chunks = Self::default();
        let mut rest = bytes;
        while let Some((line, bare, behind)) = next_line(rest) {
            rest = behind;
            chunks.bare_lf |= bare;
            chunks.sizes.push(line);
            let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
            let text = str::from_utf8(&line[..digits]).unwrap_or_default();
            match usize::from_str_radix(text, 16) {
                Ok(0) => break,
                Ok(size) if size < rest.len() => rest = &rest[size..],
                Ok(_) | Err(_) => return chunks,
            }
            // The line end behind the data.
            match next_line(rest) {
                Some(([], bare, behind)) => {
                    chunks.bare_lf |= bare;
                    rest = behind;
                }
                _ => return chunks,
            }
        }
        while let Some((line, bare, behind)) = next_line(rest) {
            chunks.bare_lf |= bare;
            if line.is_empty() {
                break;
            }
            chunks.trailers.push(line);
            rest = behind;
        }
        chunks
    }
}

/// A line without its end, whether that end lacks the CR, and what comes behind.
fn next_line(bytes: &[u8]) -> Option<(&[u8], bool, &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let line = &bytes[..end];
    let behind = &bytes[end + 1..];
    Some(match line.strip_suffix(b"\r") {
        Some(line) => (line, false, behind),
        None => (line, true, behind),
    })
}

/// A byte that no text of HTTP holds (RFC 9110 5.5).
#[must_use]
pub fn is_control(byte: u8) -> bool {
    byte != b'\t' && byte.is_ascii_control()
}

/// `uri-host [":" port]` (RFC 9110 7.2), by a reader that is not ours.
#[must_use]
pub fn is_authority(value: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(value) else { return false };
    let (host, port) = match text.find(']') {
        Some(end) => text.split_at(end + 1),
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let name = match host.strip_prefix('[') {
        Some(literal) => literal
            .strip_suffix(']')
            .is_some_and(|literal| literal.parse::<Ipv6Addr>().is_ok() || is_future(literal)),
        None => is_name(host.as_bytes()),
    };
    let number = port.strip_prefix(':').map(|digits| digits.trim_start_matches('0'));
    let port = match number {
        None => port.is_empty(),
        Some(digits) => !host.is_empty() && (digits.is_empty() || digits.parse::<u16>().is_ok()),
    };
    name && port && !text.contains('+')
}

/// RFC 3986 3.2.2: `reg-name`.
fn is_name(text: &[u8]) -> bool {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(byte);
    let escaped = |part: &[u8]| part.len() >= 2 && part[..2].iter().all(u8::is_ascii_hexdigit);
    text.iter().all(allowed) && text.split(|byte| *byte == b'%').skip(1).all(escaped)
}

/// RFC 3986 3.2.2: `IPvFuture`.
fn is_future(text: &str) -> bool {
    let parts = text.strip_prefix(['v', 'V']).and_then(|text| text.split_once('.'));
    parts.is_some_and(|(version, address)| {
        let named = address.replace(':', "");
        !version.is_empty()
            && version.bytes().all(|byte| byte.is_ascii_hexdigit())
            && !address.is_empty()
            && !named.contains('%')
            && is_name(named.as_bytes())
    })
}
