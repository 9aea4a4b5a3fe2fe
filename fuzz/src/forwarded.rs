//! Forwarding fields: nothing that a client writes changes what the proxy next to us has added behind it.

use rgunicorn_http::client::{Local, Peer, Policy, Remote, Scheme, Tradition};
use rgunicorn_settings::{Proxies, ProxyHeaders};

const MODES: [ProxyHeaders; 5] = [
    ProxyHeaders::Auto,
    ProxyHeaders::On,
    ProxyHeaders::Off,
    ProxyHeaders::XForwarded,
    ProxyHeaders::Forwarded,
];
/// Who the proxy says its client is.
const CLIENT: &str = "192.0.2.77";

/// A name and a value.
type Field = (Vec<u8>, Vec<u8>);

/// The target: every line is a field, as in a head.
///
/// # Panics
/// When a client is believed, or what comes out could not be part of an environ.
pub fn run(bytes: &[u8]) {
    let fields = fields_of(bytes);
    for mode in MODES {
        for tradition in [Tradition::Gunicorn, Tradition::Uvicorn] {
            for allowed in ["127.0.0.1,10.0.0.0/8,fd00::/8", "*"] {
                let policy = policy(mode, tradition, allowed);
                if let Ok(Some(peer)) = policy.resolve(&proxy(), as_slices(&fields)) {
                    check(&peer, mode);
                }
            }
        }
    }
    for joined in [true, false] {
        let told = append(&fields, "X-Forwarded-For", CLIENT, joined);
        for mode in [ProxyHeaders::On, ProxyHeaders::XForwarded] {
            assert_believed(mode, &told, None);
        }
        let told = append(&fields, "Forwarded", &format!("for={CLIENT};proto=https"), joined);
        assert_believed(ProxyHeaders::Forwarded, &told, Some(Scheme::Https));
    }
}

/// Fields as a head has them: neither a control character nor blanks at the ends of a value.
fn fields_of(bytes: &[u8]) -> Vec<Field> {
    let lines = bytes.split(|byte| *byte == b'\n').filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let value = line[colon + 1..].trim_ascii();
        let valid = |byte: &u8| *byte == b'\t' || !byte.is_ascii_control();
        value.iter().all(valid).then(|| (line[..colon].to_vec(), value.to_vec()))
    });
    lines.take(100).collect()
}

fn as_slices(fields: &[Field]) -> impl Iterator<Item = (&[u8], &[u8])> {
    fields.iter().map(|(name, value)| (name.as_slice(), value.as_slice()))
}

fn policy(mode: ProxyHeaders, tradition: Tradition, allowed: &str) -> Policy {
    let allowed = allowed.parse().expect("networks");
    let proxies = Proxies {
        proxy_headers: mode,
        forwarded_allow_ips: allowed,
        forwarder_headers: "SCRIPT_NAME".parse().expect("names"),
        ..Proxies::default()
    };
    Policy::new(&proxies, tradition)
}

fn proxy() -> Peer {
    let remote = Remote::Tcp("127.0.0.1:50000".parse().expect("an address"));
    Peer::new(remote, Local::Tcp("127.0.0.1:8000".parse().expect("an address")), 0)
}

/// What a proxy sends that adds an entry to a list: as nginx does, to the values that are there joined by commas; or in
/// a field of its own behind them.
fn append(fields: &[Field], name: &str, entry: &str, joined: bool) -> Vec<Field> {
    let is = |field: &&Field| field.0.eq_ignore_ascii_case(name.as_bytes());
    if !joined {
        return fields.iter().cloned().chain([(name.into(), entry.into())]).collect();
    }
    let values: Vec<_> = fields.iter().filter(is).map(|(_, value)| value.as_slice()).collect();
    let list = [values.join(&b", "[..]), entry.into()].join(&b", "[..]);
    let others = fields.iter().filter(|field| !is(field)).cloned();
    others.chain([(name.into(), list)]).collect()
}

fn assert_believed(mode: ProxyHeaders, fields: &[Field], scheme: Option<Scheme>) {
    let policy = policy(mode, Tradition::Gunicorn, "127.0.0.1,10.0.0.0/8,fd00::/8");
    // Contradicting schemes are refused, whoever wrote them.
    let Ok(peer) = policy.resolve(&proxy(), as_slices(fields)) else { return };
    let peer = peer.expect("the proxy tells its client");
    assert_eq!(peer.remote_address, CLIENT, "{mode:?}: {}", shown(fields));
    if let Some(scheme) = scheme {
        assert_eq!(peer.scheme, scheme, "{mode:?}: {}", shown(fields));
    }
}

fn shown(fields: &[Field]) -> String {
    let lines =
        fields.iter().map(|(name, value)| format!("{}: {}\n", name.escape_ascii(), value.escape_ascii()));
    lines.collect()
}

/// What comes out may stand in an environ, a scope and a log line.
fn check(peer: &Peer, mode: ProxyHeaders) {
    if mode == ProxyHeaders::Off {
        assert_eq!((peer.remote, &peer.server_name), (proxy().remote, &None), "believed although it is off");
    }
    assert!(peer.remote_address.parse::<std::net::IpAddr>().is_ok());
    assert_ne!(peer.server_port, Some(0));
    if let Some(name) = &peer.server_name {
        assert!(!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/'));
    }
    if let Some(name) = &peer.script_name {
        assert!(name.is_empty() || (name.starts_with(b"/") && !name.ends_with(b"/")));
    }
}
