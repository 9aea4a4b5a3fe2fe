//! The two ends of a connection as the application is to see them.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use crate::wire::proxy_protocol::Header;

/// The far end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remote {
    /// An address and a port; port 0 where a proxy tells the address only.
    Tcp(SocketAddr),
    /// A unix socket: the kernel names no client.
    Unix,
}

/// The near end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Local {
    /// An address and a port.
    Tcp(SocketAddr),
    /// A unix socket by its path.
    Unix(Arc<PathBuf>),
}

/// How the client reached the server, or the outermost proxy that is believed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scheme {
    /// In the clear.
    #[default]
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// As in a URL: `http` or `https`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port of URLs that name none (RFC 9110 4.2).
    #[must_use]
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// The two ends of a connection as the application is to see them.
///
/// The requests of a connection share one value, unless a proxy speaks for several clients: two requests with the same
/// allocation came from the same client in the same way.
#[derive(Debug, Clone)]
pub struct Peer {
    /// The far end.
    pub remote: Remote,
    /// The near end.
    pub local: Local,
    /// Which listener took the connection, counted in the order of the binds.
    pub listener: usize,
    /// The far end's address without its port; empty for unix sockets.
    pub remote_address: String,
    /// How the client came.
    pub scheme: Scheme,
    /// The name that the client used for the server, where a proxy tells it; never the Host field.
    pub server_name: Option<String>,
    /// The port that the client connected to, where a proxy tells it.
    pub server_port: Option<u16>,
    /// The header of the PROXY protocol that the connection began with.
    pub proxy_header: Option<Header>,
    /// Where the proxy has mounted the application: the `SCRIPT_NAME` of this request, where a proxy tells it.
    pub script_name: Option<Vec<u8>>,
}

impl Peer {
    /// The two ends as the kernel or a PROXY header tells them.
    #[must_use]
    pub fn new(remote: Remote, local: Local, listener: usize) -> Self {
        Self {
            remote,
            local,
            listener,
            remote_address: text_of(remote),
            scheme: Scheme::Http,
            server_name: None,
            server_port: None,
            proxy_header: None,
            script_name: None,
        }
    }

    /// Put another client in the place of the far end.
    pub fn set_remote(&mut self, remote: Remote) {
        self.remote = remote;
        self.remote_address = text_of(remote);
    }

    /// Whether a path, still percent-encoded, is below [`Peer::script_name`], or there is none.
    #[must_use]
    pub fn covers(&self, path: &[u8]) -> bool {
        self.script_name.as_deref().is_none_or(|mount| {
            path.strip_prefix(mount).is_some_and(|rest| matches!(rest.first(), None | Some(b'/')))
        })
    }

    /// The far end's port; `None` for unix sockets, and where a proxy tells the address only.
    #[must_use]
    pub fn remote_port(&self) -> Option<u16> {
        match self.remote {
            Remote::Tcp(address) => Some(address.port()).filter(|port| *port != 0),
            Remote::Unix => None,
        }
    }
}

fn text_of(remote: Remote) -> String {
    match remote {
        // An IPv4 client of a dual-stack socket is shown as what it is.
        Remote::Tcp(address) => address.ip().to_canonical().to_string(),
        Remote::Unix => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(address: &str) -> Remote {
        Remote::Tcp(address.parse().unwrap())
    }

    #[test]
    fn a_mount_point_covers_what_is_below_it() {
        let mut peer = Peer::new(Remote::Unix, Local::Unix(Arc::default()), 0);
        assert!(peer.covers(b"/x") && peer.covers(b"*"));
        peer.script_name = Some(b"/app".to_vec());
        assert!(peer.covers(b"/app") && peer.covers(b"/app/") && peer.covers(b"/app/x"));
        assert!(
            !peer.covers(b"/apple") && !peer.covers(b"/") && !peer.covers(b"*") && !peer.covers(b"/x/app")
        );
        peer.script_name = Some(Vec::new());
        assert!(peer.covers(b"/") && peer.covers(b"/x"));
    }

    #[test]
    fn the_far_end_is_told_by_address_and_port_as_far_as_they_are_known() {
        let local = Local::Unix(Arc::default());
        let mut peer = Peer::new(tcp("[::ffff:192.0.2.1]:7"), local, 0);
        assert_eq!((peer.remote_address.as_str(), peer.remote_port()), ("192.0.2.1", Some(7)));
        peer.set_remote(tcp("[2001:db8::1]:0"));
        assert_eq!((peer.remote_address.as_str(), peer.remote_port()), ("2001:db8::1", None));
        peer.set_remote(Remote::Unix);
        assert_eq!((peer.remote_address.as_str(), peer.remote_port()), ("", None));
    }
}
