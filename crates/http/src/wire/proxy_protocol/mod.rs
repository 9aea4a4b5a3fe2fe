//! The PROXY protocol: a load balancer tells, before the first byte of its client, whose connection it passes on.
//!
//! The specification is HAProxy's `proxy-protocol.txt`: section 2.1 for version 1, a line of text, and section 2.2 for
//! version 2, which is binary. What does not match it exactly is refused, because the header decides who the client is.

mod v1;
mod v2;

use std::net::SocketAddr;

/// The first bytes of version 1.
const TEXT: &[u8] = b"PROXY ";
/// What [`Header::protocol`] says of the sender's own connections.
const LOCAL: &str = "LOCAL";
/// The first bytes of version 2.
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Which versions of the header are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versions {
    /// Version 1.
    pub text: bool,
    /// Version 2.
    pub binary: bool,
}

impl Versions {
    /// Whether there is one.
    #[must_use]
    pub fn any(self) -> bool {
        self.text || self.binary
    }
}

/// A version of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// A line of text.
    V1,
    /// Binary.
    V2,
}

/// What the first bytes of a connection are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// No header: the client's own bytes.
    Plain,
    /// Too few bytes to tell.
    Undecided,
    /// The beginning of a header.
    Header(Version),
}

/// What a header says about the connection that is passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The protocol by the name that gunicorn's `PROXY_PROTOCOL` has for it: `TCP4`, `TCP6`, `UDP4`, `UDP6`, `UNIX`;
    /// `UNKNOWN` (version 1) and `UNSPEC` (version 2) where the balancer cannot say; `LOCAL` for its own connection, a
    /// health check most likely.
    pub protocol: &'static str,
    /// Who is at the two ends; `None` where the ends of the real connection are to be taken.
    pub ends: Option<Ends>,
    /// The client spoke TLS with the balancer (`PP2_TYPE_SSL`).
    pub tls: bool,
}

impl Header {
    /// Whether the connection is somebody's whom the header does not name.
    #[must_use]
    pub fn hides_client(&self) -> bool {
        self.ends.is_none() && self.protocol != LOCAL
    }
}

/// The two ends of a connection that is passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// The client.
    pub source: SocketAddr,
    /// What the client connected to.
    pub destination: SocketAddr,
}

/// How a header breaks the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// No CR LF within the 107 bytes that the line may have.
    #[error("the line does not end within 107 bytes")]
    LineTooLong,
    /// A CR without LF, or a LF without CR.
    #[error("the line does not end in CR LF")]
    LineEnd,
    /// Not six words with one space between them.
    #[error("the line is not `PROXY protocol source destination port port`")]
    Line,
    /// A protocol or an address family that the specification does not name.
    #[error("the protocol is unknown")]
    Protocol,
    /// An address that does not fit the protocol.
    #[error("an address is invalid")]
    Address,
    /// A port with anything but digits, with leading zeros, or above 65535.
    #[error("a port is invalid")]
    Port,
    /// A version other than 2 behind the binary signature.
    #[error("the version is not 2")]
    Version,
    /// A command other than LOCAL and PROXY.
    #[error("the command is neither LOCAL nor PROXY")]
    Command,
    /// Longer than any balancer's.
    #[error("the header is longer than 4096 bytes")]
    HeaderTooLong,
    /// Fewer bytes than the addresses of its family take.
    #[error("the header is too short for its addresses")]
    HeaderTooShort,
    /// A type-length-value vector that reaches beyond the header.
    #[error("a TLV reaches beyond the header")]
    Tlv,
}

/// Whether `bytes`, the first of a connection, begin a header of one of these versions.
#[must_use]
pub fn opening(bytes: &[u8], versions: Versions) -> Opening {
    let mut undecided = false;
    let known = [(versions.text, TEXT, Version::V1), (versions.binary, SIGNATURE, Version::V2)];
    for (_, prefix, version) in known.into_iter().filter(|(wanted, ..)| *wanted) {
        if bytes.starts_with(prefix) {
            return Opening::Header(version);
        }
        undecided |= prefix.starts_with(bytes);
    }
    if undecided { Opening::Undecided } else { Opening::Plain }
}

/// Read a header of this version from the first bytes of a connection, which [`opening`] has recognised. The result is
/// the header with its length; `None` while it is not complete.
///
/// # Errors
/// What is wrong with it, as early as the bytes show it.
pub fn read(bytes: &[u8], version: Version) -> Result<Option<(Header, usize)>, Fault> {
    match version {
        Version::V1 => v1::read(bytes),
        Version::V2 => v2::read(bytes),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOTH: Versions = Versions { text: true, binary: true };

    #[test]
    fn a_header_is_recognised_at_the_last_byte_of_its_prefix() {
        for (prefix, version) in [(TEXT, Version::V1), (SIGNATURE, Version::V2)] {
            for len in 0..prefix.len() {
                assert_eq!(opening(&prefix[..len], BOTH), Opening::Undecided, "after {len} bytes");
            }
            assert_eq!(opening(prefix, BOTH), Opening::Header(version));
        }
    }

    #[test]
    fn what_no_header_begins_with_is_plain_at_once() {
        for bytes in
            [&b"G"[..], b"PO", b"PROX/", b"PROPFIND", b"PROXY\t", b"\r\nG", b"\r\n\r\n\r", b"\0", b"\n"]
        {
            assert_eq!(opening(bytes, BOTH), Opening::Plain, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn a_version_that_is_not_wanted_is_plain() {
        let (text, binary) = (Versions { binary: false, ..BOTH }, Versions { text: false, ..BOTH });
        assert_eq!(opening(TEXT, binary), Opening::Plain);
        assert_eq!(opening(b"P", binary), Opening::Plain);
        assert_eq!(opening(SIGNATURE, text), Opening::Plain);
        assert_eq!(opening(TEXT, Versions { text: false, binary: false }), Opening::Plain);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic_and_never_beyond_their_end(
            version in prop_oneof![Just(Version::V1), Just(Version::V2)],
            rest in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let prefix = if version == Version::V1 { TEXT } else { SIGNATURE };
            let bytes = [prefix, &rest].concat();
            if let Ok(Some((_, len))) = read(&bytes, version) {
                prop_assert!(len <= bytes.len());
                prop_assert_eq!(read(&bytes[..len - 1], version), Ok(None));
            }
        }
    }
}
