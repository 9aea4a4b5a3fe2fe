//! What a head is held to, and what an operator may choose to let pass: gunicorn's switches, all off unless asked for.

use rgunicorn_settings as settings;
pub use rgunicorn_settings::HeaderMap;

use super::Refusal;
use crate::{Limits, client::Policy};

/// Which rules are relaxed. The default relaxes none.
#[derive(Debug, Clone)]
pub struct Leniency {
    /// A field may go on in the next line, after white space (RFC 9112 5.2).
    pub permit_obsolete_folding: bool,
    /// White space may stand between a field's name and its colon (RFC 9112 5.1).
    pub strip_header_spaces: bool,
    /// A method may be any token (RFC 9110 9.1), not only 3 to 20 characters without lower case and `#`.
    pub permit_unconventional_http_method: bool,
    /// Versions other than 1.0 and 1.1 are read as the nearer of the two.
    pub permit_unconventional_http_version: bool,
    /// A method in lower case is turned into upper case first.
    pub casefold_http_method: bool,
    /// What becomes of names with an underscore.
    pub header_map: HeaderMap,
}

impl Leniency {
    /// No rule is relaxed.
    pub const NONE: Self = Self {
        permit_obsolete_folding: false,
        strip_header_spaces: false,
        permit_unconventional_http_method: false,
        permit_unconventional_http_version: false,
        casefold_http_method: false,
        header_map: HeaderMap::Drop,
    };
}

impl Default for Leniency {
    fn default() -> Self {
        Self::NONE
    }
}

impl From<&settings::Limits> for Leniency {
    fn from(limits: &settings::Limits) -> Self {
        Self {
            permit_obsolete_folding: limits.permit_obsolete_folding,
            strip_header_spaces: limits.strip_header_spaces,
            permit_unconventional_http_method: limits.permit_unconventional_http_method,
            permit_unconventional_http_version: limits.permit_unconventional_http_version,
            casefold_http_method: limits.casefold_http_method,
            header_map: limits.header_map,
        }
    }
}

/// What a head is held to.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// How large it may be.
    pub limits: &'a Limits,
    /// What is let pass.
    pub leniency: &'a Leniency,
    /// What is believed of the peer, if it is a proxy that is believed.
    pub proxy: Option<&'a Policy>,
}

impl<'a> Rules<'a> {
    /// No rule is relaxed, and nobody is believed.
    #[must_use]
    pub fn strict(limits: &'a Limits) -> Self {
        Self { limits, leniency: &Leniency::NONE, proxy: None }
    }
    /// Whether a field whose name has an underscore is kept.
    #[cold]
    pub(super) fn keep(self, name: &[u8]) -> Result<bool, Refusal> {
        match self.leniency.header_map {
            _ if self.proxy.is_some_and(|proxy| proxy.admits(name)) => Ok(true),
            HeaderMap::Drop => Ok(false),
            HeaderMap::Refuse => Err(Refusal::FieldName),
            HeaderMap::Dangerous => Ok(true),
        }
    }
}

/// The lengths that gunicorn takes for a method's.
const METHOD_LENGTHS: std::ops::RangeInclusive<usize> = 3..=20;

impl Leniency {
    /// Whether a method, which is a token, may be used.
    pub(super) fn permits_method(&self, method: &[u8]) -> bool {
        let lower = |byte: &u8| byte.is_ascii_lowercase() && !self.casefold_http_method;
        self.permit_unconventional_http_method
            || (METHOD_LENGTHS.contains(&method.len())
                && !method.iter().any(|byte| lower(byte) || *byte == b'#'))
    }

    /// Whether field lines have to be rewritten before they are read.
    pub(super) fn rewrites(&self) -> bool {
        self.permit_obsolete_folding || self.strip_header_spaces
    }

    /// Rewrite the field lines of a complete head in place into what the strict reading takes, as far as is permitted:
    /// folds become spaces (RFC 9112 5.2), and spaces before a colon go behind it.
    pub(super) fn rewrite(&self, head: &mut [u8]) {
        let Some(first) = memchr::memchr(b'\n', head).map(|end| end + 1) else { return };
        let mut line = first;
        while let Some(length) = memchr::memchr(b'\n', &head[line..]) {
            let blank = matches!(head[line], b' ' | b'\t');
            if blank && line > first && self.permit_obsolete_folding {
                unfold(head, line);
            } else if !blank && self.strip_header_spaces {
                strip_name(&mut head[line..line + length]);
            }
            line += length + 1;
        }
    }
}

/// The line break before `line` becomes spaces, with the white space around it.
fn unfold(head: &mut [u8], line: usize) {
    let is_blank = |byte: &&u8| matches!(byte, b' ' | b'\t');
    let before = head[..line - 2].iter().rev().take_while(is_blank).count();
    let after = head[line..].iter().take_while(is_blank).count();
    head[line - 2 - before..line + after].fill(b' ');
}

/// `Name  : value` becomes `Name:   value`.
fn strip_name(line: &mut [u8]) {
    let Some(colon) = memchr::memchr(b':', line) else { return };
    let end = line[..colon].iter().rposition(|byte| !matches!(byte, b' ' | b'\t')).map_or(0, |last| last + 1);
    if end < colon {
        line[end..=colon].fill(b' ');
        line[end] = b':';
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Head, Method, Scan, Version},
        *,
    };
    use crate::client::Tradition;

    fn rewritten(leniency: &Leniency, text: &str) -> String {
        let mut head = text.as_bytes().to_vec();
        leniency.rewrite(&mut head);
        String::from_utf8(head).unwrap()
    }

    #[test]
    fn folds_become_spaces_only_after_a_field() {
        let leniency = Leniency { permit_obsolete_folding: true, ..Leniency::default() };
        let table = [
            ("GET /\r\nA: b\tc\t\r\n d\r\n\te\r\n\r\n", "GET /\r\nA: b\tc    d   e\r\n\r\n"),
            ("GET /\r\nA: b\r\n \r\n\r\n", "GET /\r\nA: b   \r\n\r\n"),
            ("GET /\r\n A: b\r\n\r\n", "GET /\r\n A: b\r\n\r\n"),
            ("GET /\r\nA : b\r\n\r\n", "GET /\r\nA : b\r\n\r\n"),
            ("GET /\r\n\r\n", "GET /\r\n\r\n"),
        ];
        for (before, after) in table {
            assert_eq!(rewritten(&leniency, before), after, "{before:?}");
        }
    }

    #[test]
    fn spaces_go_behind_the_colon_and_a_name_stays_a_name() {
        let leniency = Leniency { strip_header_spaces: true, ..Leniency::default() };
        let table = [
            ("GET /\r\nA \t: b\r\n\r\n", "GET /\r\nA:   b\r\n\r\n"),
            ("GET /\r\nA: b : c\r\n\r\n", "GET /\r\nA: b : c\r\n\r\n"),
            ("GET /\r\n A : b\r\n\r\n", "GET /\r\n A : b\r\n\r\n"),
            ("GET /\r\nA B : c\r\n\r\n", "GET /\r\nA B:  c\r\n\r\n"),
            ("GET /\r\nA: b\r\n c : d\r\n\r\n", "GET /\r\nA: b\r\n c : d\r\n\r\n"),
        ];
        for (before, after) in table {
            assert_eq!(rewritten(&leniency, before), after, "{before:?}");
        }
    }
    fn read(text: &str, leniency: &Leniency) -> Result<(Head, Vec<u8>), Refusal> {
        let limits = Limits::default();
        let rules = Rules { limits: &limits, leniency, proxy: None };
        let mut scan = Scan::default();
        let end = scan.find_end(text.as_bytes(), rules)?.expect("a whole head");
        let (mut head, mut bytes) = (Head::default(), text.as_bytes()[scan.begin()..end].to_vec());
        head.parse(&mut bytes, rules)?;
        Ok((head, bytes))
    }

    fn fields(text: &str, leniency: &Leniency) -> Result<Vec<(String, String)>, Refusal> {
        let (head, bytes) = read(&format!("POST / HTTP/1.1\r\nHost: h\r\n{text}\r\n"), leniency)?;
        let string = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(head.fields(&bytes).skip(1).map(|(name, value)| (string(name), string(value))).collect())
    }

    #[test]
    fn what_is_rewritten_is_read_as_strictly_as_ever() {
        let folding = Leniency { permit_obsolete_folding: true, ..Leniency::default() };
        let stripping = Leniency { strip_header_spaces: true, ..Leniency::default() };
        let pair = |name: &str, value: &str| Ok(vec![(name.to_owned(), value.to_owned())]);
        assert_eq!(fields("A: b\r\n  c\r\n\td\r\n", &folding), pair("A", "b    c   d"));
        assert_eq!(fields("A:\r\n b\r\n", &folding), pair("A", "b"));
        assert_eq!(fields("A \t: b\r\n", &stripping), pair("A", "b"));
        assert_eq!(fields("A: b\r\n c\r\n", &stripping), Err(Refusal::Field));
        assert_eq!(fields("A : b\r\n", &folding), Err(Refusal::Field));
        let both = Leniency { permit_obsolete_folding: true, ..stripping };
        for text in [
            "A\r\n : b\r\n",
            "A\r\n b: c\r\n",
            "A: b\r\n c\0\r\n",
            "A B : c\r\n",
            " : b\r\n\r\n",
            "A: b\r\n \rc\r\n",
        ] {
            let head = format!("POST / HTTP/1.1\r\n{text}\r\n");
            assert_eq!(read(&head, &both).err(), Some(Refusal::Field), "{text:?}");
        }
        let twice = "Transfer-Encoding:\r\n chunked\r\nContent-Length : 5\r\n";
        assert_eq!(fields(twice, &both), Err(Refusal::TransferEncoding));
    }

    #[test]
    fn a_folded_field_is_measured_and_counted_as_one() {
        let folding = Leniency { permit_obsolete_folding: true, ..Leniency::default() };
        let line = format!(" {}\r\n", "c".repeat(3000));
        assert!(fields(&format!("A: b\r\n{}", line.repeat(2)), &folding).is_ok());
        assert_eq!(fields(&format!("A: b\r\n{}", line.repeat(3)), &folding), Err(Refusal::FieldsTooLarge));
        assert!(fields(&format!("A: b\r\n{}", " c\r\n".repeat(300)), &folding).is_ok());
    }

    #[test]
    fn methods_are_any_token_or_in_any_case_where_that_is_permitted() {
        let method = |method: &str, leniency: &Leniency| {
            let (head, bytes) = read(&format!("{method} / HTTP/1.0\r\n\r\n"), leniency)?;
            Ok((String::from_utf8_lossy(head.method(&bytes)).into_owned(), head.semantics().method))
        };
        let any = Leniency { permit_unconventional_http_method: true, ..Leniency::default() };
        for unusual in ["get", "x", "#", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "head"] {
            assert_eq!(method(unusual, &any), Ok((unusual.to_owned(), Method::Other)), "{unusual}");
        }
        assert_eq!(method("G@T", &any), Err(Refusal::RequestLine));
        let folded = Leniency { casefold_http_method: true, ..Leniency::default() };
        assert_eq!(method("Head", &folded), Ok(("HEAD".to_owned(), Method::Head)));
        assert_eq!(method("purge", &folded), Ok(("PURGE".to_owned(), Method::Other)));
        assert_eq!(method("connect", &folded), Err(Refusal::Target));
        assert_eq!(method("x", &folded), Err(Refusal::Method));
    }

    #[test]
    fn other_versions_are_read_as_the_nearer_one_where_that_is_permitted() {
        let any = Leniency { permit_unconventional_http_version: true, ..Leniency::default() };
        let version = |version: &str| {
            read(&format!("GET / {version}\r\nHost: h\r\n\r\n"), &any).map(|(head, _)| head.version())
        };
        for (text, read) in
            [("HTTP/1.2", Version::Http11), ("HTTP/2.0", Version::Http11), ("HTTP/0.9", Version::Http10)]
        {
            assert_eq!(version(text), Ok(read), "{text}");
        }
        for text in ["http/1.1", "HTTP/1.10", "HTTP/01.1", "HTTQ/1.1"] {
            assert_eq!(version(text), Err(Refusal::RequestLine), "{text}");
        }
        assert_eq!(read("PRI * HTTP/2.0\r\n\r\n", &any).err(), Some(Refusal::Host));
        assert_eq!(
            read("GET / HTTP/2.0\r\nTransfer-Encoding: gzip\r\n\r\n", &any).err(),
            Some(Refusal::TransferEncoding)
        );
    }

    #[test]
    fn names_with_an_underscore_are_dropped_refused_or_kept() {
        let with = |header_map| Leniency { header_map, ..Leniency::default() };
        let text = "X_A: 1\r\nX-A: 2\r\nContent_Length: 5\r\nTransfer_Encoding: chunked\r\n";
        assert_eq!(fields(text, &with(HeaderMap::Drop)).map(|fields| fields.len()), Ok(1));
        assert_eq!(fields(text, &with(HeaderMap::Refuse)), Err(Refusal::FieldName));
        assert_eq!(fields(text, &with(HeaderMap::Dangerous)).map(|fields| fields.len()), Ok(4));
        // What is dropped was read all the same: malformed, it is refused, and it counts.
        assert_eq!(fields("X_A : 1\r\n", &with(HeaderMap::Drop)), Err(Refusal::Field));
        assert_eq!(fields(&"X_A: 1\r\n".repeat(100), &with(HeaderMap::Drop)), Err(Refusal::FieldsTooLarge));
        assert_eq!(fields("A: x_y\r\n", &with(HeaderMap::Refuse)).map(|fields| fields.len()), Ok(1));
    }
    #[test]
    fn a_proxy_that_is_believed_may_send_the_underscores_that_it_is_allowed() {
        let proxies = settings::Proxies {
            forwarder_headers: "SCRIPT_NAME".parse().unwrap(),
            ..settings::Proxies::default()
        };
        let (limits, policy) = (Limits::default(), Policy::new(&proxies, Tradition::Gunicorn));
        let read = |proxy, header_map| {
            let leniency = Leniency { header_map, ..Leniency::NONE };
            let mut bytes =
                b"GET / HTTP/1.0\r\nscript_name: /a\r\nX_A: b\r\nX-Forwarded-Proto: https\r\n\r\n".to_vec();
            let mut head = Head::default();
            head.parse(&mut bytes, Rules { limits: &limits, leniency: &leniency, proxy })?;
            Ok((head.fields(&bytes).len(), head.semantics().forwarded))
        };
        assert_eq!(read(None, HeaderMap::Drop), Ok((1, false)));
        assert_eq!(read(Some(&policy), HeaderMap::Drop), Ok((2, true)));
        assert_eq!(read(Some(&policy), HeaderMap::Refuse), Err(Refusal::FieldName));
    }
}
