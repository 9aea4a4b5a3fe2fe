//! The `Forwarded` field (RFC 7239), read from the right.
//!
//! What a proxy that is believed has written stands at the right end, whatever a client has put before it. So the field
//! is split from that end: a quotation mark that a client left open cannot swallow what a proxy has added.

use std::borrow::Cow;

use crate::proto::lines::is_token;

/// One element of the field: what one proxy says of the request that it received.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Element<'a> {
    /// Who it came from.
    pub(super) node: Option<Cow<'a, [u8]>>,
    /// What it asked for, as in its Host field.
    pub(super) host: Option<Cow<'a, [u8]>>,
    /// How it came.
    pub(super) proto: Option<Cow<'a, [u8]>>,
}

/// The elements of a field's value from right to left; empty ones are left out (RFC 9110 5.6.1.2). `None` stands for
/// one that is malformed.
pub(super) fn elements_from_right(value: &[u8]) -> impl Iterator<Item = Option<Element<'_>>> {
    let mut rest = Some(value);
    let pieces = std::iter::from_fn(move || {
        let (before, last) = cut_last(rest?);
        rest = before;
        Some(last.trim_ascii())
    });
    pieces.filter(|piece| !piece.is_empty()).map(Element::parse)
}

/// Cut at the last comma that is not quoted.
fn cut_last(value: &[u8]) -> (Option<&[u8]>, &[u8]) {
    let mut quoted = false;
    let mut at = value.len();
    while at > 0 {
        at -= 1;
        match value[at] {
            b'"' if quoted => {
                // RFC 9110 5.6.4: after an odd number of backslashes, the mark is part of the string.
                let slashes = value[..at].iter().rev().take_while(|byte| **byte == b'\\').count();
                quoted = slashes % 2 == 1;
                at -= slashes;
            }
            b'"' => quoted = true,
            b',' if !quoted => return (Some(&value[..at]), &value[at + 1..]),
            _ => {}
        }
    }
    (None, value)
}

impl<'a> Element<'a> {
    fn parse(text: &'a [u8]) -> Option<Self> {
        let mut element = Self::default();
        let mut rest = text;
        while !rest.is_empty() {
            let (name, value, after) = cut_pair(rest)?;
            rest = after;
            let slot = match name {
                _ if name.eq_ignore_ascii_case(b"for") => &mut element.node,
                _ if name.eq_ignore_ascii_case(b"host") => &mut element.host,
                _ if name.eq_ignore_ascii_case(b"proto") => &mut element.proto,
                _ => continue,
            };
            // RFC 7239 4: no parameter occurs twice in an element.
            if slot.replace(value).is_some() {
                return None;
            }
        }
        Some(element)
    }
}

/// The first pair: its name, its value without quotation, and what follows behind the semicolon. An empty pair has no
/// name.
#[expect(clippy::type_complexity, reason = "three parts of one text, taken apart by the only caller")]
fn cut_pair(text: &[u8]) -> Option<(&[u8], Cow<'_, [u8]>, &[u8])> {
    let text = text.trim_ascii_start();
    let name_end = text.iter().position(|byte| matches!(byte, b'=' | b';')).unwrap_or(text.len());
    let name = &text[..name_end];
    let Some(b'=') = text.get(name_end) else {
        // RFC 7239 4: between semicolons there may be nothing.
        let after = text.get(name_end + 1..).unwrap_or_default();
        return name.is_empty().then_some((name, Cow::Borrowed(name), after));
    };
    if name.is_empty() || !name.iter().copied().all(is_token) {
        return None;
    }
    let (value, rest) = cut_value(&text[name_end + 1..])?;
    let rest = rest.trim_ascii_start();
    match rest.split_first() {
        None => Some((name, value, rest)),
        Some((b';', after)) => Some((name, value, after)),
        Some(_) => None,
    }
}

/// A token or a quoted string, without its quotation, and what follows it. Many proxies leave the quotation out where
/// ports and IPv6 addresses require it, so colons and brackets are taken as they come.
fn cut_value(text: &[u8]) -> Option<(Cow<'_, [u8]>, &[u8])> {
    let Some(quoted) = text.strip_prefix(b"\"") else {
        let plain = |byte: u8| is_token(byte) || b":[]".contains(&byte);
        let end = text.iter().position(|byte| !plain(*byte)).unwrap_or(text.len());
        return (end > 0).then(|| (Cow::Borrowed(&text[..end]), &text[end..]));
    };
    let end = quoted.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    if quoted[end] == b'"' {
        return Some((Cow::Borrowed(&quoted[..end]), &quoted[end + 1..]));
    }
    let mut value = quoted[..end].to_vec();
    let mut bytes = quoted[end..].iter();
    loop {
        match bytes.next()? {
            b'"' => return Some((Cow::Owned(value), bytes.as_slice())),
            b'\\' => value.push(*bytes.next()?),
            byte => value.push(*byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(node: &'static str, host: &'static str, proto: &'static str) -> Option<Element<'static>> {
        let part = |text: &'static str| (!text.is_empty()).then_some(Cow::Borrowed(text.as_bytes()));
        Some(Element { node: part(node), host: part(host), proto: part(proto) })
    }

    fn read(value: &str) -> Vec<Option<Element<'_>>> {
        elements_from_right(value.as_bytes()).collect()
    }

    #[test]
    fn the_examples_of_the_rfc_are_read() {
        assert_eq!(read(r#"for="_gazonk""#), [element("_gazonk", "", "")]);
        assert_eq!(read(r#"For="[2001:db8:cafe::17]:4711""#), [element("[2001:db8:cafe::17]:4711", "", "")]);
        assert_eq!(read("for=192.0.2.60;proto=http;by=203.0.113.43"), [element("192.0.2.60", "", "http")]);
        let both = read("for=192.0.2.43, for=198.51.100.17");
        assert_eq!(both, [element("198.51.100.17", "", ""), element("192.0.2.43", "", "")]);
        let all = r#"for=192.0.2.43,for="[2001:db8:cafe::17]";HOST=example.com;x="a,b;c",for=unknown"#;
        let third = element("[2001:db8:cafe::17]", "example.com", "");
        assert_eq!(read(all), [element("unknown", "", ""), third, element("192.0.2.43", "", "")]);
    }

    #[test]
    fn white_space_and_empty_parts_are_passed_over() {
        assert_eq!(read(""), []);
        assert_eq!(read(" , ,\t,"), []);
        let loose = read(" for=a ; proto = b");
        assert_eq!(loose, [None], "white space around the equals sign is no part of the grammar");
        assert_eq!(read(";for=a ;; proto=b;, "), [element("a", "", "b")]);
    }

    #[test]
    fn quotation_is_undone() {
        assert_eq!(read(r#"for="a\"b\\c""#), [element(r#"a"b\c"#, "", "")]);
        assert_eq!(read(r#"for="";host="a,b""#)[0].as_ref().unwrap().host.as_deref(), Some(&b"a,b"[..]));
        assert_eq!(read(r#"for="a\\",for="\"""#), [element("\"", "", ""), element("a\\", "", "")]);
    }

    #[test]
    fn malformed_elements_are_told_from_others() {
        for value in [
            "for",
            "=a",
            "for=",
            "for=a;b",
            "for=a b",
            "for==a",
            r#"for="a"#,
            r#"for="a\"#,
            r#"for=a""#,
            r#"for="a"b"#,
            "for=a;for=b",
            "For=a;fOR=a",
            "proto=a;host=b;proto=a",
            "f\u{e9}r=a",
            "for=a\u{e9}",
            r#"for="a\""#,
        ] {
            assert_eq!(read(value), [None], "{value}");
        }
    }

    #[test]
    fn nothing_that_a_client_sends_hides_what_a_proxy_adds() {
        let added = element("192.0.2.1", "", "https");
        let sent = [
            r#"for=""#,
            r#"for="a"#,
            r#"for="\"#,
            r#"for="\\"#,
            r#"""#,
            "\\",
            r#"\""#,
            "for=a;",
            "for=",
            ",",
            ";",
            "=",
            r#"for="a,b"#,
            r#"a"b"c""#,
        ];
        for client in sent {
            for proxy in [r#"for=192.0.2.1;proto=https"#, r#"for="192.0.2.1";proto="https""#] {
                let value = format!("{client}, {proxy}");
                assert_eq!(read(&value)[0], added, "{value}");
            }
        }
    }

    #[test]
    fn long_values_cost_no_more_than_their_length() {
        for unit in ["\"", "\\", "\\\"", "\\\\\"", ",", ";", "a=", "a=\"\",", "for=a,", " "] {
            let value = unit.repeat(200_000);
            assert!(elements_from_right(value.as_bytes()).count() <= value.len());
        }
    }
}
