//! What the header fields of one request tell of its client.

use std::{borrow::Cow, net::SocketAddr};

use rgunicorn_settings::Networks;

use super::{
    Peer, Remote, Scheme,
    address::{parse_address, parse_host, parse_port},
    forwarded::elements_from_right,
};

/// The `X-Forwarded-*` fields; the first two are what uvicorn knows.
pub(super) const X_FORWARDED: [&str; 4] =
    ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port"];

/// Two fields tell different schemes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Contradiction;

/// The fields that matter, in the order they came.
pub(super) struct Told<'a>(Vec<(&'a [u8], &'a [u8])>);

/// What they tell.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Story<'a> {
    client: Option<SocketAddr>,
    pub(super) scheme: Option<Scheme>,
    host: Option<Cow<'a, [u8]>>,
    port: Option<u16>,
}

impl<'a> Told<'a> {
    pub(super) fn new(fields: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Self {
        Self(fields.collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn values<'n>(&self, name: &'n str) -> impl DoubleEndedIterator<Item = &'a [u8]> + use<'_, 'a, 'n> {
        let named = move |(field, _): &&(&[u8], &[u8])| field.eq_ignore_ascii_case(name.as_bytes());
        self.0.iter().filter(named).map(|(_, value)| *value)
    }

    /// The value of the last field with this name.
    pub(super) fn last(&self, name: &str) -> Option<&'a [u8]> {
        self.values(name).next_back()
    }

    /// The entries of a list from right to left, over all fields with this name; empty ones are left out (RFC 9110
    /// 5.6.1.2).
    fn entries<'n>(&self, name: &'n str) -> impl Iterator<Item = &'a [u8]> + use<'_, 'a, 'n> {
        let entries = self.values(name).rev().flat_map(|value| value.rsplit(|byte| *byte == b','));
        entries.map(<[u8]>::trim_ascii).filter(|entry| !entry.is_empty())
    }

    /// Whether any of the `X-Forwarded-*` fields is there.
    pub(super) fn has_x_forwarded(&self) -> bool {
        X_FORWARDED.iter().any(|name| self.last(name).is_some())
    }

    /// What gunicorn makes of `secure_scheme_headers`: each field that is there tells `https` by its very value, and
    /// `http` by any other.
    pub(super) fn secure_scheme(&self, known: &[(String, String)]) -> Result<Option<Scheme>, Contradiction> {
        let mut found = None;
        for (name, secure) in known {
            for value in self.values(name) {
                let scheme = if value == secure.as_bytes() { Scheme::Https } else { Scheme::Http };
                if found.replace(scheme).is_some_and(|before| before != scheme) {
                    return Err(Contradiction);
                }
            }
        }
        Ok(found)
    }

    /// What the `X-Forwarded-*` fields tell. Only the address is followed through the list; of the others, the last
    /// entry is what the proxy next to us has seen or passed on.
    pub(super) fn x_forwarded(&self, trusted: &Networks) -> Story<'a> {
        let mut story = Story::default();
        for entry in self.entries(X_FORWARDED[0]) {
            if !story.hop(entry, trusted) {
                break;
            }
        }
        story.scheme = self.entries(X_FORWARDED[1]).next().and_then(scheme_of);
        story.host = self.entries(X_FORWARDED[2]).next().map(Cow::Borrowed);
        story.port = self.entries(X_FORWARDED[3]).next().and_then(parse_port);
        story
    }

    /// What `Forwarded` tells: each proxy, from right to left, tells scheme and host of the request that it received, and
    /// whom it came from. The outermost proxy that is believed knows best.
    pub(super) fn forwarded(&self, trusted: &Networks) -> Story<'a> {
        let mut story = Story::default();
        for element in self.values("forwarded").rev().flat_map(elements_from_right) {
            let Some(element) = element else { break };
            story.scheme = element.proto.and_then(|proto| scheme_of(&proto)).or(story.scheme);
            story.host = element.host.or(story.host);
            if !element.node.is_some_and(|node| story.hop(&node, trusted)) {
                break;
            }
        }
        story
    }
}

impl Story<'_> {
    /// Take one step along the list, from a proxy that is believed to whom its request came from; whether the next step
    /// may be taken, because that was a proxy too. What is no address is the end of what is known.
    fn hop(&mut self, entry: &[u8], trusted: &Networks) -> bool {
        let Some(address) = parse_address(entry) else { return false };
        self.client = Some(address);
        trusted.contains(address.ip())
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn apply(&self, peer: &mut Peer) {
        if let Some(client) = self.client {
            peer.set_remote(Remote::Tcp(client));
        }
        peer.scheme = self.scheme.unwrap_or(peer.scheme);
        let host = self.host.as_deref().and_then(parse_host);
        if let Some((name, port)) = host {
            peer.server_name = Some(name.to_owned());
            peer.server_port = Some(port.unwrap_or(peer.scheme.default_port()));
        }
        peer.server_port = self.port.or(peer.server_port);
    }
}

fn scheme_of(text: &[u8]) -> Option<Scheme> {
    let is = |known: &[u8]| text.eq_ignore_ascii_case(known);
    // Some proxies name the websocket's scheme; a scope says it by its type.
    match () {
        () if is(b"https") || is(b"wss") => Some(Scheme::Https),
        () if is(b"http") || is(b"ws") => Some(Scheme::Http),
        () => None,
    }
}
