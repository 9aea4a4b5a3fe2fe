//! How much a client may send, how slowly, and how many may be there.

use std::time::{Duration, Instant};

use rgunicorn_http::{BodyRead, Config, Deadlines, Limits};

use crate::world::{Wire, World, config, streaming};

const GET: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
const TEN: Limits = Limits { body: 10, ..Limits::DEFAULT };

/// Bodies of ten bytes, which is allowed, and of eleven, which is not.
fn bodies() -> [(String, String); 2] {
    let head = "POST / HTTP/1.1\r\nHost: h\r\n";
    let sized = |len: usize| format!("{head}Content-Length: {len}\r\n\r\n{}", "x".repeat(len));
    let chunked =
        |rest: &str| format!("{head}Transfer-Encoding: chunked\r\n\r\n8\r\nxxxxxxxx\r\n{rest}0\r\n\r\n");
    [(sized(10), sized(11)), (chunked("2\r\nxx\r\n"), chunked("3\r\nxxx\r\n"))]
}

#[test]
fn a_body_over_the_limit_is_refused_with_413_before_the_application_is_called() {
    let mut world = World::new(Config { limits: TEN, ..config() });
    for (allowed, refused) in bodies() {
        let mut client = world.connect();
        client.send(allowed);
        assert_eq!(client.echoed(&mut world).text(), "POST / xxxxxxxxxx");
        client.send(refused);
        let response = client.response(&mut world);
        assert_eq!((response.status, response.header("Connection")), (413, Some("close")));
        assert!(!world.has_event());
    }
}

#[test]
fn an_announced_body_over_the_limit_is_refused_without_an_invitation_to_send_it() {
    let mut world = World::new(Config { limits: TEN, ..streaming() });
    let mut client = world.connect();
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(client.response(&mut world).status, 413);
    assert!(!world.has_event());
}

#[test]
fn chunks_that_grow_over_the_limit_while_they_are_read_are_answered_413() {
    let mut world = World::new(Config { limits: TEN, ..streaming() });
    let mut client = world.connect();
    client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nxxxxxxxx\r\n");
    let mut exchange = world.request();
    assert_eq!(world.engine.read_body(&mut exchange), BodyRead::Data { more: true });
    assert_eq!(world.engine.read_body(&mut exchange), BodyRead::Wait);
    client.send("3\r\nxxx\r\n");
    world.event();
    assert_eq!(world.engine.read_body(&mut exchange), BodyRead::Gone);
    world.engine.finish(exchange);
    assert_eq!(client.response(&mut world).status, 413);
}

#[test]
fn a_body_that_trickles_too_slowly_is_refused() {
    let deadlines =
        Deadlines { body: Duration::from_millis(120), body_rate: 1_000_000, ..Deadlines::default() };
    let mut world = World::new(Config { deadlines, ..config() });
    let mut client = world.connect();
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10000\r\n\r\n");
    let began = Instant::now();
    world.until("a refusal", |world| {
        client.push(b"x");
        world.turn(Duration::from_millis(3));
        client.pull(1000);
        (!client.bytes.is_empty()).then_some(())
    });
    assert!(began.elapsed() >= Duration::from_millis(100));
    assert_eq!(client.response(&mut world).status, 408);
}

#[test]
fn a_connection_is_closed_after_its_last_request() {
    let mut world = World::new(Config { limits: Limits { requests: 2, ..Limits::DEFAULT }, ..config() });
    let mut client = world.connect();
    client.send(GET.repeat(3));
    assert_eq!(client.echoed(&mut world).header("Connection"), None);
    assert_eq!(client.echoed(&mut world).header("Connection"), Some("close"));
    client.end_sending();
    client.assert_end(&mut world);
}

#[test]
fn a_silent_connection_makes_room_for_a_new_one_and_a_busy_one_does_not() {
    let mut world = World::new(Config { most_connections: 2, ..config() });
    let mut silent = world.connect();
    silent.send("GET / HT");
    let mut busy = world.connect();
    busy.send(GET);
    let exchange = world.request();
    let mut fresh = world.connect();
    fresh.send(GET);
    let began = Instant::now();
    let other = world.request();
    assert!(began.elapsed() >= Duration::from_millis(900), "given up after {:?}", began.elapsed());
    world.answer(other, b"fresh");
    assert_eq!(fresh.response(&mut world).text(), "fresh");
    assert_ne!(silent.end(&mut world).1, Wire::Open);
    world.answer(exchange, b"busy");
    assert_eq!(busy.response(&mut world).text(), "busy");
}

#[test]
fn nothing_is_given_up_while_nobody_waits() {
    let mut world = World::new(Config { most_connections: 1, ..config() });
    let mut idle = world.connect();
    idle.send(GET);
    idle.echoed(&mut world);
    let later = Instant::now() + Duration::from_millis(1300);
    world.until("more than a second", |_| (Instant::now() > later).then_some(()));
    assert_eq!(world.engine.open_connections(), 1);
    idle.send(GET);
    assert_eq!(idle.echoed(&mut world).status, 200);
}

#[test]
fn the_end_of_a_long_response_is_taken_whole_as_far_as_there_is_room() {
    for (spill, whole) in [(64 << 20, true), (1 << 20, false)] {
        let limits = Limits { spill, ..Limits::DEFAULT };
        let mut world = World::new(Config { limits, ..config() });
        let mut client = world.connect();
        client.send(GET);
        let mut exchange = world.request();
        exchange.reply.begin(b"200 OK").expect("a status");
        let body = vec![b'x'; 32 << 20];
        let sent = world.engine.send(&mut exchange, &body, true).expect("a client");
        assert_eq!(sent.taken == body.len(), whole);
        world.engine.finish(exchange);
    }
}

#[test]
fn what_many_slow_readers_leave_waits_in_files_and_arrives_whole() {
    let limits = Limits { backlog: 3 << 20, ..Limits::DEFAULT };
    let mut world = World::new(Config { limits, ..config() });
    let body: Vec<u8> = (0..8_u32 << 20).map(|at| (at >> 8) as u8).collect();
    let mut clients: Vec<_> = (0..4).map(|_| world.connect_unix()).collect();
    for client in &mut clients {
        client.send(GET);
        let mut exchange = world.request();
        exchange.reply.begin(b"200 OK").expect("a status");
        let sent = world.engine.send(&mut exchange, &body, true).expect("a client");
        assert_eq!((sent.taken, sent.full), (body.len(), false));
        world.engine.finish(exchange);
    }
    for client in &mut clients {
        assert!(client.response(&mut world).body == body);
        client.send(GET);
        assert_eq!(client.echoed(&mut world).status, 200);
    }
}
