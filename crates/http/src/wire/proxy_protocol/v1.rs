//! Version 1: one line of text (section 2.1).

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

use super::{Ends, Fault, Header, TEXT};

/// The longest line, with its CR LF.
const LONGEST: usize = 107;

pub(super) fn read(bytes: &[u8]) -> Result<Option<(Header, usize)>, Fault> {
    let window = &bytes[..bytes.len().min(LONGEST)];
    let Some(end) = window.iter().position(|byte| matches!(byte, b'\r' | b'\n')) else {
        return if bytes.len() >= LONGEST { Err(Fault::LineTooLong) } else { Ok(None) };
    };
    match window[end..] {
        [b'\r', b'\n', ..] => {}
        [b'\r'] if end + 1 == LONGEST => return Err(Fault::LineTooLong),
        [b'\r'] => return Ok(None),
        _ => return Err(Fault::LineEnd),
    }
    let line = bytes[..end].strip_prefix(TEXT).ok_or(Fault::Line)?;
    Ok(Some((header(line)?, end + 2)))
}

fn header(line: &[u8]) -> Result<Header, Fault> {
    let mut words = line.split(|byte| *byte == b' ');
    let (protocol, ends) = match words.next() {
        Some(b"TCP4") => ("TCP4", ends::<Ipv4Addr>(words)?),
        Some(b"TCP6") => ("TCP6", ends::<Ipv6Addr>(words)?),
        // Whatever follows is to be ignored.
        Some(b"UNKNOWN") => return Ok(Header { protocol: "UNKNOWN", ends: None, tls: false }),
        _ => return Err(Fault::Protocol),
    };
    Ok(Header { protocol, ends: Some(ends), tls: false })
}

fn ends<'a, A: FromStr + Into<IpAddr>>(mut words: impl Iterator<Item = &'a [u8]>) -> Result<Ends, Fault> {
    let mut word = || words.next().ok_or(Fault::Line);
    let (source, destination) = (address::<A>(word()?)?, address::<A>(word()?)?);
    let (from, to) = (port(word()?)?, port(word()?)?);
    match words.next() {
        None => {
            Ok(Ends { source: SocketAddr::new(source, from), destination: SocketAddr::new(destination, to) })
        }
        Some(_) => Err(Fault::Line),
    }
}

fn address<A: FromStr + Into<IpAddr>>(word: &[u8]) -> Result<IpAddr, Fault> {
    let text = str::from_utf8(word).map_err(|_| Fault::Address)?;
    text.parse::<A>().map(Into::into).map_err(|_| Fault::Address)
}

/// The standard library's parser would take a sign and leading zeros.
fn port(word: &[u8]) -> Result<u16, Fault> {
    let plain = matches!(word, [b'0'] | [b'1'..=b'9', ..]) && word.iter().all(u8::is_ascii_digit);
    let text = str::from_utf8(word).ok().filter(|_| plain).ok_or(Fault::Port)?;
    text.parse().map_err(|_| Fault::Port)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header_of(line: &str) -> Result<Header, Fault> {
        read(line.as_bytes()).map(|read| {
            let (header, len) = read.expect("a complete line");
            assert_eq!(len, line.find('\n').expect("a line end") + 1);
            header
        })
    }

    fn ends(source: &str, destination: &str) -> Option<Ends> {
        Some(Ends { source: source.parse().unwrap(), destination: destination.parse().unwrap() })
    }

    #[test]
    fn addresses_and_ports_are_read_in_the_order_of_the_specification() {
        let header =
            header_of("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\nGET / HTTP/1.1\r\n").unwrap();
        assert_eq!(header.protocol, "TCP4");
        assert_eq!(header.ends, ends("192.168.0.1:56324", "192.168.0.11:443"));
        let header = header_of("PROXY TCP6 2001:DB8::1 ::ffff:10.0.0.1 0 65535\r\n").unwrap();
        assert_eq!(header.protocol, "TCP6");
        assert_eq!(header.ends, ends("[2001:db8::1]:0", "[::ffff:10.0.0.1]:65535"));
    }

    #[test]
    fn the_longest_line_of_each_kind_is_read() {
        let wide = ["ffff"; 8].join(":");
        for line in [
            "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n".to_owned(),
            format!("PROXY TCP6 {wide} {wide} 65535 65535\r\n"),
            format!("PROXY UNKNOWN {wide} {wide} 65535 65535\r\n"),
        ] {
            assert!(header_of(&line).is_ok(), "{line}");
        }
    }

    #[test]
    fn what_follows_unknown_is_ignored_up_to_the_line_end() {
        for line in ["PROXY UNKNOWN\r\n", "PROXY UNKNOWN \r\n", "PROXY UNKNOWN a b c d e f \u{e9}\r\n"] {
            assert_eq!(header_of(line), Ok(Header { protocol: "UNKNOWN", ends: None, tls: false }), "{line}");
        }
    }

    #[test]
    fn a_line_that_does_not_match_exactly_is_refused() {
        let table: &[(&str, Fault)] = &[
            ("PROXY \r\n", Fault::Protocol),
            ("PROXY  TCP4 1.2.3.4 5.6.7.8 1 2\r\n", Fault::Protocol),
            ("PROXY tcp4 1.2.3.4 5.6.7.8 1 2\r\n", Fault::Protocol),
            ("PROXY TCP5 1.2.3.4 5.6.7.8 1 2\r\n", Fault::Protocol),
            ("PROXY UNKNOWNx\r\n", Fault::Protocol),
            ("PROXY TCP4\r\n", Fault::Line),
            ("PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n", Fault::Line),
            ("PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n", Fault::Line),
            ("PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n", Fault::Line),
            ("PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n", Fault::Address),
            ("PROXY TCP4 1.2.3 5.6.7.8 1 2\r\n", Fault::Address),
            ("PROXY TCP4 1.2.3.04 5.6.7.8 1 2\r\n", Fault::Address),
            ("PROXY TCP4 1.2.3.256 5.6.7.8 1 2\r\n", Fault::Address),
            ("PROXY TCP4 ::1 ::1 1 2\r\n", Fault::Address),
            ("PROXY TCP4 localhost 5.6.7.8 1 2\r\n", Fault::Address),
            ("PROXY TCP4 1.2.3.4 ::1 1 2\r\n", Fault::Address),
            ("PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n", Fault::Address),
            ("PROXY TCP6 ::1::2 ::1 1 2\r\n", Fault::Address),
            ("PROXY TCP6 [::1] ::1 1 2\r\n", Fault::Address),
            ("PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n", Fault::Address),
            ("PROXY TCP6 12345::1 ::1 1 2\r\n", Fault::Address),
            ("PROXY TCP4 1.2.3.4 5.6.7.8  2\r\n", Fault::Port),
            ("PROXY TCP4 1.2.3.4 5.6.7.8 +1 2\r\n", Fault::Port),
            ("PROXY TCP4 1.2.3.4 5.6.7.8 -1 2\r\n", Fault::Port),
            ("PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n", Fault::Port),
            ("PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n", Fault::Port),
            ("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\t\r\n", Fault::Port),
            ("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n", Fault::LineEnd),
            ("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\r\n", Fault::LineEnd),
            ("PROXY UNKNOWN a\rb\r\n", Fault::LineEnd),
            ("PROXY UNKNOWN a\nb\r\n", Fault::LineEnd),
        ];
        for (line, fault) in table {
            assert_eq!(read(line.as_bytes()), Err(*fault), "{line:?}");
        }
    }

    #[test]
    fn a_line_is_waited_for_up_to_107_bytes() {
        let line = |len: usize| [b"PROXY UNKNOWN ".as_slice(), &b"x".repeat(len - 14)].concat();
        assert_eq!(read(&line(106)), Ok(None));
        assert_eq!(read(&line(107)), Err(Fault::LineTooLong));
        let ended = |len: usize| [line(len - 2), b"\r\n".to_vec()].concat();
        assert!(matches!(read(&ended(107)), Ok(Some((_, 107)))));
        assert_eq!(read(&ended(108)[..107]), Err(Fault::LineTooLong));
        assert_eq!(read(&ended(108)), Err(Fault::LineTooLong));
    }

    proptest! {
        #[test]
        fn what_a_balancer_writes_is_read_at_its_last_byte(
            source: (Ipv4Addr, Ipv6Addr, u16),
            destination: (Ipv4Addr, Ipv6Addr, u16),
            wide: bool,
        ) {
            let ((a4, a6, from), (b4, b6, to)) = (source, destination);
            let (line, (a, b)) = if wide {
                (format!("PROXY TCP6 {a6} {b6} {from} {to}\r\n"), (IpAddr::V6(a6), IpAddr::V6(b6)))
            } else {
                (format!("PROXY TCP4 {a4} {b4} {from} {to}\r\n"), (IpAddr::V4(a4), IpAddr::V4(b4)))
            };
            for len in TEXT.len()..line.len() {
                prop_assert_eq!(read(&line.as_bytes()[..len]), Ok(None));
            }
            let ends = Ends { source: SocketAddr::new(a, from), destination: SocketAddr::new(b, to) };
            prop_assert_eq!(header_of(&line).map(|header| header.ends), Ok(Some(ends)));
        }
    }
}
