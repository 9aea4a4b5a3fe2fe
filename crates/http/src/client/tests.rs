//! Who the client is, for what proxies and clients write.

use std::{net::SocketAddr, sync::Arc};

use proptest::prelude::*;
use rgunicorn_settings::{Proxies, ProxyHeaders};

use super::*;
use crate::Refusal;

const PROXY: &str = "127.0.0.1";
const MODES: [ProxyHeaders; 5] = [
    ProxyHeaders::Auto,
    ProxyHeaders::On,
    ProxyHeaders::Off,
    ProxyHeaders::XForwarded,
    ProxyHeaders::Forwarded,
];

fn policy(mode: ProxyHeaders, tradition: Tradition, allowed: &str) -> Policy {
    let proxies = Proxies {
        proxy_headers: mode,
        forwarded_allow_ips: allowed.parse().unwrap(),
        forwarder_headers: "SCRIPT_NAME".parse().unwrap(),
        ..Proxies::default()
    };
    Policy::new(&proxies, tradition)
}

fn socket(remote: &str) -> Peer {
    let remote = Remote::Tcp(SocketAddr::new(remote.parse().unwrap(), 50_000));
    Peer::new(remote, Local::Tcp("127.0.0.1:8000".parse().unwrap()), 0)
}

/// What the policy makes of fields that come from a proxy, as `address port scheme server script_name`.
fn resolved(policy: &Policy, fields: &[(&str, &str)]) -> Result<String, Refusal> {
    let fields = fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    let peer = policy.resolve(&socket(PROXY), fields)?.unwrap_or_else(|| socket(PROXY));
    let port = peer.remote_port().map_or("-".to_owned(), |port| port.to_string());
    let mut text = format!("{} {port} {}", peer.remote_address, peer.scheme.as_str());
    if peer.server_name.is_some() || peer.server_port.is_some() {
        let port = peer.server_port.map(|port| port.to_string());
        text += &format!(" {}:{}", peer.server_name.unwrap_or_default(), port.unwrap_or_default());
    }
    if let Some(name) = peer.script_name {
        text += &format!(" {}", name.escape_ascii());
    }
    Ok(text)
}

fn on(allowed: &str, fields: &[(&str, &str)]) -> String {
    resolved(&policy(ProxyHeaders::On, Tradition::Gunicorn, allowed), fields).unwrap()
}

fn client(allowed: &str, list: &str) -> String {
    let x_forwarded = on(allowed, &[("X-Forwarded-For", list)]);
    let elements: Vec<_> = list.split(',').map(|entry| format!("for=\"{}\"", entry.trim())).collect();
    let forwarded = on(allowed, &[("Forwarded", &elements.join(", "))]);
    assert_eq!(x_forwarded, forwarded, "both families are followed in the same way");
    x_forwarded.strip_suffix(" http").unwrap().to_owned()
}

#[test]
fn the_client_is_the_right_most_address_that_is_not_trusted() {
    let proxies = "127.0.0.1,10.0.0.0/8,fd00::/8";
    for (list, expected) in [
        ("192.0.2.1", "192.0.2.1 -"),
        ("192.0.2.1:4711", "192.0.2.1 4711"),
        ("[2001:db8::1]:443", "2001:db8::1 443"),
        ("2001:db8::1", "2001:db8::1 -"),
        ("::ffff:192.0.2.1", "192.0.2.1 -"),
        ("6.6.6.6, 192.0.2.1", "192.0.2.1 -"),
        ("6.6.6.6, 192.0.2.1, 10.1.2.3", "192.0.2.1 -"),
        ("6.6.6.6,192.0.2.1,10.1.2.3,fd00::7,::ffff:10.0.0.1,127.0.0.1", "192.0.2.1 -"),
    ] {
        assert_eq!(client(proxies, list), expected, "{list}");
    }
}

#[test]
fn of_a_list_of_proxies_the_first_is_the_client() {
    assert_eq!(client("127.0.0.1,10.0.0.0/8", "10.0.0.1, 10.0.0.2"), "10.0.0.1 -");
    assert_eq!(client("*", "192.0.2.1, 192.0.2.2, 192.0.2.3"), "192.0.2.1 -");
}

#[test]
fn what_is_no_address_ends_the_list_at_the_last_known_one() {
    for garbage in ["unknown", "_hidden", "evil", "1.2.3", "[::1", "999.1.1.1", "<script>"] {
        assert_eq!(client(PROXY, garbage), "127.0.0.1 50000", "{garbage}");
        assert_eq!(client(PROXY, &format!("6.6.6.6, {garbage}")), "127.0.0.1 50000", "{garbage}");
        assert_eq!(client("127.0.0.1,10.0.0.1", &format!("6.6.6.6, {garbage}, 10.0.0.1")), "10.0.0.1 -");
        assert_eq!(client("*", &format!("{garbage}, 192.0.2.1")), "192.0.2.1 -", "{garbage}");
        assert_eq!(client(PROXY, &format!("{garbage}, 192.0.2.1")), "192.0.2.1 -", "{garbage}");
    }
    for nothing in ["", " ", ",", " ,, "] {
        assert_eq!(on(PROXY, &[("X-Forwarded-For", nothing)]), "127.0.0.1 50000 http");
        assert_eq!(on(PROXY, &[("Forwarded", nothing)]), "127.0.0.1 50000 http");
    }
}

#[test]
fn several_fields_are_one_list() {
    let spoofed = [("X-Forwarded-For", "6.6.6.6"), ("x-forwarded-for", "192.0.2.1"), ("Host", "h")];
    assert_eq!(on(PROXY, &spoofed), "192.0.2.1 - http");
    let hops = [("X-FORWARDED-FOR", "192.0.2.1"), ("x-forwarded-for", "10.0.0.1, 10.0.0.2")];
    assert_eq!(on("127.0.0.1,10.0.0.0/8", &hops), "192.0.2.1 - http");
    let elements = [("Forwarded", "for=\"6.6.6.6"), ("forwarded", "for=192.0.2.1"), ("FORWARDED", " , ")];
    assert_eq!(on(PROXY, &elements), "192.0.2.1 - http");
}

#[test]
fn scheme_host_and_port_are_what_the_nearest_proxy_tells() {
    for (fields, expected) in [
        (&[("X-Forwarded-Proto", "https")][..], "127.0.0.1 50000 https"),
        (&[("X-Forwarded-Proto", "HTTPS")], "127.0.0.1 50000 https"),
        (&[("X-Forwarded-Proto", "wss")], "127.0.0.1 50000 https"),
        (&[("X-Forwarded-Proto", "https, http")], "127.0.0.1 50000 http"),
        (&[("X-Forwarded-Proto", "gopher")], "127.0.0.1 50000 http"),
        (&[("X-Forwarded-Host", "example.com")], "127.0.0.1 50000 http example.com:80"),
        (&[("X-Forwarded-Host", "evil, example.com:81")], "127.0.0.1 50000 http example.com:81"),
        (&[("X-Forwarded-Host", "example.com/x")], "127.0.0.1 50000 http"),
        (&[("X-Forwarded-Port", "8443")], "127.0.0.1 50000 http :8443"),
        (&[("X-Forwarded-Port", "84430")], "127.0.0.1 50000 http"),
        (
            &[("X-Forwarded-Host", "[::1]:1"), ("X-Forwarded-Port", "2"), ("X-Forwarded-Proto", "https")],
            "127.0.0.1 50000 https [::1]:2",
        ),
        (
            &[("X-Forwarded-Host", "example.com"), ("X-Forwarded-Proto", "https")],
            "127.0.0.1 50000 https example.com:443",
        ),
    ] {
        assert_eq!(on(PROXY, fields), expected, "{fields:?}");
    }
}

#[test]
fn the_outermost_trusted_proxy_tells_what_the_client_asked_for() {
    let proxies = "127.0.0.1,10.0.0.1";
    for (value, expected) in [
        ("for=192.0.2.1;proto=https;host=example.com", "192.0.2.1 - https example.com:443"),
        ("host=\"example.com:8443\";PROTO=HTTPS", "127.0.0.1 50000 https example.com:8443"),
        ("for=_hidden;proto=https", "127.0.0.1 50000 https"),
        (
            "for=6.6.6.6;host=evil;proto=http, for=192.0.2.1;proto=https;host=a, for=10.0.0.1;proto=http;host=b",
            "192.0.2.1 - https a:443",
        ),
        ("for=192.0.2.1;proto=https, for=10.0.0.1;host=b", "192.0.2.1 - https b:443"),
        ("host=evil;proto=https, for=unknown;proto=http", "127.0.0.1 50000 http"),
        ("host=evil, proto=https, for=192.0.2.1", "192.0.2.1 - http"),
        ("for=\"6.6.6.6;proto=https, for=10.0.0.1", "10.0.0.1 - http"),
        ("for=6.6.6.6;for=6.6.6.6;proto=https, for=10.0.0.1", "10.0.0.1 - http"),
    ] {
        assert_eq!(on(proxies, &[("Forwarded", value)]), expected, "{value}");
    }
}

#[test]
fn the_mode_says_which_fields_are_believed() {
    let x_forwarded = [
        ("X-Forwarded-For", "192.0.2.1"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "example.com"),
        ("X-Forwarded-Port", "444"),
    ];
    let forwarded = [("Forwarded", "for=192.0.2.2;proto=https;host=example.org")];
    let both = [&x_forwarded[..], &forwarded].concat();
    let (of_x, of_forwarded) = ("192.0.2.1 - https example.com:444", "192.0.2.2 - https example.org:443");
    let (scheme, nothing) = ("127.0.0.1 50000 https", "127.0.0.1 50000 http");
    for (mode, tradition, expected) in [
        (ProxyHeaders::Auto, Tradition::Gunicorn, [scheme, nothing, scheme]),
        (ProxyHeaders::Auto, Tradition::Uvicorn, ["192.0.2.1 - https", nothing, "192.0.2.1 - https"]),
        (ProxyHeaders::On, Tradition::Gunicorn, [of_x, of_forwarded, of_x]),
        (ProxyHeaders::On, Tradition::Uvicorn, [of_x, of_forwarded, of_x]),
        (ProxyHeaders::Off, Tradition::Uvicorn, [scheme, nothing, scheme]),
        (ProxyHeaders::XForwarded, Tradition::Gunicorn, [of_x, nothing, of_x]),
        (ProxyHeaders::Forwarded, Tradition::Uvicorn, [nothing, of_forwarded, of_forwarded]),
    ] {
        let policy = policy(mode, tradition, PROXY);
        let seen = [&x_forwarded[..], &forwarded, &both].map(|fields| resolved(&policy, fields).unwrap());
        assert_eq!(seen, expected, "{mode:?} {tradition:?}");
    }
}

#[test]
fn scheme_headers_are_gunicorns() {
    let policy = policy(ProxyHeaders::Auto, Tradition::Gunicorn, PROXY);
    let scheme = |fields: &[(&str, &str)]| resolved(&policy, fields).map(|text| text.ends_with("https"));
    for (fields, expected) in [
        (&[("X-Forwarded-Protocol", "ssl")][..], Ok(true)),
        (&[("x-forwarded-ssl", "on")], Ok(true)),
        (&[("X-Forwarded-Ssl", "ON")], Ok(false)),
        (&[("X-Forwarded-Proto", "https, http")], Ok(false)),
        (&[("X-Forwarded-Proto", "https"), ("X-Forwarded-Ssl", "on")], Ok(true)),
        (&[("X-Forwarded-Proto", "https"), ("X-Forwarded-Proto", "https")], Ok(true)),
        (&[("X-Forwarded-Proto", "https"), ("X-Forwarded-Ssl", "off")], Err(Refusal::Scheme)),
        (&[("X-Forwarded-Proto", "https"), ("X-Forwarded-Proto", "http")], Err(Refusal::Scheme)),
        (&[("X-Forwarded-Proto", "http"), ("X-Forwarded-Protocol", "ssl")], Err(Refusal::Scheme)),
        (&[("X-Forwarded-Scheme", "https")], Ok(false)),
    ] {
        assert_eq!(scheme(fields), expected, "{fields:?}");
    }
}

#[test]
fn scheme_headers_of_ones_own_hold_in_every_mode() {
    for mode in MODES {
        let proxies = Proxies {
            proxy_headers: mode,
            secure_scheme_headers: "X-TLS=yes,Front=https".parse().unwrap(),
            ..Proxies::default()
        };
        let policy = Policy::new(&proxies, Tradition::Uvicorn);
        assert!(policy.concerns(b"x-tls") && policy.concerns(b"FRONT"));
        assert_eq!(resolved(&policy, &[("x-tls", "yes")]).unwrap(), "127.0.0.1 50000 https");
        assert_eq!(resolved(&policy, &[("x-tls", "yes"), ("Front", "http")]), Err(Refusal::Scheme));
    }
}

#[test]
fn the_mount_point_comes_from_the_last_field_that_is_a_path() {
    for (value, expected) in [
        ("/app", " /app"),
        ("/app/", " /app"),
        ("/", " "),
        ("", " "),
        ("app", ""),
        ("//evil.example", ""),
        ("//", " "),
        ("http://h/app", ""),
        ("/a b\u{e9}", " /a b\\xc3\\xa9"),
    ] {
        let expected = format!("127.0.0.1 50000 http{expected}");
        assert_eq!(on(PROXY, &[("SCRIPT_NAME", "/evil"), ("Script_Name", value)]), expected, "{value}");
    }
    let proxies = Proxies { forwarder_headers: "REMOTE_USER".parse().unwrap(), ..Proxies::default() };
    let policy = Policy::new(&proxies, Tradition::Gunicorn);
    assert!(policy.admits(b"remote_user") && !policy.admits(b"script_name") && !policy.admits(b"\xff"));
    assert!(!policy.concerns(b"remote_user") && !policy.concerns(b"script_name"));
}

#[test]
fn trust_is_a_matter_of_the_far_end() {
    let policy = policy(ProxyHeaders::On, Tradition::Gunicorn, "10.0.0.0/8,::1");
    let tcp = |address: &str| policy.trusts(Remote::Tcp(address.parse().unwrap()));
    assert!(tcp("10.1.2.3:1") && tcp("[::1]:1") && tcp("[::ffff:10.0.0.1]:1"));
    assert!(!tcp("127.0.0.1:1") && !tcp("[::2]:1"));
    assert!(policy.trusts(Remote::Unix) && Policy::default().trusts(Remote::Unix));
    assert!(!Policy::default().trusts(Remote::Tcp("127.0.0.1:1".parse().unwrap())));
}

#[test]
fn long_fields_cost_no_more_than_their_length() {
    let policy = policy(ProxyHeaders::On, Tradition::Gunicorn, "*");
    for unit in ["1.1.1.1,", ",", "for=1.1.1.1,", "for=\"1.1.1.1\",", "\"", "\\\"", "a", " "] {
        let value = unit.repeat(100_000);
        for name in ["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "Forwarded", "SCRIPT_NAME"] {
            resolved(&policy, &[(name, &value)]).unwrap();
        }
    }
    let many: Vec<_> = (0..32_768).map(|_| ("X-Forwarded-For", "1.1.1.1")).collect();
    assert_eq!(resolved(&policy, &many).unwrap(), "1.1.1.1 - http");
}

fn a_field() -> impl Strategy<Value = (&'static str, String)> {
    let names = prop::sample::select(vec![
        "X-Forwarded-For",
        "X-Forwarded-Proto",
        "X-Forwarded-Host",
        "X-Forwarded-Port",
        "X-Forwarded-Ssl",
        "Forwarded",
        "SCRIPT_NAME",
    ]);
    let piece = prop::sample::select(vec![
        "1.2.3.4", "[::1]", ":80", "for=", "proto=", "host=", "https", "\"", "\\", ",", ";", "=", " ", "on",
        "/a", "é", "_x",
    ]);
    (names, prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat()))
}

proptest! {
    #[test]
    fn no_field_panics(fields in prop::collection::vec(a_field(), 0..6), noise in ".{0,60}") {
        for mode in MODES {
            let policy = policy(mode, Tradition::Uvicorn, "1.2.3.4");
            let fields = fields.iter().map(|(name, value)| (*name, value.as_str()));
            let fields: Vec<_> = fields.chain([("Forwarded", noise.as_str()), ("X-Forwarded-For", noise.as_str())]).collect();
            let _ = resolved(&policy, &fields);
        }
    }

    #[test]
    fn what_a_client_writes_before_a_proxys_part_changes_nothing(
        sent in prop::collection::vec(a_field(), 0..6),
        forwarded in any::<bool>(),
    ) {
        // A proxy appends to the lists and replaces the rest.
        let mode = if forwarded { ProxyHeaders::Forwarded } else { ProxyHeaders::XForwarded };
        let (list, entry, others) = if forwarded {
            ("Forwarded", "for=\"192.0.2.1:7\";proto=https;host=example.com", &[][..])
        } else {
            let others = &[("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "example.com"), ("X-Forwarded-Port", "443")][..];
            ("X-Forwarded-For", "192.0.2.1:7", others)
        };
        let before: Vec<_> = sent.iter().filter(|(name, _)| *name == list).map(|(_, value)| value.as_str()).collect();
        let joined = before.iter().copied().chain([entry]).collect::<Vec<_>>().join(", ");
        let mut fields = vec![(list, joined.as_str())];
        fields.extend(others);
        let policy = policy(mode, Tradition::Uvicorn, PROXY);
        prop_assert_eq!(resolved(&policy, &fields).unwrap(), "192.0.2.1 7 https example.com:443");
        // So does one that adds a field of its own.
        let mut fields: Vec<_> = before.into_iter().map(|value| (list, value)).collect();
        fields.push((list, entry));
        fields.extend(others);
        prop_assert_eq!(resolved(&policy, &fields).unwrap(), "192.0.2.1 7 https example.com:443");
    }

    #[test]
    fn the_memo_says_what_resolving_says(
        requests in prop::collection::vec(prop::collection::vec(a_field(), 0..4), 1..8),
    ) {
        let policy = policy(ProxyHeaders::On, Tradition::Uvicorn, "*");
        let own = Arc::new(socket(PROXY));
        let mut memo = None;
        for fields in requests.iter().flat_map(|fields| [fields, fields]) {
            let fields = || fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
            let remembered = Memo::peer(&mut memo, &policy, &own, fields);
            let resolved = policy.resolve(&own, fields()).map(|peer| peer.unwrap_or_else(|| (*own).clone()));
            prop_assert_eq!(format!("{:?}", remembered.map(|peer| (*peer).clone())), format!("{resolved:?}"));
        }
    }
}

#[test]
fn the_same_fields_stand_for_the_same_peer() {
    let policy = policy(ProxyHeaders::On, Tradition::Uvicorn, PROXY);
    let own = Arc::new(socket(PROXY));
    let mut memo = None;
    let mut peer = |value: &'static str| {
        let fields =
            move || [(&b"Accept"[..], value.as_bytes()), (b"X-Forwarded-For", value.as_bytes())].into_iter();
        Memo::peer(&mut memo, &policy, &own, fields).unwrap()
    };
    let (first, again, other) = (peer("192.0.2.1"), peer("192.0.2.1"), peer("192.0.2.2"));
    assert!(Arc::ptr_eq(&first, &again) && !Arc::ptr_eq(&first, &other));
    assert_eq!((first.remote_address.as_str(), other.remote_address.as_str()), ("192.0.2.1", "192.0.2.2"));
    assert!(Arc::ptr_eq(&peer("unknown"), &own) && Arc::ptr_eq(&peer("unknown"), &own));
}
