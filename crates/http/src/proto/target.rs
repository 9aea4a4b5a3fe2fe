//! The request target and the authority: the four forms of RFC 9112 3.2, and `uri-host [":" port]` of RFC 9110 7.2.

use std::net::Ipv6Addr;

use super::{Refusal, head::Method, lines};

/// Where the parts of a target lie in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parts {
    /// The path, from here to the question mark or the end; empty where an absolute target has none.
    pub(super) path: usize,
    /// The question mark.
    pub(super) mark: Option<usize>,
    /// The authority of an absolute target, which takes the place of the Host field's value (RFC 9112 3.2.2).
    pub(super) authority: Option<(usize, usize)>,
}

/// Take a target apart.
pub(super) fn split(target: &[u8], method: Method) -> Result<Parts, Refusal> {
    match target {
        _ if method == Method::Connect => Err(refusal_of_tunnel(target)),
        [b'/', ..] => of_path(target, 0, None),
        b"*" if method == Method::Options => Ok(Parts { path: 0, mark: None, authority: None }),
        _ => absolute(target).ok_or(Refusal::Target)?,
    }
}

/// RFC 9112 3.2.3; a fragment is never sent (RFC 9110 7.1), and who reads one differs from who does not.
fn of_path(target: &[u8], path: usize, authority: Option<(usize, usize)>) -> Result<Parts, Refusal> {
    let mark = match memchr::memchr2(b'?', b'#', &target[path..]) {
        None => None,
        Some(offset)
            if target[path + offset] == b'?' && memchr::memchr(b'#', &target[path + offset..]).is_none() =>
        {
            Some(path + offset)
        }
        Some(_) => return Err(Refusal::Target),
    };
    Ok(Parts { path, mark, authority })
}

/// `http://authority/path`; user information is refused (RFC 9110 4.2.4), and so is an empty host (4.2.1).
fn absolute(target: &[u8]) -> Option<Result<Parts, Refusal>> {
    let begin = [&b"http://"[..], b"https://"].iter().find_map(|scheme| {
        let begins = target.len() > scheme.len() && target[..scheme.len()].eq_ignore_ascii_case(scheme);
        begins.then_some(scheme.len())
    })?;
    let end = target[begin..].iter().position(|byte| matches!(byte, b'/' | b'?' | b'#'));
    let end = end.map_or(target.len(), |offset| begin + offset);
    let (host, _) = split_authority(&target[begin..end])?;
    (!host.is_empty()).then(|| of_path(target, end, Some((begin, end))))
}

/// CONNECT asks for a tunnel, which is not to be had here; its target must be well-formed all the same (RFC 9112 3.2.3,
/// RFC 9110 9.3.6).
fn refusal_of_tunnel(target: &[u8]) -> Refusal {
    match split_authority(target) {
        Some((host, Some(port))) if !host.is_empty() && port.iter().any(|digit| *digit != b'0') => {
            Refusal::Tunnel
        }
        _ => Refusal::Target,
    }
}

/// `uri-host [":" port]` without user information, taken apart. The host may be empty only where there is no port.
pub(crate) fn split_authority(value: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let end = if value.first() == Some(&b'[') { literal_length(value)? } else { name_length(value) };
    let (host, rest) = value.split_at(end);
    match rest {
        [] => Some((host, None)),
        [b':', port @ ..] if !host.is_empty() && is_port(port) => Some((host, Some(port))),
        _ => None,
    }
}

/// RFC 3986 3.2.2: the length of the `reg-name` (which includes IPv4 addresses) at the beginning.
fn name_length(value: &[u8]) -> usize {
    let mut at = 0;
    loop {
        match value[at..] {
            [byte, ..] if NAME[byte as usize] => at += 1,
            [b'%', first, second, ..] if first.is_ascii_hexdigit() && second.is_ascii_hexdigit() => at += 3,
            _ => return at,
        }
    }
}

/// RFC 3986 3.2.2: the length of the `IP-literal` at the beginning.
fn literal_length(value: &[u8]) -> Option<usize> {
    let end = memchr::memchr(b']', value)?;
    let inside = &value[1..end];
    let valid = match inside {
        [b'v' | b'V', future @ ..] => is_future(future),
        _ => std::str::from_utf8(inside).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok()),
    };
    valid.then_some(end + 1)
}

/// `1*HEXDIG "." 1*( unreserved / sub-delims / ":" )`
fn is_future(text: &[u8]) -> bool {
    let Some(dot) = memchr::memchr(b'.', text) else { return false };
    let (version, address) = (&text[..dot], &text[dot + 1..]);
    !version.is_empty()
        && version.iter().all(u8::is_ascii_hexdigit)
        && !address.is_empty()
        && address.iter().all(|byte| NAME[*byte as usize] || *byte == b':')
}

/// RFC 3986 3.2.3, and a number that a port can have.
fn is_port(digits: &[u8]) -> bool {
    let number = |number: u32, digit: &u8| (number * 10 + u32::from(digit - b'0')).min(100_000);
    digits.iter().all(u8::is_ascii_digit) && digits.iter().fold(0, number) <= u32::from(u16::MAX)
}

/// RFC 3986 2.2 and 2.3: unreserved characters and sub-delimiters.
const NAME: [bool; 256] = lines::table(b"-._~!$&'()*+,;=");

#[cfg(test)]
mod tests {
    use super::*;

    type Authority<T> = Option<(T, Option<T>)>;

    #[test]
    fn an_authority_is_a_host_and_maybe_a_port() {
        let table: &[(&str, Authority<&str>)] = &[
            ("", Some(("", None))),
            ("h", Some(("h", None))),
            ("h:", Some(("h", Some("")))),
            ("h:80", Some(("h", Some("80")))),
            ("h:00080", Some(("h", Some("00080")))),
            ("h:65535", Some(("h", Some("65535")))),
            ("h:65536", None),
            ("h:4294967376", None),
            ("h:+80", None),
            ("h:8a", None),
            ("h:80:80", None),
            (":80", None),
            (":", None),
            ("127.0.0.1:8000", Some(("127.0.0.1", Some("8000")))),
            ("a_b-c.example.", Some(("a_b-c.example.", None))),
            ("a%20b", Some(("a%20b", None))),
            ("a%2", None),
            ("a%zz", None),
            ("u@h", None),
            ("u:p@h", None),
            ("h/", None),
            ("h?", None),
            ("h#", None),
            ("h\\", None),
            ("h h", None),
            ("h\"", None),
            ("h<>", None),
            ("h\u{fc}", None),
            ("[::1]", Some(("[::1]", None))),
            ("[::1]:80", Some(("[::1]", Some("80")))),
            ("[::ffff:1.2.3.4]", Some(("[::ffff:1.2.3.4]", None))),
            ("[::1]x", None),
            ("[::1", None),
            ("::1", None),
            ("[]", None),
            ("[1.2.3.4]", None),
            ("[fe80::1%25eth0]", None),
            ("[v1.a:b]", Some(("[v1.a:b]", None))),
            ("[v.a]", None),
            ("[v1.]", None),
            ("a[::1]", None),
        ];
        for (text, parts) in table {
            let bytes = |(host, port): (&'static str, Option<&'static str>)| {
                (host.as_bytes(), port.map(str::as_bytes))
            };
            assert_eq!(split_authority(text.as_bytes()), parts.map(bytes), "{text}");
        }
    }

    #[test]
    fn targets_are_split_by_their_form() {
        let parts = |path, mark, authority| Ok(Parts { path, mark, authority });
        let table: &[(&[u8], Method, Result<Parts, Refusal>)] = &[
            (b"/a?b", Method::Other, parts(0, Some(2), None)),
            (b"//a?b?c", Method::Other, parts(0, Some(3), None)),
            (b"/*", Method::Other, parts(0, None, None)),
            (b"http://h/a", Method::Other, parts(8, None, Some((7, 8)))),
            (b"HTTPS://h:443?a", Method::Other, parts(13, Some(13), Some((8, 13)))),
            (b"http://h", Method::Options, parts(8, None, Some((7, 8)))),
            (b"http://[::1]:8000/", Method::Other, parts(17, None, Some((7, 17)))),
            (b"*", Method::Options, parts(0, None, None)),
            (b"*", Method::Other, Err(Refusal::Target)),
            (b"*/a", Method::Options, Err(Refusal::Target)),
            (b"a", Method::Other, Err(Refusal::Target)),
            (b"h:443", Method::Other, Err(Refusal::Target)),
            (b"?a", Method::Other, Err(Refusal::Target)),
            (b"\\a", Method::Other, Err(Refusal::Target)),
            (b"/a#b", Method::Other, Err(Refusal::Target)),
            (b"/a?b#c", Method::Other, Err(Refusal::Target)),
            (b"http://", Method::Other, Err(Refusal::Target)),
            (b"http:///a", Method::Other, Err(Refusal::Target)),
            (b"http://:80/a", Method::Other, Err(Refusal::Target)),
            (b"http://?a", Method::Other, Err(Refusal::Target)),
            (b"http://u@h/", Method::Other, Err(Refusal::Target)),
            (b"http://u:p@h/", Method::Other, Err(Refusal::Target)),
            (b"http://h:99999/", Method::Other, Err(Refusal::Target)),
            (b"http://h\\@i/", Method::Other, Err(Refusal::Target)),
            (b"http://h#/", Method::Other, Err(Refusal::Target)),
            (b"http:/a", Method::Other, Err(Refusal::Target)),
            (b"http:a", Method::Other, Err(Refusal::Target)),
            (b"ftp://h/a", Method::Other, Err(Refusal::Target)),
            (b"ws://h/a", Method::Other, Err(Refusal::Target)),
            (b"h:443", Method::Connect, Err(Refusal::Tunnel)),
            (b"[::1]:443", Method::Connect, Err(Refusal::Tunnel)),
            (b"h", Method::Connect, Err(Refusal::Target)),
            (b"h:", Method::Connect, Err(Refusal::Target)),
            (b"h:0", Method::Connect, Err(Refusal::Target)),
            (b"h:65536", Method::Connect, Err(Refusal::Target)),
            (b":443", Method::Connect, Err(Refusal::Target)),
            (b"u@h:443", Method::Connect, Err(Refusal::Target)),
            (b"/", Method::Connect, Err(Refusal::Target)),
            (b"http://h/", Method::Connect, Err(Refusal::Target)),
            (b"*", Method::Connect, Err(Refusal::Target)),
        ];
        for (target, method, expected) in table {
            assert_eq!(split(target, *method), *expected, "{}", target.escape_ascii());
        }
    }
}
