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

#[cfg(test)]
mod tests {
    use rgunicorn_settings::Settings;

    use super::*;

    #[test]
    fn the_mode_says_which_versions_are_read() {
        for (mode, text, binary) in [
            (ProxyProtocol::Off, false, false),
            (ProxyProtocol::V1, true, false),
            (ProxyProtocol::V2, false, true),
            (ProxyProtocol::Auto, true, true),
        ] {
            let proxies = Proxies { proxy_protocol: mode, ..Settings::default().proxies };
            let versions = Frontends::new(&proxies).versions;
            assert_eq!(versions, Versions { text, binary }, "{mode}");
            assert_eq!(versions.any(), text || binary);
        }
    }

    #[test]
    fn this_machine_and_unix_sockets_are_believed_by_default_and_nobody_else() {
        let frontends = Frontends::new(&Settings::default().proxies);
        let tcp = |address: &str| Remote::Tcp(address.parse().unwrap());
        for networks in [&frontends.proxies, &frontends.uwsgi] {
            for believed in [tcp("127.0.0.1:1"), tcp("[::1]:1"), tcp("[::ffff:127.0.0.1]:1"), Remote::Unix] {
                assert!(admits(networks, believed), "{believed:?}");
            }
            for other in [tcp("127.0.0.2:1"), tcp("10.0.0.1:1"), tcp("[::2]:1")] {
                assert!(!admits(networks, other), "{other:?}");
            }
        }
        assert!(!admits(&Frontends::default().uwsgi, tcp("127.0.0.1:1")));
    }
}
