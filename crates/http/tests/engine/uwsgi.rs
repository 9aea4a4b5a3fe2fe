//! Listeners that speak the uwsgi protocol: requests from packets, answers that are plain HTTP and end the connection.

use std::time::Duration;

use rgunicorn_http::{BodyRead, Config, Deadlines, Exchange, Local, Remote, Scheme, wire::Frontends};
use rgunicorn_settings::{Networks, WireProtocol};

use crate::world::{Client, Response, World, body_of, config, streaming};

const PLAIN: [(&str, &str); 8] = [
    ("REQUEST_METHOD", "GET"),
    ("REQUEST_URI", "/a%20b?x=1"),
    ("PATH_INFO", "/a b"),
    ("QUERY_STRING", "x=1"),
    ("SERVER_PROTOCOL", "HTTP/1.1"),
    ("REMOTE_ADDR", "192.0.2.1"),
    ("REMOTE_PORT", "4711"),
    ("HTTP_HOST", "site.example"),
];

/// A packet of these variables, in which a later one counts.
fn packet(vars: &[(&str, &str)]) -> Vec<u8> {
    let part = |text: &str| {
        let len = u16::try_from(text.len()).expect("a length").to_le_bytes();
        [&len, text.as_bytes()].concat()
    };
    let vars: Vec<u8> = vars.iter().flat_map(|(key, value)| [part(key), part(value)].concat()).collect();
    let len = u16::try_from(vars.len()).expect("a size").to_le_bytes();
    [&[0, len[0], len[1], 0][..], &vars].concat()
}

fn with(more: &[(&str, &str)]) -> Vec<u8> {
    packet(&[&PLAIN[..], more].concat())
}

fn world_of(config: Config) -> World {
    let uwsgi: Networks = "127.0.0.1".parse().expect("networks");
    let frontends = Frontends { uwsgi, ..Frontends::default() };
    World::speaking(WireProtocol::Uwsgi, Config { frontends, ..config })
}

fn world() -> World {
    world_of(config())
}

/// Send these bytes and take the request.
fn request(world: &mut World, bytes: &[u8]) -> (Client, Box<Exchange>) {
    let mut client = world.connect();
    client.send_all(world, bytes);
    let exchange = world.request();
    (client, exchange)
}

/// Send these bytes, which are refused.
fn refused(world: &mut World, bytes: &[u8]) -> Response {
    let mut client = world.connect();
    client.send_all(world, bytes);
    let response = client.response(world);
    assert_eq!(response.header("Connection"), Some("close"));
    client.end_sending();
    client.assert_end(world);
    assert!(!world.has_event(), "handed out");
    response
}

#[test]
fn a_packet_is_a_request() {
    let mut world = world();
    let (mut client, exchange) = request(&mut world, &with(&[("HTTP_X_A", "1"), ("HTTP_X_A", "2")]));
    assert_eq!((exchange.method(), exchange.target()), (&b"GET"[..], &b"/a%20b?x=1"[..]));
    assert_eq!((exchange.path(), exchange.query()), (&b"/a%20b"[..], &b"x=1"[..]));
    assert_eq!(exchange.protocol(), "HTTP/1.1");
    let fields: Vec<_> = exchange.fields().collect();
    assert_eq!(fields, [(&b"HOST"[..], &b"site.example"[..]), (b"X-A", b"1"), (b"X-A", b"2")]);
    let params = exchange.params().expect("variables");
    assert_eq!(params.path_info(), Some(&b"/a b"[..]));
    world.answer(exchange, b"hello");
    let response = client.response(&mut world);
    assert!(response.head.starts_with("HTTP/1.1 200 OK\r\n"), "{}", response.head);
    assert_eq!((response.text(), response.header("Content-Length")), ("hello", Some("5")));
    assert_eq!(response.header("Connection"), Some("close"));
    client.assert_end(&mut world);
}

#[test]
fn the_client_is_the_one_that_the_packet_names() {
    let mut world = world();
    let more =
        [("SERVER_NAME", "site.example"), ("SERVER_PORT", "443"), ("HTTPS", "on"), ("SCRIPT_NAME", "/app")];
    let (_client, exchange) = request(&mut world, &with(&more));
    let peer = exchange.peer();
    assert_eq!(peer.remote, Remote::Tcp("192.0.2.1:4711".parse().unwrap()));
    assert_eq!((peer.remote_address.as_str(), peer.remote_port()), ("192.0.2.1", Some(4711)));
    assert_eq!((peer.server_name.as_deref(), peer.server_port), (Some("site.example"), Some(443)));
    assert_eq!((peer.scheme, peer.script_name.as_deref()), (Scheme::Https, Some(&b"/app"[..])));
    assert_eq!(peer.local, Local::Tcp(world.tcp()));
    world.answer(exchange, b"");
    let (_client, exchange) = request(&mut world, &with(&[("REMOTE_ADDR", "unix:"), ("REMOTE_PORT", "")]));
    assert_eq!(exchange.peer().remote, Remote::Unix);
    world.answer(exchange, b"");
    let (_client, exchange) = request(&mut world, &packet(&PLAIN[..5]));
    assert_eq!(exchange.peer().remote_address, "127.0.0.1");
    world.answer(exchange, b"");
}

#[test]
fn a_packet_and_its_body_may_come_byte_by_byte() {
    let mut world = world();
    let mut client = world.connect();
    let bytes = [with(&[("REQUEST_METHOD", "POST"), ("CONTENT_LENGTH", "4")]), b"body".to_vec()].concat();
    for byte in bytes {
        assert!(!world.has_event());
        client.send([byte]);
        world.turn(Duration::ZERO);
    }
    assert_eq!(client.echoed(&mut world).text(), "POST /a%20b?x=1 body");
    client.assert_end(&mut world);
}

#[test]
fn a_body_is_spooled_whatever_its_size() {
    for size in [0, 1, 1000, 20_000, 300_000, 2_000_000] {
        let mut world = world();
        let length = size.to_string();
        let head = with(&[("REQUEST_METHOD", "POST"), ("CONTENT_LENGTH", &length)]);
        let body = b"0123456789".iter().copied().cycle().take(size).collect::<Vec<_>>();
        let (mut client, mut exchange) = request(&mut world, &[head, body.clone()].concat());
        assert!(body_of(&mut exchange) == body, "a body of {size} bytes");
        world.answer(exchange, b"ok");
        assert_eq!(client.response(&mut world).text(), "ok");
    }
}

#[test]
fn a_body_is_read_as_the_application_asks() {
    let mut world = world_of(streaming());
    let mut client = world.connect();
    client.send([with(&[("REQUEST_METHOD", "POST"), ("CONTENT_LENGTH", "10")]), b"01234".to_vec()].concat());
    let mut exchange = world.request();
    assert_eq!(world.engine.read_body(&mut exchange), BodyRead::Data { more: true });
    assert_eq!(exchange.chunk(), b"01234");
    assert_eq!(world.engine.read_body(&mut exchange), BodyRead::Wait);
    client.send("56789");
    world.event();
    assert_eq!(world.engine.read_body(&mut exchange), BodyRead::Data { more: false });
    assert_eq!(exchange.chunk(), b"56789");
    world.answer(exchange, b"ok");
    assert_eq!(client.response(&mut world).text(), "ok");
    client.assert_end(&mut world);
}

#[test]
fn nobody_is_told_to_continue() {
    let mut world = world();
    let head = with(&[("REQUEST_METHOD", "POST"), ("CONTENT_LENGTH", "2"), ("HTTP_EXPECT", "100-continue")]);
    let mut client = world.connect();
    client.send(head);
    world.turn(Duration::ZERO);
    world.assert_quiet();
    assert!(!world.has_event(), "handed out without its body");
    client.send("ok");
    let response = client.echoed(&mut world);
    assert_eq!((response.status, response.text()), (200, "POST /a%20b?x=1 ok"));
}

#[test]
fn a_response_of_unknown_length_ends_with_the_connection_and_has_no_chunks() {
    let mut world = world();
    let (mut client, mut exchange) = request(&mut world, &with(&[("HTTP_CONNECTION", "keep-alive")]));
    exchange.reply.begin(b"200 OK").unwrap();
    for part in [&b"one "[..], b"two "] {
        world.engine.send(&mut exchange, part, false).unwrap();
    }
    world.engine.send(&mut exchange, b"three", true).unwrap();
    world.engine.finish(exchange);
    let response = client.response(&mut world);
    assert_eq!(response.text(), "one two three");
    assert_eq!(response.header("Transfer-Encoding"), None);
    assert_eq!(response.header("Connection"), Some("close"));
}

#[test]
fn responses_without_a_body_have_none() {
    let mut world = world();
    let (mut client, exchange) = request(&mut world, &with(&[("REQUEST_METHOD", "HEAD")]));
    world.answer(exchange, b"not sent");
    assert_eq!(client.head_response(&mut world).status, 200);
    client.assert_end(&mut world);
    let (mut client, mut exchange) = request(&mut world, &with(&[]));
    exchange.reply.begin(b"204 No Content").unwrap();
    world.engine.send(&mut exchange, b"not sent", true).unwrap();
    world.engine.finish(exchange);
    assert_eq!(client.response(&mut world).status, 204);
    client.assert_end(&mut world);
}

#[test]
fn only_one_request_comes_on_a_connection() {
    let mut world = world();
    let mut client = world.connect();
    client.send([with(&[]), with(&[])].concat());
    assert_eq!(client.echoed(&mut world).status, 200);
    client.end_sending();
    client.assert_end(&mut world);
    assert_eq!(world.slot.requests(), 1);
}

#[test]
fn a_peer_that_may_not_speak_uwsgi_is_refused_at_its_first_byte() {
    let frontends = Frontends { uwsgi: "192.0.2.0/24".parse().unwrap(), ..Frontends::default() };
    let mut world = World::speaking(WireProtocol::Uwsgi, Config { frontends, ..config() });
    assert_eq!(refused(&mut world, &[0]).status, 403);
    assert_eq!(refused(&mut world, &with(&[])).status, 403);
    // Who may connect to a unix socket is for its file mode to say.
    let mut client = world.connect_unix();
    client.send(with(&[]));
    assert_eq!(client.echoed(&mut world).status, 200);
}

#[test]
fn what_is_no_request_is_refused() {
    let mut world = world();
    let table = [
        (501, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n".to_vec()),
        (501, [&[5], &with(&[])[1..]].concat()),
        (400, vec![0, 0, 0, 0]),
        (400, vec![0, 3, 0, 0, 9, 0, b'A']),
        (400, packet(&PLAIN[1..])),
        (400, packet(&PLAIN[..1])),
        (400, with(&[("", "x")])),
        (400, with(&[("HTTP_A:", "x")])),
        (400, with(&[("A", "x\r\ny")])),
        (400, with(&[("HTTP_A", "x\ny")])),
        (400, with(&[("HTTP_A", "x\0y")])),
        (400, with(&[("HTTP_A", "x\u{1}y")])),
        (400, with(&[("HTTP_HOST", "other.example")])),
        (400, with(&[("HTTP_HOST", "a/b")])),
        (400, with(&[("REQUEST_METHOD", "G T")])),
        (400, with(&[("REQUEST_METHOD", "GET / HTTP/1.1\r\nX: y")])),
        (400, with(&[("REQUEST_URI", "/a b")])),
        (400, with(&[("REQUEST_URI", "a")])),
        (400, with(&[("REQUEST_URI", "/a HTTP/1.1")])),
        (400, with(&[("SERVER_PROTOCOL", "FTP/1.0")])),
        (400, with(&[("CONTENT_LENGTH", "+1")])),
        (400, with(&[("CONTENT_LENGTH", "1"), ("CONTENT_LENGTH", "2")])),
        (400, with(&[("CONTENT_LENGTH", "1"), ("HTTP_CONTENT_LENGTH", "2")])),
        (400, with(&[("REMOTE_ADDR", "somewhere")])),
        (400, with(&[("REMOTE_PORT", "65536")])),
        (400, with(&[("SERVER_PORT", "x")])),
        (414, with(&[("REQUEST_URI", &format!("/{}", "a".repeat(5000)))])),
        (431, with(&[("HTTP_A", &"a".repeat(9000))])),
        (431, with(&[("HTTP_A", "x"); 101])),
        (400, with(&[("A", "x"); 1000])),
    ];
    for (status, bytes) in table {
        let response = refused(&mut world, &bytes);
        assert_eq!(response.status, status, "{}: {}", bytes.escape_ascii(), response.text());
    }
    assert_eq!(world.slot.requests(), 0);
}

#[test]
fn a_large_packet_within_the_limits_is_served() {
    let mut world = world();
    let wide = "a".repeat(7000);
    let vars: Vec<_> = (0..8).map(|index| (format!("HTTP_A{index}"), &*wide)).collect();
    let vars: Vec<_> = vars.iter().map(|(key, value)| (&**key, *value)).collect();
    let (mut client, exchange) = request(&mut world, &with(&vars));
    assert_eq!(exchange.fields().len(), 9);
    world.answer(exchange, b"ok");
    assert_eq!(client.response(&mut world).text(), "ok");
    // The next one finds an exchange of the usual size.
    let (mut client, exchange) = request(&mut world, &with(&[]));
    world.answer(exchange, b"ok");
    assert_eq!(client.response(&mut world).text(), "ok");
}

#[test]
fn a_packet_or_body_that_breaks_off_reaches_nobody() {
    let mut world = world();
    let bytes = with(&[]);
    for len in [1, 3, 4, 50, bytes.len() - 1] {
        let mut client = world.connect();
        client.send(&bytes[..len]);
        client.end_sending();
        client.assert_end(&mut world);
    }
    let mut client = world.connect();
    client.send([with(&[("CONTENT_LENGTH", "5")]), b"half".to_vec()].concat());
    client.end_sending();
    assert_eq!(client.response(&mut world).status, 400);
    client.assert_end(&mut world);
    assert!(!world.has_event());
}

#[test]
fn a_packet_that_stops_half_way_is_answered_408_and_silence_with_the_end() {
    let deadlines = Deadlines { head: Duration::from_millis(60), ..Deadlines::default() };
    let mut world = world_of(Config { deadlines, ..config() });
    let mut silent = world.connect();
    assert_eq!(refused(&mut world, &with(&[])[..9]).status, 408);
    silent.assert_end(&mut world);
}
