//! Connections that begin with a PROXY header: whose they are, whose header counts, and what is refused.

use std::{sync::Arc, time::Duration};

use proptest::prelude::*;
use rgunicorn_http::{
    Config, Deadlines, Local, Peer, Remote, Scheme,
    wire::{Frontends, proxy_protocol::Versions},
};
use rgunicorn_settings::Networks;

use crate::world::{Client, Wire, World, config, streaming};

const GET: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
const TEXT: &str = "PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n";
const BOTH: Versions = Versions { text: true, binary: true };

/// Who may send a header.
fn believing(proxies: &str, versions: Versions) -> Config {
    let proxies: Networks = proxies.parse().expect("networks");
    Config { frontends: Frontends { versions, proxies, ..Frontends::default() }, ..config() }
}

fn world() -> World {
    World::new(believing("127.0.0.1", BOTH))
}

/// A binary header: version and command, family and transport, and what follows the length.
fn binary(code: u8, family: u8, block: &[u8]) -> Vec<u8> {
    let len = u16::try_from(block.len()).expect("a length").to_be_bytes();
    [b"\r\n\r\n\0\r\nQUIT\n", &[code, family][..], &len, block].concat()
}

const FOUR: [u8; 12] = [192, 0, 2, 1, 198, 51, 100, 2, 0xdc, 0x04, 0x01, 0xbb];

/// Send these bytes and a request behind them; the peer that the worker sees.
fn peer_after(world: &mut World, client: &mut Client, header: &[u8]) -> Arc<Peer> {
    client.send([header, GET.as_bytes()].concat());
    let exchange = world.request();
    let peer = Arc::clone(exchange.peer());
    world.answer(exchange, b"ok");
    assert_eq!(client.response(world).status, 200);
    peer
}

fn assert_named(peer: &Peer) {
    assert_eq!(peer.remote, Remote::Tcp("192.0.2.1:56324".parse().expect("an address")));
    assert_eq!(peer.local, Local::Tcp("198.51.100.2:443".parse().expect("an address")));
    assert_eq!((peer.remote_address.as_str(), peer.remote_port()), ("192.0.2.1", Some(56324)));
}

#[test]
fn the_client_is_the_one_that_the_header_names() {
    let mut world = world();
    let mut client = world.connect();
    let peer = peer_after(&mut world, &mut client, TEXT.as_bytes());
    assert_named(&peer);
    assert_eq!(peer.proxy_header.map(|header| header.protocol), Some("TCP4"));
    assert_eq!(peer.scheme, Scheme::Http);
    let mut client = world.connect();
    let peer = peer_after(&mut world, &mut client, &binary(0x21, 0x11, &FOUR));
    assert_named(&peer);
}

#[test]
fn every_request_of_the_connection_is_that_clients() {
    let mut world = world();
    let mut client = world.connect();
    client.send([TEXT, GET, GET, GET].concat());
    for _ in 0..3 {
        let exchange = world.request();
        assert_named(exchange.peer());
        world.answer(exchange, b"ok");
        assert_eq!(client.response(&mut world).text(), "ok");
    }
    // Later too, and what looks like a header then is a request that is none.
    assert_named(&peer_after(&mut world, &mut client, b""));
    client.send([TEXT, GET].concat());
    assert_eq!(client.response(&mut world).status, 400);
    client.assert_end(&mut world);
}

#[test]
fn a_header_that_the_client_adds_to_its_balancers_is_no_header() {
    let forged = "PROXY TCP4 203.0.113.9 198.51.100.2 1 443\r\n";
    for second in [forged.as_bytes(), &binary(0x21, 0x11, &FOUR)] {
        let mut world = world();
        let mut client = world.connect();
        client.send([TEXT.as_bytes(), second, GET.as_bytes()].concat());
        assert_eq!(client.response(&mut world).status, 400);
        assert!(!world.has_event());
    }
}

#[test]
fn a_header_may_come_byte_by_byte() {
    let mut world = world();
    for header in [TEXT.as_bytes(), &binary(0x21, 0x11, &FOUR)] {
        let mut client = world.connect();
        for byte in [header, GET.as_bytes()].concat() {
            assert!(!world.has_event());
            client.send([byte]);
            world.turn(Duration::ZERO);
        }
        let exchange = world.request();
        assert_named(exchange.peer());
        world.answer(exchange, b"ok");
        assert_eq!(client.response(&mut world).text(), "ok");
    }
}

#[test]
fn a_body_behind_header_and_head_is_read() {
    for config in
        [believing("127.0.0.1", BOTH), Config { spool_bodies: false, ..believing("127.0.0.1", BOTH) }]
    {
        let mut world = World::new(config);
        let mut client = world.connect();
        let body = "x".repeat(100_000);
        let request = format!("{TEXT}POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n{body}");
        client.send_all(&mut world, request.as_bytes());
        let mut exchange = world.request();
        assert_named(exchange.peer());
        assert!(exchange.has_unread_body() || crate::world::body_of(&mut exchange).len() == 100_000);
        world.answer(exchange, b"ok");
        assert_eq!(client.response(&mut world).text(), "ok");
    }
}

#[test]
fn the_real_ends_stay_where_the_header_names_none() {
    let mut world = world();
    for (header, protocol) in [
        (b"PROXY UNKNOWN\r\n".to_vec(), "UNKNOWN"),
        (binary(0x20, 0x00, b""), "LOCAL"),
        (binary(0x20, 0x11, &FOUR), "LOCAL"),
        (binary(0x21, 0x00, b""), "UNSPEC"),
        (binary(0x21, 0x31, &[0; 216]), "UNIX"),
    ] {
        let mut client = world.connect();
        let peer = peer_after(&mut world, &mut client, &header);
        assert_eq!(peer.remote_address, "127.0.0.1", "{protocol}");
        assert_eq!(peer.local, Local::Tcp(world.tcp()), "{protocol}");
        assert_eq!(peer.proxy_header.map(|header| (header.protocol, header.ends)), Some((protocol, None)));
    }
}

#[test]
fn a_client_of_a_balancer_that_ended_tls_came_by_https() {
    let mut world = world();
    let mut client = world.connect();
    let block = [&FOUR[..], &[4, 0, 2, 9, 9], &[0x20, 0, 5, 1, 0, 0, 0, 0]].concat();
    let peer = peer_after(&mut world, &mut client, &binary(0x21, 0x11, &block));
    assert_named(&peer);
    assert_eq!(peer.scheme, Scheme::Https);
}

#[test]
fn a_peer_that_is_believed_may_leave_the_header_out() {
    let mut world = world();
    for request in [GET, "PROPFIND / HTTP/1.1\r\nHost: h\r\n\r\n", "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"] {
        let mut client = world.connect();
        for byte in request.bytes() {
            client.send([byte]);
            world.turn(Duration::ZERO);
        }
        let exchange = world.request();
        assert_eq!(exchange.peer().remote_address, "127.0.0.1");
        assert_eq!(exchange.peer().proxy_header, None);
        world.answer(exchange, b"ok");
        assert_eq!(client.response(&mut world).text(), "ok");
    }
}

#[test]
fn a_peer_that_is_not_believed_is_refused_by_its_header_alone() {
    let mut world = World::new(believing("192.0.2.0/24", BOTH));
    for header in [TEXT.as_bytes(), b"PROXY ", &binary(0x21, 0x11, &FOUR)] {
        let mut client = world.connect();
        client.send(header);
        let response = client.response(&mut world);
        assert_eq!((response.status, response.header("Connection")), (403, Some("close")));
        client.end_sending();
        client.assert_end(&mut world);
    }
    let mut client = world.connect();
    client.send(GET);
    assert_eq!(client.echoed(&mut world).status, 200);
    // Who may connect to a unix socket is for its file mode to say.
    let mut client = world.connect_unix();
    assert_named(&peer_after(&mut world, &mut client, TEXT.as_bytes()));
}

#[test]
fn a_malformed_header_is_refused_and_nothing_behind_it_is_read() {
    let mut world = world();
    for header in [
        &b"PROXY TCP4 192.0.2.1 198.51.100.2 +1 443\r\n"[..],
        b"PROXY TCP4 192.0.2.1 198.51.100.2 1 443\n",
        b"PROXY TCP9 \r\n",
        &[b"PROXY UNKNOWN ".as_slice(), &[b'x'; 100]].concat(),
        &binary(0x11, 0x11, &FOUR),
        &binary(0x22, 0x11, &FOUR),
        &binary(0x21, 0x11, &FOUR[..11]),
        &binary(0x21, 0x11, &[&FOUR[..], &[4, 0xff, 0xff]].concat()),
        &binary(0x21, 0x11, &[0; 5000]),
    ] {
        let mut client = world.connect();
        client.send([header, GET.as_bytes()].concat());
        let response = client.response(&mut world);
        assert_eq!(response.status, 400, "{}", header.escape_ascii());
        assert!(response.text().contains("PROXY"), "{}", response.text());
        client.end_sending();
        client.assert_end(&mut world);
        assert!(!world.has_event());
    }
}

#[test]
fn a_version_that_is_not_asked_for_is_a_request_that_is_none() {
    for (versions, wanted, other) in [
        (Versions { binary: false, ..BOTH }, TEXT.as_bytes(), binary(0x21, 0x11, &FOUR)),
        (Versions { text: false, ..BOTH }, &binary(0x21, 0x11, &FOUR)[..], TEXT.into()),
        (Versions { text: false, binary: false }, b"", TEXT.into()),
    ] {
        let mut world = World::new(believing("127.0.0.1", versions));
        let mut client = world.connect();
        let peer = peer_after(&mut world, &mut client, wanted);
        assert_eq!(peer.proxy_header.is_some(), !wanted.is_empty());
        let mut client = world.connect();
        client.send([&other[..], GET.as_bytes()].concat());
        assert_eq!(client.response(&mut world).status, 400);
    }
}

#[test]
fn a_header_that_breaks_off_ends_the_connection_without_an_answer() {
    let mut world = world();
    for part in [&b"P"[..], b"PROXY TCP4 192.0.2.1", b"\r\n\r\n\0", &binary(0x21, 0x11, &FOUR)[..20], b""] {
        let mut client = world.connect();
        client.send(part);
        world.turn(Duration::ZERO);
        client.end_sending();
        client.assert_end(&mut world);
    }
    world.until("all to end", |world| (world.engine.open_connections() == 0).then_some(()));
}

#[test]
fn header_and_head_share_one_deadline() {
    let short = Duration::from_millis(60);
    let deadlines = Deadlines { head: short, ..Deadlines::default() };
    let mut world = World::new(Config { deadlines, ..believing("127.0.0.1", BOTH) });
    for (bytes, answered) in
        [("", false), ("PROXY TC", true), (TEXT, false), (&[TEXT, "GET / "].concat(), true)]
    {
        let mut client = world.connect();
        client.send(bytes);
        if answered {
            assert_eq!(client.response(&mut world).status, 408, "after {bytes:?}");
            client.end_sending();
        }
        let (rest, wire) = client.end(&mut world);
        assert_eq!((rest.len(), wire), (0, Wire::Ended), "after {bytes:?}");
    }
}

#[test]
fn a_worker_that_stops_waits_for_no_silent_balancer_but_serves_what_has_begun() {
    let deadlines = Deadlines { linger: Duration::from_millis(200), ..Deadlines::default() };
    let mut world = World::new(Config { deadlines, ..believing("127.0.0.1", BOTH) });
    let (mut silent, mut begun) = (world.connect(), world.connect());
    begun.send("PROXY TCP4 192.0.2.1");
    world.until("both", |world| (world.engine.open_connections() == 2).then_some(()));
    world.engine.retire();
    begun.send(format!("{}{GET}", &TEXT[20..]));
    let exchange = world.request();
    assert_named(exchange.peer());
    world.answer(exchange, b"ok");
    let response = begun.response(&mut world);
    assert_eq!((response.text(), response.header("Connection")), ("ok", Some("close")));
    begun.assert_end(&mut world);
    silent.assert_end(&mut world);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// However the bytes arrive, the same requests come out, all of them the named client's.
    #[test]
    fn pieces_of_any_size_are_the_same_requests(
        text: bool,
        noise in prop::collection::vec(any::<u8>(), 0..60),
        requests in 1..4_usize,
        cuts in prop::collection::vec(0..400_usize, 0..8),
    ) {
        let tlv = [&[0xe9, 0, u8::try_from(noise.len()).expect("a length")][..], &noise].concat();
        let header = if text { TEXT.into() } else { binary(0x21, 0x11, &[&FOUR[..], &tlv].concat()) };
        let bytes = [header, GET.repeat(requests).into_bytes()].concat();
        let mut world = world();
        let mut client = world.connect();
        let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut < bytes.len()).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        for piece in cuts.windows(2) {
            client.send(&bytes[piece[0]..piece[1]]);
            world.turn(Duration::ZERO);
        }
        for _ in 0..requests {
            let exchange = world.request();
            assert_named(exchange.peer());
            prop_assert_eq!(exchange.target(), b"/");
            world.answer(exchange, b"ok");
            prop_assert_eq!(client.response(&mut world).status, 200);
        }
        prop_assert!(!world.has_event());
    }
}

#[test]
fn plain_listeners_know_no_header() {
    for config in [config(), streaming()] {
        let mut world = World::new(config);
        let mut client = world.connect();
        client.send([TEXT, GET].concat());
        assert_eq!(client.response(&mut world).status, 400);
        client.assert_end(&mut world);
    }
}
