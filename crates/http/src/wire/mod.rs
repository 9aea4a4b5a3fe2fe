//! What frontends put around HTTP: the PROXY protocol before it, the uwsgi protocol in its place. Bytes in, parts out.
//!
//! Nothing here knows a socket or a clock. Each reader is given all the bytes that have arrived and says that it needs
//! more, how many of them are the header or the packet, or why they cannot be one; it never reads beyond what it claims.

pub mod proxy_protocol;
pub mod uwsgi;

use rgunicorn_settings::{Networks, Proxies, ProxyProtocol};

use self::proxy_protocol::Versions;
use crate::client::Remote;

/// Which peers may say whose connection they pass on, before HTTP or in place of it.
#[derive(Debug, Clone)]
pub struct Frontends {
    /// The versions of the PROXY protocol that are read on listeners that speak HTTP.
    pub versions: Versions,
    /// Who may send a PROXY header.
    pub proxies: Networks,
    /// Who may speak the uwsgi protocol.
    pub uwsgi: Networks,
}

impl Frontends {
    /// What the settings say.
    #[must_use]
    pub fn new(proxies: &Proxies) -> Self {
        let versions = match proxies.proxy_protocol {
            ProxyProtocol::Off => Versions { text: false, binary: false },
            ProxyProtocol::V1 => Versions { text: true, binary: false },
            ProxyProtocol::V2 => Versions { text: false, binary: true },
            ProxyProtocol::Auto => Versions { text: true, binary: true },
        };
        let (proxies, uwsgi) = (proxies.proxy_allow_ips.clone(), proxies.uwsgi_allow_ips.clone());
        Self { versions, proxies, uwsgi }
    }
}

/// No PROXY headers, and uwsgi from unix sockets only.
impl Default for Frontends {
    fn default() -> Self {
        let versions = Versions { text: false, binary: false };
        Self { versions, proxies: Networks::default(), uwsgi: Networks::default() }
    }
}

/// Whether the far end is one of these. A unix socket always is: who may connect to it is for its file mode to say.
pub(crate) fn admits(networks: &Networks, remote: Remote) -> bool {
    match remote {
        Remote::Tcp(address) => networks.contains(address.ip()),
        Remote::Unix => true,
    }
}
