//! Addresses and host names as proxies write them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Nothing longer is an address with a port.
const LONGEST_ADDRESS: usize = 64;
/// Nothing longer is a host name (RFC 1035 2.3.4) with a port.
const LONGEST_HOST: usize = 262;

/// The address that stands in `X-Forwarded-For` or in the `for` of `Forwarded` (RFC 7239 6): `192.0.2.1`,
/// `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`; port 0 where it is not told. `unknown`, hidden
/// names (`_name`) and everything else are no address.
pub(super) fn parse_address(text: &[u8]) -> Option<SocketAddr> {
    let text = text_of(text, LONGEST_ADDRESS)?;
    if let Some(rest) = text.strip_prefix('[') {
        let (address, rest) = rest.split_once(']')?;
        let port = if rest.is_empty() { 0 } else { parse_node_port(rest.strip_prefix(':')?)? };
        return Some(SocketAddr::new(IpAddr::V6(address.parse::<Ipv6Addr>().ok()?), port));
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(SocketAddr::new(address, 0));
    }
    let (address, port) = text.rsplit_once(':')?;
    Some(SocketAddr::new(IpAddr::V4(address.parse::<Ipv4Addr>().ok()?), parse_node_port(port)?))
}

/// Name and port of a host as in a Host field; an IPv6 address keeps its brackets (RFC 3875 4.1.14).
pub(super) fn parse_host(text: &[u8]) -> Option<(&str, Option<u16>)> {
    let text = text_of(text, LONGEST_HOST)?;
    let bracket = text.find(']').unwrap_or(0);
    let (name, port) = match text[bracket..].split_once(':') {
        // RFC 3986 3.2.3: the port may be empty.
        Some((rest, "")) => (&text[..bracket + rest.len()], None),
        Some((rest, port)) => (&text[..bracket + rest.len()], Some(parse_port(port.as_bytes())?)),
        None => (text, None),
    };
    let known = match name.strip_prefix('[') {
        Some(address) => address.strip_suffix(']')?.parse::<Ipv6Addr>().is_ok(),
        None => {
            !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
        }
    };
    known.then_some((name, port))
}

/// A port in digits, from 1 on.
pub(super) fn parse_port(text: &[u8]) -> Option<u16> {
    // `str::parse` alone would take a plus sign.
    let digits = text.len() <= 5 && text.iter().all(u8::is_ascii_digit);
    let text = str::from_utf8(text).ok().filter(|_| digits)?;
    text.parse().ok().filter(|port| *port != 0)
}

/// RFC 7239 6.3: a proxy may hide the port; the address is told all the same.
fn parse_node_port(text: &str) -> Option<u16> {
    if text.starts_with('_') || text == "0" { Some(0) } else { parse_port(text.as_bytes()) }
}

fn text_of(bytes: &[u8], longest: usize) -> Option<&str> {
    if bytes.len() > longest { None } else { str::from_utf8(bytes).ok().filter(|text| text.is_ascii()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_with_and_without_ports() {
        for (text, address, port) in [
            ("192.0.2.1", "192.0.2.1", 0),
            ("192.0.2.1:8080", "192.0.2.1", 8080),
            ("192.0.2.1:0", "192.0.2.1", 0),
            ("192.0.2.1:_hidden", "192.0.2.1", 0),
            ("2001:db8::1", "2001:db8::1", 0),
            ("2001:DB8::1:443", "2001:db8::1:443", 0),
            ("[2001:db8::1]", "2001:db8::1", 0),
            ("[2001:db8::1]:443", "2001:db8::1", 443),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.1", 0),
        ] {
            let expected = SocketAddr::new(address.parse().unwrap(), port);
            assert_eq!(parse_address(text.as_bytes()), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_none() {
        for text in [
            "",
            "unknown",
            "_hidden",
            "-",
            "client.example",
            "1.2.3",
            "1.2.3.4.5",
            "01.2.3.4",
            "1.2.3.256",
            "1.2.3.4:",
            "1.2.3.4:+1",
            "1.2.3.4:65536",
            "1.2.3.4:99999999999",
            "1.2.3.4 ",
            "1.2.3.4/8",
            "[1.2.3.4]",
            "[::1",
            "::1]",
            "[::1]80",
            "[::1]:",
            "[::1]:x",
            "[]",
            "[",
            "]",
            ":",
            "::1%lo",
            "fe80::1%eth0",
            "\"::1\"",
            "1.2.3.4\0",
        ] {
            assert_eq!(parse_address(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse_address(b"\xff\xfe"), None);
        assert_eq!(parse_address("1".repeat(100_000).as_bytes()), None);
    }

    #[test]
    fn hosts_are_read_with_and_without_ports() {
        for (text, expected) in [
            ("example.com", Some(("example.com", None))),
            ("Example.com:8443", Some(("Example.com", Some(8443)))),
            ("example.com:", Some(("example.com", None))),
            ("my_host-1.", Some(("my_host-1.", None))),
            ("192.0.2.1:80", Some(("192.0.2.1", Some(80)))),
            ("[2001:db8::1]", Some(("[2001:db8::1]", None))),
            ("[2001:db8::1]:443", Some(("[2001:db8::1]", Some(443)))),
        ] {
            assert_eq!(parse_host(text.as_bytes()), expected, "{text}");
        }
        for text in [
            "",
            ":80",
            "a b",
            "a/b",
            "user@host",
            "a:b",
            "a:0",
            "a:65536",
            "a:1:2",
            "[::1",
            "[::1]x",
            "[v1.a]",
            "[]",
            "2001:db8::1",
            "a\"b",
            "a,b",
            "é",
            "a\r\nb",
            "]",
            "]:80",
            "a]:80",
        ] {
            assert_eq!(parse_host(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse_host("a".repeat(100_000).as_bytes()), None);
    }
}
