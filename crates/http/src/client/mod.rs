//! Who the client is, and what it asked for: the socket's two ends, unless a proxy that is believed says otherwise.
//!
//! Everything that shows a client takes it from a request's [`Peer`] (the WSGI environ, the ASGI scope, the access log),
//! so they agree by construction. [`Policy`] is what is believed of whom; [`Policy::resolve`] is a function of the
//! socket's two ends and the header fields, without a socket, and linear in their length.
//!
//! The one rule: what a client can write itself is never believed. Lists are read from the right, where the proxy next to
//! us has added its part, and only as far as the part before it was added by a proxy that is believed too.

mod address;
mod forwarded;
mod memo;
mod names;
mod peer;
mod policy;
#[cfg(test)]
mod tests;
mod told;

pub(crate) use memo::Memo;
pub use peer::{Local, Peer, Remote, Scheme};
pub use policy::{Policy, Tradition};
