//! The differences that are known and right, each with the clause that permits it: whatever else differs is a bug.
//!
//! A class asks three things: how the difference shows, which rule we say is broken, and whether the bytes, looked at
//! without our parser, really are of that kind. So a request that we refuse for the wrong reason is in no class.

use rgunicorn_http::Refusal;

use crate::{
    body::{are_extensions, is_forbidden},
    compare::{Difference, Kind, Peer},
    lenient::{Chunks, Lenient, is_authority, is_control},
};

/// A kind of difference that is known.
pub struct Class {
    /// Its name in `docs/internals/differential.md`.
    pub name: &'static str,
    /// Beside whom it is seen.
    pub peers: &'static [Peer],
    /// How it is seen.
    pub kinds: &'static [Kind],
    /// The rules that we say are broken; empty where we refuse nothing.
    pub refusals: &'static [Refusal],
    /// What permits our reading.
    pub clause: &'static str,
    /// Whether the bytes are of this kind.
    pub holds: fn(&Lenient<'_>) -> bool,
}

impl Class {
    /// Whether a difference belongs to it.
    #[must_use]
    pub fn covers(&self, difference: &Difference<'_>) -> bool {
        let reason = match difference.refusal {
            Some(refusal) => self.refusals.contains(&refusal),
            None => self.refusals.is_empty(),
        };
        // A refusal further on has nothing to do with how a request that all have taken is read.
        let reason = reason || (self.refusals.is_empty() && self.kinds != [Kind::TheyAccept]);
        reason
            && self.peers.contains(&difference.peer)
            && self.kinds.contains(&difference.kind)
            && (self.holds)(&Lenient::new(difference.bytes))
    }
}

/// The class that a difference belongs to.
#[must_use]
pub fn class_of(difference: &Difference<'_>) -> Option<&'static Class> {
    CLASSES.iter().find(|class| class.covers(difference))
}

const BOTH: &[Peer] = &[Peer::Hyper, Peer::H11];
const HYPER: &[Peer] = &[Peer::Hyper];
const H11: &[Peer] = &[Peer::H11];
const LAXER: &[Kind] = &[Kind::TheyAccept];

/// Every class.
pub const CLASSES: &[Class] = &[
    Class {
        name: "bare-lf",
        peers: BOTH,
        kinds: LAXER,
        refusals: &[Refusal::LineEnd],
        clause: "RFC 9112 2.2",
        holds: |head| head.bare_lf,
    },
    Class {
        name: "empty-lines",
        peers: HYPER,
        kinds: LAXER,
        refusals: &[Refusal::RequestLine],
        clause: "RFC 9112 2.2",
        holds: |head| head.blank > 1,
    },
    Class {
        name: "empty-line",
        peers: H11,
        kinds: &[Kind::WeAccept],
        refusals: &[],
        clause: "RFC 9112 2.2",
        holds: |head| head.blank == 1,
    },
    Class {
        name: "version",
        peers: H11,
        kinds: LAXER,
        refusals: &[Refusal::Version],
        clause: "RFC 9110 15.6.6",
        holds: |head| !matches!(head.version(), b"HTTP/1.0" | b"HTTP/1.1"),
    },
    Class {
        name: "method",
        peers: BOTH,
        kinds: LAXER,
        refusals: &[Refusal::Method],
        clause: "RFC 9110 9.1",
        holds: |head| {
            let method = head.method();
            !(3..=20).contains(&method.len())
                || method.iter().any(|byte| byte.is_ascii_lowercase() || *byte == b'#')
        },
    },
    Class {
        name: "connect",
        peers: BOTH,
        kinds: LAXER,
        refusals: &[Refusal::Target, Refusal::Tunnel],
        clause: "RFC 9110 9.3.6",
        holds: |head| head.method() == b"CONNECT",
    },
    Class {
        name: "target-form",
        peers: BOTH,
        kinds: LAXER,
        refusals: &[Refusal::Target],
        clause: "RFC 9112 3.2",
        holds: |head| {
            let target = head.target();
            let named = authority(target).is_some_and(|name| !name.is_empty() && is_authority(name));
            target.contains(&b'#')
                || !(target.starts_with(b"/") || named || (target == b"*" && head.method() == b"OPTIONS"))
        },
    },
    Class {
        name: "target-not-ascii",
        peers: HYPER,
        kinds: LAXER,
        refusals: &[Refusal::Target],
        clause: "RFC 9112 3.2",
        holds: |head| !head.target().is_ascii(),
    },
    Class {
        name: "target-octets",
        peers: HYPER,
        kinds: &[Kind::WeAccept],
        refusals: &[],
        clause: "RFC 9112 3.2",
        holds: |head| head.target().iter().any(|byte| b"\"<>\\^`{|}".contains(byte)),
    },
    Class {
        name: "authority",
        peers: HYPER,
        kinds: &[Kind::WeAccept],
        refusals: &[],
        clause: "RFC 3986 3.2.2",
        holds: |head| {
            let name = authority(head.target()).filter(|name| is_authority(name));
            name.is_some_and(|name| {
                name.contains(&b'%') || name.starts_with(b"[v") || name.starts_with(b"[V")
            })
        },
    },
    Class {
        name: "absolute-form-host",
        peers: BOTH,
        kinds: &[Kind::Fields],
        refusals: &[],
        clause: "RFC 9112 3.2.2",
        holds: |head| {
            authority(head.target()).is_some_and(|name| !head.values("host").any(|host| host == name))
        },
    },
    Class {
        name: "absolute-form-path",
        peers: HYPER,
        kinds: &[Kind::Target],
        refusals: &[],
        clause: "RFC 9110 4.2.3",
        holds: |head| !head.target().starts_with(b"/") && head.target().contains(&b'?'),
    },
    Class {
        name: "host",
        peers: BOTH,
        kinds: LAXER,
        refusals: &[Refusal::Host],
        clause: "RFC 9112 3.2",
        holds: |head| {
            let hosts: Vec<_> = head.values("host").collect();
            hosts.len() > 1
                || (hosts.is_empty() && head.version() == b"HTTP/1.1")
                || hosts.iter().any(|host| !is_authority(host))
        },
    },
    Class {
        name: "two-framings",
        peers: BOTH,
        kinds: LAXER,
        refusals: &[Refusal::TransferEncoding, Refusal::ContentLength],
        clause: "RFC 9112 6.1",
        holds: |head| has_coding(head) && head.values("content-length").next().is_some(),
    },
    Class {
        name: "coding-in-http10",
        peers: H11,
        kinds: LAXER,
        refusals: &[Refusal::TransferEncoding],
        clause: "RFC 9112 6.1",
        holds: |head| has_coding(head) && head.version() == b"HTTP/1.0",
    },
    Class {
        name: "other-codings",
        peers: HYPER,
        kinds: LAXER,
        refusals: &[Refusal::TransferEncoding, Refusal::TransferCoding],
        clause: "RFC 9112 6.1",
        holds: |head| {
            let codings: Vec<_> = head.values("transfer-encoding").collect();
            codings.len() > 1 || codings.iter().any(|coding| !coding.eq_ignore_ascii_case(b"chunked"))
        },
    },
    Class {
        name: "repeated-length",
        peers: BOTH,
        kinds: LAXER,
        refusals: &[Refusal::ContentLength],
        clause: "RFC 9110 8.6",
        holds: |head| {
            let lengths: Vec<_> = head.values("content-length").collect();
            lengths.len() > 1 || lengths.iter().any(|length| length.contains(&b','))
        },
    },
    Class {
        name: "huge-length",
        peers: BOTH,
        kinds: LAXER,
        refusals: &[Refusal::ContentLength],
        clause: "RFC 9110 8.6",
        holds: |head| head.values("content-length").any(|length| length.len() > 18),
    },
    Class {
        name: "length-zeros",
        peers: H11,
        kinds: &[Kind::WeAccept],
        refusals: &[],
        clause: "RFC 9110 8.6",
        holds: |head| {
            head.values("content-length").any(|length| length.len() > 20 && length.starts_with(b"0"))
        },
    },
    Class {
        name: "expectation",
        peers: BOTH,
        kinds: LAXER,
        refusals: &[Refusal::Expectation],
        clause: "RFC 9110 10.1.1",
        holds: |head| head.values("expect").any(|value| !value.eq_ignore_ascii_case(b"100-continue")),
    },
    Class {
        name: "repeated-content-type",
        peers: BOTH,
        kinds: LAXER,
        refusals: &[Refusal::Repeated],
        clause: "RFC 9110 8.3",
        holds: |head| head.values("content-type").count() > 1,
    },
    Class {
        name: "obs-fold",
        peers: H11,
        kinds: LAXER,
        refusals: &[Refusal::Field],
        clause: "RFC 9112 5.2",
        holds: |head| head.is_folded(),
    },
    Class {
        name: "control-characters",
        peers: H11,
        kinds: LAXER,
        refusals: &[Refusal::Field],
        clause: "RFC 9110 5.5",
        holds: |head| head.lines.iter().any(|line| line.iter().copied().any(is_control)),
    },
    Class {
        name: "too-many-fields",
        peers: BOTH,
        kinds: LAXER,
        refusals: &[Refusal::FieldsTooLarge],
        clause: "RFC 9110 5.4",
        holds: |head| head.lines.len() > 100 || head.lines.iter().any(|line| line.len() > 8190),
    },
    Class {
        name: "long-request-line",
        peers: BOTH,
        kinds: LAXER,
        refusals: &[Refusal::LineTooLong],
        clause: "RFC 9112 3",
        holds: |head| head.request_line.len() > 4094,
    },
    Class {
        name: "keep-alive-in-http10",
        peers: H11,
        kinds: &[Kind::WeGoOn],
        refusals: &[],
        clause: "RFC 9112 9.3",
        holds: |head| head.version() == b"HTTP/1.0",
    },
    Class {
        name: "chunk-space",
        peers: BOTH,
        kinds: LAXER,
        refusals: &[Refusal::Chunk],
        clause: "RFC 9112 7.1",
        holds: |head| sizes(head, |line| matches!(line.last(), Some(b' ' | b'\t'))),
    },
    Class {
        name: "chunk-extension-space",
        peers: H11,
        kinds: &[Kind::WeAccept],
        refusals: &[],
        clause: "RFC 9110 5.6.3",
        holds: |head| sizes(head, |line| matches!(behind_digits(line).first(), Some(b' ' | b'\t'))),
    },
    Class {
        name: "chunk-zeros",
        peers: H11,
        kinds: &[Kind::WeAccept],
        refusals: &[],
        clause: "RFC 9112 7.1",
        holds: |head| sizes(head, |line| line.len() - behind_digits(line).len() > 20),
    },
    Class {
        name: "chunk-extension-text",
        peers: BOTH,
        kinds: LAXER,
        refusals: &[Refusal::Chunk],
        clause: "RFC 9112 7.1.1",
        holds: |head| sizes(head, |line| !are_extensions(behind_digits(line))),
    },
    Class {
        name: "chunk-extension-length",
        peers: BOTH,
        kinds: LAXER,
        refusals: &[Refusal::Chunk],
        clause: "RFC 9112 7.1.1",
        holds: |head| sizes(head, |line| line.len() > 250),
    },
    Class {
        name: "chunk-bare-lf",
        peers: BOTH,
        kinds: LAXER,
        refusals: &[Refusal::Chunk],
        clause: "RFC 9112 7.1",
        holds: |head| Chunks::new(head.body).bare_lf,
    },
    Class {
        name: "forbidden-trailers",
        peers: BOTH,
        kinds: LAXER,
        refusals: &[Refusal::Trailer],
        clause: "RFC 9110 6.5.1",
        holds: |head| trailers(head, is_forbidden),
    },
    Class {
        name: "trailer-fold",
        peers: H11,
        kinds: LAXER,
        refusals: &[Refusal::Chunk],
        clause: "RFC 9112 5.2",
        holds: |head| trailers(head, |line| matches!(line.first(), Some(b' ' | b'\t'))),
    },
    Class {
        name: "trailer-text",
        peers: H11,
        kinds: LAXER,
        refusals: &[Refusal::Chunk],
        clause: "RFC 9110 5.5",
        holds: |head| trailers(head, |line| line.iter().copied().any(is_control)),
    },
];

/// The authority of an absolute target.
fn authority(target: &[u8]) -> Option<&[u8]> {
    let begins =
        |scheme: &&[u8]| target.len() > scheme.len() && target[..scheme.len()].eq_ignore_ascii_case(scheme);
    let scheme = [&b"http://"[..], b"https://"].into_iter().find(begins)?;
    target[scheme.len()..].split(|byte| matches!(byte, b'/' | b'?' | b'#')).next()
}

fn has_coding(head: &Lenient<'_>) -> bool {
    head.values("transfer-encoding").next().is_some()
}

/// Whether some size line is so.
fn sizes(head: &Lenient<'_>, so: impl Fn(&[u8]) -> bool) -> bool {
    Chunks::new(head.body).sizes.into_iter().any(so)
}

/// Whether some trailer line is so.
fn trailers(head: &Lenient<'_>, so: impl Fn(&[u8]) -> bool) -> bool {
    Chunks::new(head.body).trailers.into_iter().any(so)
}

/// A size line without its digits.
fn behind_digits(line: &[u8]) -> &[u8] {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    &line[digits..]
}
