//! Who the client is, and what it asked for: the socket's two ends, unless a proxy that is believed says otherwise.
//!
//! Everything that shows a client takes it from a request's [`Peer`] (the WSGI environ, the ASGI scope, the access log),
//! so they agree by construction.

mod peer;

pub use peer::{Local, Peer, Remote, Scheme};
