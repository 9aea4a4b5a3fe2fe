//! What frontends put around HTTP: the PROXY protocol before it, the uwsgi protocol in its place. Bytes in, parts out.
//!
//! Nothing here knows a socket or a clock. Each reader is given all the bytes that have arrived and says that it needs
//! more, how many of them are the header or the packet, or why they cannot be one; it never reads beyond what it claims.

pub mod proxy_protocol;
pub mod uwsgi;
