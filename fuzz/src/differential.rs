//! Our reading of a connection beside hyper's and h11's: every difference has to be of a known class.

use std::{cell::RefCell, path::Path};

use rgunicorn_http::{
    Limits,
    proto::{HeaderMap, Leniency, Rules},
};

use crate::{
    classes::class_of,
    compare::{Difference, Peer, differences},
    h11_peer::H11,
    hyper_peer,
    reading::ours,
};

thread_local! {
    static H11_PEER: RefCell<Option<H11>> = const { RefCell::new(None) };
}

/// Ask h11 as well, in a Python that has it.
///
/// # Panics
/// When it cannot be run.
pub fn ask_h11(python: &Path) {
    let peer = H11::start(python).expect("the Python that was named runs");
    H11_PEER.with_borrow_mut(|slot| *slot = Some(peer));
}

/// The target.
///
/// # Panics
/// When somebody reads the bytes differently and no class says that this is right.
pub fn run(bytes: &[u8]) {
    let unknown = unknown_differences(bytes);
    assert!(unknown.is_empty(), "\n{}", unknown.concat());
}

/// What the other two read differently, as text, without what is known.
///
/// # Panics
/// When Python is gone.
#[must_use]
pub fn unknown_differences(bytes: &[u8]) -> Vec<String> {
    let mut unknown = Vec::new();
    each_difference(bytes, |difference| {
        if class_of(difference).is_none() {
            unknown.push(difference.to_string());
        }
    });
    unknown
}

/// Show every difference in the reading of `bytes` to `visit`.
///
/// # Panics
/// When Python is gone.
pub fn each_difference(bytes: &[u8], mut visit: impl FnMut(&Difference<'_>)) {
    let limits = Limits::default();
    // Fields whose names have an underscore are dropped unless asked for; here they are compared like all others.
    let leniency = Leniency { header_map: HeaderMap::Dangerous, ..Leniency::NONE };
    let ours = ours(bytes, Rules { leniency: &leniency, ..Rules::strict(&limits) });
    let hyper = hyper_peer::read(bytes, limits.fields);
    differences(bytes, &ours, &hyper, Peer::Hyper).iter().for_each(&mut visit);
    H11_PEER.with_borrow_mut(|peer| {
        if let Some(peer) = peer {
            let h11 = peer.read(bytes).expect("h11 answers");
            differences(bytes, &ours, &h11, Peer::H11).iter().for_each(&mut visit);
        }
    });
}
