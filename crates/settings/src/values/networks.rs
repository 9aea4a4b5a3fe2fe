//! Peers that are believed: addresses and networks, or everybody.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    str::FromStr,
};

use ipnet::{IpNet, Ipv4Net};

use super::{Kind, Newtype, ValueError};

/// Addresses and networks; `*` is everybody, and no text at all is nobody.
///
/// An IPv4 address that is mapped into IPv6 (`::ffff:10.0.0.1`), as a socket that takes both reports it, is the IPv4
/// address. Peers on unix sockets have no address; whoever asks decides about them. The default is nobody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks {
    everyone: bool,
    nets: Vec<IpNet>,
}

/// The bits before the IPv4 address in a mapped one (RFC 4291 2.5.5.2).
const MAPPED_PREFIX: u8 = 96;

const REMEDY: &str =
    "write addresses or networks such as `10.0.0.1,192.168.0.0/16,fd00::/8`, or `*` for everybody";

impl Networks {
    /// Whether the address is one of them.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.everyone || {
            let address = address.to_canonical();
            self.nets.iter().any(|net| net.contains(&address))
        }
    }

    /// Whether it was written `*`, so that peers without an address are meant too.
    #[must_use]
    pub fn is_everyone(&self) -> bool {
        self.everyone
    }

    /// Whether no address is one of them.
    #[must_use]
    pub fn is_nobody(&self) -> bool {
        !self.everyone && self.nets.is_empty()
    }
}

impl FromStr for Networks {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let mut networks = Self::default();
        for item in text.split([',', ' ', '\t', '\n']).filter(|item| !item.is_empty()) {
            match item {
                "*" => networks.everyone = true,
                _ => networks.nets.push(read_net(item)?),
            }
        }
        Ok(networks)
    }
}

fn read_net(text: &str) -> Result<IpNet, ValueError> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(IpNet::from(address.to_canonical()));
    }
    let Ok(net) = text.parse::<IpNet>() else {
        return Err(ValueError::new(format!("`{text}` is not an address or a network"), REMEDY));
    };
    // Either the address or the length is a slip, and guessing which would trust the wrong peers.
    if net.trunc() != net {
        let problem = format!("`{text}` has bits behind its prefix");
        return Err(ValueError::new(problem, format!("write `{}` or `{}`", net.trunc(), net.addr())));
    }
    Ok(unmapped(net))
}

/// The network of IPv4 addresses that a mapped one stands for.
fn unmapped(net: IpNet) -> IpNet {
    let length = net.prefix_len().checked_sub(MAPPED_PREFIX);
    match (net.addr().to_canonical(), length) {
        (IpAddr::V4(address), Some(length)) if net.addr().is_ipv6() => mapped(address, length).unwrap_or(net),
        _ => net,
    }
}

fn mapped(address: Ipv4Addr, length: u8) -> Option<IpNet> {
    Ipv4Net::new(address, length).ok().map(IpNet::V4)
}

impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let everyone = self.everyone.then(|| "*".to_owned());
        let nets = self.nets.iter().map(|net| match net.prefix_len() == net.max_prefix_len() {
            true => net.addr().to_string(),
            false => net.to_string(),
        });
        f.write_str(&everyone.into_iter().chain(nets).collect::<Vec<_>>().join(","))
    }
}

impl Newtype for Networks {
    const KIND: Kind = Kind::List;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn networks(text: &str) -> Networks {
        text.parse().unwrap()
    }

    fn contains(text: &str, address: &str) -> bool {
        networks(text).contains(address.parse().unwrap())
    }

    fn refusal(text: &str) -> String {
        text.parse::<Networks>().unwrap_err().to_string()
    }

    #[test]
    fn addresses_and_networks_are_matched() {
        let text = "127.0.0.1, 10.0.0.0/8,::1 fd00::/8";
        for inside in ["127.0.0.1", "10.0.0.0", "10.255.255.255", "::1", "fd12::3"] {
            assert!(contains(text, inside), "{inside}");
        }
        for outside in ["127.0.0.2", "11.0.0.0", "9.255.255.255", "::2", "fe80::1", "::"] {
            assert!(!contains(text, outside), "{outside}");
        }
        assert_eq!(networks(text).to_string(), "127.0.0.1,10.0.0.0/8,::1,fd00::/8");
        assert!(contains("0.0.0.0/0", "8.8.8.8") && !contains("0.0.0.0/0", "::1"));
    }

    #[test]
    fn a_mapped_address_is_the_v4_address() {
        assert!(contains("10.0.0.0/8", "::ffff:10.1.2.3"));
        assert!(contains("::ffff:10.1.2.3", "10.1.2.3"));
        assert!(contains("::ffff:10.0.0.0/104", "10.1.2.3"));
        assert!(contains("::ffff:10.0.0.0/104", "::ffff:10.1.2.3"));
        assert!(!contains("::ffff:10.0.0.0/104", "11.1.2.3"));
        assert!(!contains("::/0", "::ffff:10.1.2.3"), "it is no v6 address");
    }

    #[test]
    fn a_star_is_everybody_and_nothing_is_nobody() {
        let everyone = networks("10.0.0.0/8,*");
        assert!(everyone.is_everyone() && everyone.contains("8.8.8.8".parse().unwrap()));
        assert_eq!(everyone.to_string(), "*,10.0.0.0/8");
        let nobody = networks("");
        assert!(nobody.is_nobody() && !nobody.is_everyone());
        assert!(!nobody.contains("127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn a_slip_says_what_to_write() {
        assert_eq!(
            refusal("10.0.0.1/8"),
            "`10.0.0.1/8` has bits behind its prefix (write `10.0.0.0/8` or `10.0.0.1`)"
        );
        for item in ["proxy.local", "10.0.0", "10.0.0.0/33", "10.0.0.1:80", "[::1]", "10.*", "-", "::1%lo"] {
            let said = refusal(&format!("127.0.0.1,{item}"));
            assert_eq!(said, format!("`{item}` is not an address or a network ({REMEDY})"));
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            v4 in any::<Ipv4Addr>(),
            v6 in any::<std::net::Ipv6Addr>(),
            length in 0_u8..=32,
        ) {
            let net = IpNet::new(v4.into(), length).unwrap().trunc();
            let read = networks(&format!("{v6},{net}"));
            prop_assert!(read.contains(v6.into()) && read.contains(v4.into()));
            prop_assert_eq!(networks(&read.to_string()), read);
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = text.parse::<Networks>();
        }
    }
}
