//! What the last request of a connection told, so that the same client is resolved once.

use std::sync::Arc;

use super::{Peer, Policy};
use crate::Refusal;

/// Longer fields are not remembered.
const LONGEST: usize = 1024;

/// The last fields that mattered, and whom they stand for.
#[derive(Debug)]
pub(crate) struct Memo {
    said: Vec<u8>,
    peer: Arc<Peer>,
}

impl Memo {
    /// Who is behind a proxy that is believed: `own` is the connection's peer, the proxy itself.
    ///
    /// # Errors
    /// As [`Policy::resolve`].
    pub(crate) fn peer<'a, Fields: Iterator<Item = (&'a [u8], &'a [u8])>>(
        memo: &mut Option<Box<Self>>,
        policy: &Policy,
        own: &Arc<Peer>,
        fields: impl Fn() -> Fields,
    ) -> Result<Arc<Peer>, Refusal> {
        let fields = || fields().filter(|(name, _)| policy.concerns(name));
        if let Some(memo) = memo.as_deref()
            && memo.is_of(fields())
        {
            return Ok(Arc::clone(&memo.peer));
        }
        let peer = match policy.resolve(own, fields())? {
            Some(peer) => Arc::new(peer),
            None => Arc::clone(own),
        };
        let mut said = memo.take().map_or_else(Vec::new, |memo| memo.said);
        said.clear();
        for part in fields().flat_map(parts) {
            said.extend_from_slice(part);
        }
        if said.len() <= LONGEST {
            *memo = Some(Box::new(Self { said, peer: Arc::clone(&peer) }));
        }
        Ok(peer)
    }

    fn is_of<'a>(&self, fields: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> bool {
        let mut said = &self.said[..];
        for part in fields.flat_map(parts) {
            match said.strip_prefix(part) {
                Some(rest) => said = rest,
                None => return false,
            }
        }
        said.is_empty()
    }
}

/// A field as it is remembered: neither a name nor a value has the bytes in between.
fn parts<'a>((name, value): (&'a [u8], &'a [u8])) -> [&'a [u8]; 4] {
    [name, b":", value, b"\n"]
}
