//! Version 2: a signature, four bytes, addresses, and type-length-value vectors (section 2.2).

use std::net::{IpAddr, SocketAddr};

use super::{Ends, Fault, Header, LOCAL, SIGNATURE};

/// Signature, version and command, family and transport, and the length of what follows.
const FIXED: usize = SIGNATURE.len() + 4;
/// The longest header. The length field would allow 64 KiB; what balancers send stays under one kilobyte.
const LONGEST: usize = 4096;
/// The addresses of two unix sockets.
const UNIX: usize = 216;
/// The vector that describes the client's TLS.
const TYPE_SSL: u8 = 0x20;
/// In its first byte: the client spoke TLS with the balancer.
const CLIENT_SSL: u8 = 0x01;

pub(super) fn read(bytes: &[u8]) -> Result<Option<(Header, usize)>, Fault> {
    if let Some(code) = bytes.get(SIGNATURE.len()) {
        check(*code)?;
    }
    let Some(&[code, family, high, low]) = bytes.get(SIGNATURE.len()..FIXED) else { return Ok(None) };
    let end = FIXED + usize::from(u16::from_be_bytes([high, low]));
    if end > LONGEST {
        return Err(Fault::HeaderTooLong);
    }
    let local = code & 0x0f == 0;
    let block = bytes.get(FIXED..end);
    let header = if local {
        // The family is to be ignored, whatever it says.
        block.map(|_| Header { protocol: LOCAL, ends: None, tls: false })
    } else {
        let layout = Layout::of(family)?;
        if end - FIXED < layout.size {
            return Err(Fault::HeaderTooShort);
        }
        block.map(|block| layout.header(block)).transpose()?
    };
    Ok(header.map(|header| (header, end)))
}

/// Version in the upper half, command in the lower.
fn check(code: u8) -> Result<(), Fault> {
    match (code >> 4, code & 0x0f) {
        (2, 0 | 1) => Ok(()),
        (2, _) => Err(Fault::Command),
        _ => Err(Fault::Version),
    }
}

/// How the addresses of a family lie in the block.
struct Layout {
    protocol: &'static str,
    /// Bytes of both addresses with their ports.
    size: usize,
}

impl Layout {
    fn of(family: u8) -> Result<Self, Fault> {
        let (protocol, size) = match (family >> 4, family & 0x0f) {
            (1, 1) => ("TCP4", 12),
            (1, 2) => ("UDP4", 12),
            (2, 1) => ("TCP6", 36),
            (2, 2) => ("UDP6", 36),
            (3, 1 | 2) => ("UNIX", UNIX),
            // Either half may be unspecified, and then the addresses mean nothing.
            (0, 0..=2) | (1..=3, 0) => ("UNSPEC", 0),
            _ => return Err(Fault::Protocol),
        };
        Ok(Self { protocol, size })
    }

    fn header(&self, block: &[u8]) -> Result<Header, Fault> {
        let (addresses, vectors) = block.split_at(self.size);
        let ends = match self.size {
            12 => ends::<4>(addresses),
            36 => ends::<16>(addresses),
            _ => None,
        };
        // Without known addresses, where the vectors begin is not known either.
        let tls = self.size > 0 && speaks_tls(vectors)?;
        Ok(Header { protocol: self.protocol, ends, tls })
    }
}

/// Two addresses, then two ports, all in network order.
fn ends<const N: usize>(block: &[u8]) -> Option<Ends>
where
    IpAddr: From<[u8; N]>,
{
    let (source, rest) = block.split_first_chunk::<N>()?;
    let (destination, rest) = rest.split_first_chunk::<N>()?;
    let (from, rest) = rest.split_first_chunk::<2>()?;
    let (to, _) = rest.split_first_chunk::<2>()?;
    Some(Ends {
        source: SocketAddr::new(IpAddr::from(*source), u16::from_be_bytes(*from)),
        destination: SocketAddr::new(IpAddr::from(*destination), u16::from_be_bytes(*to)),
    })
}

/// Walk through the vectors; of all of them, only the one about TLS matters here.
fn speaks_tls(mut vectors: &[u8]) -> Result<bool, Fault> {
    let mut tls = false;
    while let Some((kind, rest)) = vectors.split_first() {
        let (len, rest) = rest.split_first_chunk::<2>().ok_or(Fault::Tlv)?;
        let (value, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*len))).ok_or(Fault::Tlv)?;
        if *kind == TYPE_SSL {
            // One byte of flags, four with the result of the verification, then vectors of its own.
            let (client, _) = value.split_first_chunk::<5>().ok_or(Fault::Tlv)?;
            tls |= client[0] & CLIENT_SSL != 0;
        }
        vectors = rest;
    }
    Ok(tls)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::*;

    fn packet(code: u8, family: u8, block: &[u8]) -> Vec<u8> {
        let len = u16::try_from(block.len()).unwrap().to_be_bytes();
        [SIGNATURE, &[code, family], &len, block].concat()
    }

    fn header_of(code: u8, family: u8, block: &[u8]) -> Result<Header, Fault> {
        let bytes = [packet(code, family, block), b"GET".to_vec()].concat();
        read(&bytes).map(|read| {
            let (header, len) = read.expect("a complete header");
            assert_eq!(&bytes[len..], b"GET");
            header
        })
    }

    const FOUR: [u8; 12] = [192, 0, 2, 1, 10, 0, 0, 2, 0xdc, 0x04, 0x01, 0xbb];

    #[test]
    fn addresses_of_both_families_are_read() {
        let header = header_of(0x21, 0x11, &FOUR).unwrap();
        let ends =
            Ends { source: "192.0.2.1:56324".parse().unwrap(), destination: "10.0.0.2:443".parse().unwrap() };
        assert_eq!(header, Header { protocol: "TCP4", ends: Some(ends), tls: false });
        assert_eq!(header_of(0x21, 0x12, &FOUR).unwrap().protocol, "UDP4");
        let (a, b) = (Ipv6Addr::LOCALHOST, "2001:db8::1".parse::<Ipv6Addr>().unwrap());
        let block = [&a.octets()[..], &b.octets(), &[0, 1, 0, 2]].concat();
        let header = header_of(0x21, 0x21, &block).unwrap();
        let ends = Ends { source: (a, 1).into(), destination: (b, 2).into() };
        assert_eq!(header, Header { protocol: "TCP6", ends: Some(ends), tls: false });
        assert_eq!(header_of(0x21, 0x22, &block).unwrap().protocol, "UDP6");
    }

    #[test]
    fn without_addresses_of_its_own_the_real_ends_stay() {
        for (code, family, block, protocol) in [
            (0x20, 0x00, &[][..], "LOCAL"),
            (0x20, 0x11, &FOUR, "LOCAL"),
            (0x20, 0xff, b"anything", "LOCAL"),
            (0x21, 0x00, &[], "UNSPEC"),
            (0x21, 0x00, b"anything", "UNSPEC"),
            (0x21, 0x10, &FOUR, "UNSPEC"),
            (0x21, 0x01, &[], "UNSPEC"),
            (0x21, 0x31, &[0; UNIX], "UNIX"),
            (0x21, 0x32, &[1; UNIX], "UNIX"),
        ] {
            let header = header_of(code, family, block);
            assert_eq!(header, Ok(Header { protocol, ends: None, tls: false }), "{code:#x} {family:#x}");
            assert_eq!(header.map(|header| header.hides_client()), Ok(protocol != "LOCAL"));
        }
    }

    #[test]
    fn what_the_specification_does_not_name_is_refused_before_the_rest_arrives() {
        for (code, family, len, fault) in [
            (0x11, 0x11, 12, Fault::Version),
            (0x31, 0x11, 12, Fault::Version),
            (0x01, 0x11, 12, Fault::Version),
            (0x22, 0x11, 12, Fault::Command),
            (0x2f, 0x11, 12, Fault::Command),
            (0x21, 0x13, 12, Fault::Protocol),
            (0x21, 0x41, 12, Fault::Protocol),
            (0x21, 0xff, 12, Fault::Protocol),
            (0x21, 0x11, 11, Fault::HeaderTooShort),
            (0x21, 0x11, 0, Fault::HeaderTooShort),
            (0x21, 0x21, 35, Fault::HeaderTooShort),
            (0x21, 0x31, 215, Fault::HeaderTooShort),
            (0x21, 0x11, 4081, Fault::HeaderTooLong),
            (0x20, 0x00, 65535, Fault::HeaderTooLong),
        ] {
            let len = u16::to_be_bytes(len);
            let bytes = [SIGNATURE, &[code, family], &len].concat();
            assert_eq!(read(&bytes), Err(fault), "{code:#x} {family:#x} {len:?}");
        }
        // The very first byte after the signature is enough.
        assert_eq!(read(&[SIGNATURE, b"\x11"].concat()), Err(Fault::Version));
    }

    #[test]
    fn the_longest_header_is_read_and_its_vectors_are_skipped() {
        let tlv = [&[0xe0, 0x0f, 0xe1][..], &[7; 0xfe1]].concat();
        let block = [&FOUR[..], &tlv].concat();
        assert_eq!(FIXED + block.len(), LONGEST);
        assert!(header_of(0x21, 0x11, &block).unwrap().ends.is_some());
    }

    #[test]
    fn the_vector_about_tls_tells_the_scheme() {
        let tlv = |kind: u8, value: &[u8]| [&[kind, 0, u8::try_from(value.len()).unwrap()], value].concat();
        let tls = |vectors: &[u8]| header_of(0x21, 0x11, &[&FOUR, vectors].concat()).map(|header| header.tls);
        let encrypted = tlv(TYPE_SSL, &[1, 0, 0, 0, 0, 0x21, 0, 3, b'T', b'L', b'S']);
        assert_eq!(tls(&encrypted), Ok(true));
        assert_eq!(tls(&[tlv(4, &[0; 9]), encrypted, tlv(1, b"h2")].concat()), Ok(true));
        assert_eq!(tls(&tlv(TYPE_SSL, &[0, 0, 0, 0, 0])), Ok(false));
        assert_eq!(tls(&tlv(TYPE_SSL, &[2, 0, 0, 0, 0])), Ok(false));
        assert_eq!(tls(&tlv(3, &[1, 2, 3, 4])), Ok(false));
    }

    #[test]
    fn vectors_that_reach_beyond_the_header_are_refused() {
        for vectors in [
            &[0x04][..],
            &[0x04, 0],
            &[0x04, 0, 1],
            &[0x04, 0, 0, 0x04, 0xff, 0xff],
            &[TYPE_SSL, 0, 4, 1, 0, 0, 0],
        ] {
            let block = [&FOUR, vectors].concat();
            assert_eq!(header_of(0x21, 0x11, &block), Err(Fault::Tlv), "{vectors:?}");
        }
    }

    proptest! {
        #[test]
        fn what_a_balancer_writes_is_read_at_its_last_byte(
            source: (Ipv4Addr, u16),
            destination: (Ipv4Addr, u16),
            noise in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let len = u16::try_from(noise.len()).unwrap().to_be_bytes();
            let block = [
                &source.0.octets()[..], &destination.0.octets(),
                &source.1.to_be_bytes(), &destination.1.to_be_bytes(),
                &[0xe5], &len, &noise,
            ].concat();
            let bytes = packet(0x21, 0x11, &block);
            for len in SIGNATURE.len()..bytes.len() {
                prop_assert_eq!(read(&bytes[..len]), Ok(None));
            }
            let ends = Ends { source: source.into(), destination: destination.into() };
            let header = Header { protocol: "TCP4", ends: Some(ends), tls: false };
            prop_assert_eq!(read(&bytes), Ok(Some((header, bytes.len()))));
        }
    }
}
