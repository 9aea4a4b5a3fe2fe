//! Responses that the client does not take at once.

use std::time::Duration;

use rgunicorn_http::{BodyRead, Config, Event, Limits, SendError};

use crate::world::{World, config, streaming};

const GET: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

#[test]
fn a_long_response_reaches_a_slow_reader_whole_and_the_connection_goes_on() {
    let mut world = World::new(config());
    let mut client = world.connect();
    client.send(GET);
    let exchange = world.request();
    let body: Vec<u8> = (0..20_000_000_u32).map(|at| (at >> 8) as u8).collect();
    world.answer(exchange, &body);
    client.send("GET /next HTTP/1.1\r\nHost: h\r\n\r\n");
    let response = client.response(&mut world);
    assert!(response.body == body);
    assert_eq!(client.echoed(&mut world).text(), "GET /next ");
}

#[test]
fn a_sender_is_told_to_wait_and_then_to_go_on() {
    let mut world = World::new(config());
    let mut client = world.connect();
    client.send(GET);
    let mut exchange = world.request();
    exchange.reply.begin(b"200 OK").unwrap();
    let piece = vec![b'x'; 100_000];
    let mut total = 0;
    let mut rounds = 0;
    while rounds < 3 {
        let sent = world.engine.send(&mut exchange, &piece, false).unwrap();
        assert_eq!(sent.taken, piece.len());
        total += sent.taken;
        assert!(total < 64 << 20, "the engine never says that it is full");
        if sent.full {
            rounds += 1;
            assert!(!world.has_event());
            world.until("room", |world| {
                client.pull(1 << 20);
                world.has_event().then_some(())
            });
            assert!(matches!(world.event(), Event::Drained(id) if id == exchange.id()));
        }
    }
    world.engine.send(&mut exchange, b"", true).unwrap();
    world.engine.finish(exchange);
    assert_eq!(client.response(&mut world).body.len(), total);
}

#[test]
fn one_call_takes_a_bounded_piece_where_room_is_short() {
    let limits = Limits { spill: 0, ..Limits::DEFAULT };
    let mut world = World::new(Config { limits, ..config() });
    let mut client = world.connect();
    client.send(GET);
    let mut exchange = world.request();
    exchange.reply.begin(b"200 OK").unwrap();
    let body = vec![b'x'; 1 << 20];
    let sent = world.engine.send(&mut exchange, &body, true).unwrap();
    assert!(sent.taken < body.len());
    assert!(!exchange.is_ended());
    let mut rest = &body[sent.taken..];
    while !rest.is_empty() {
        rest = &rest[world.engine.send(&mut exchange, rest, true).unwrap().taken..];
    }
    assert!(exchange.is_ended());
    world.engine.finish(exchange);
    let response = client.response(&mut world);
    assert_eq!(response.header("Content-Length"), Some("1048576"));
    assert!(response.body == body);
}

#[test]
fn a_thread_that_waits_for_its_client_keeps_the_others_served() {
    let mut world = World::new(config());
    let mut slow = world.connect();
    slow.send(GET);
    let mut exchange = world.request();
    exchange.reply.begin(b"200 OK").unwrap();
    let piece = vec![b'x'; 200_000];
    while !world.engine.send(&mut exchange, &piece, false).unwrap().full {}
    let mut other = world.connect();
    other.send("GET /other HTTP/1.1\r\nHost: h\r\n\r\n");
    let id = exchange.id();
    for _ in 0..20 {
        assert!(world.engine.tend(id, Duration::from_millis(5)).unwrap().is_none());
    }
    let event = world.tend(id, || {
        slow.pull(1 << 20);
    });
    assert!(matches!(event, Event::Drained(drained) if drained == id));
    // The other's request was read meanwhile, and kept.
    let Some(Event::Request(kept)) = world.engine.next() else { panic!("the other's request is lost") };
    assert_eq!(kept.target(), b"/other");
    world.answer(kept, b"");
    world.engine.finish(exchange);
    assert_eq!(other.response(&mut world).status, 200);
}

#[test]
fn a_thread_that_waits_does_not_sleep_over_what_is_there() {
    let mut world = World::new(streaming());
    let mut client = world.connect();
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n");
    let mut exchange = world.request();
    let mut others: Vec<_> = (0..3).map(|_| world.connect()).collect();
    assert_eq!(world.engine.read_body(&mut exchange), BodyRead::Wait);
    world.until("all to be accepted", |world| (world.engine.open_connections() == 4).then_some(()));
    world.assert_quiet();
    for other in &mut others {
        other.send(GET);
    }
    client.send("hello");
    // One turn notes all of them, and the worker takes the first request only.
    let began = std::time::Instant::now();
    let id = exchange.id();
    let first = loop {
        world.engine.turn(Some(Duration::from_secs(1))).unwrap();
        if let Some(event) = world.engine.next() {
            break event;
        }
    };
    assert!(matches!(first, Event::Request(_)));
    let event = loop {
        if let Some(event) = world.engine.tend(id, Duration::from_secs(9)).unwrap() {
            break event;
        }
    };
    assert!(matches!(event, Event::Readable(readable) if readable == id));
    assert!(began.elapsed() < Duration::from_secs(5), "slept {:?}", began.elapsed());
    assert_eq!(world.engine.read_body(&mut exchange), BodyRead::Data { more: false });
    world.answer(exchange, b"");
}

#[test]
fn a_client_that_left_is_known_to_a_thread_that_waits() {
    let mut world = World::new(config());
    let mut client = world.connect();
    client.send(GET);
    let mut exchange = world.request();
    exchange.reply.begin(b"200 OK").unwrap();
    let piece = vec![b'x'; 200_000];
    while !world.engine.send(&mut exchange, &piece, false).unwrap().full {}
    drop(client);
    let id = exchange.id();
    while world.engine.is_open(id) {
        assert!(matches!(world.tend(id, || ()), Event::Closed(closed) if closed == id));
    }
    assert_eq!(world.engine.send(&mut exchange, b"more", false), Err(SendError));
    world.engine.finish(exchange);
    assert_eq!(world.slot.in_flight(), 0);
}

#[test]
fn a_client_that_is_slow_both_ways_is_served_both_ways() {
    let mut world = World::new(streaming());
    let mut client = world.connect();
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n");
    let mut exchange = world.request();
    let id = exchange.id();
    assert_eq!(world.engine.read_body(&mut exchange), BodyRead::Wait);
    exchange.reply.begin(b"200 OK").unwrap();
    let piece = vec![b'x'; 200_000];
    while !world.engine.send(&mut exchange, &piece, false).unwrap().full {}
    client.send("hello");
    assert!(matches!(world.event(), Event::Readable(readable) if readable == id));
    assert_eq!(world.engine.read_body(&mut exchange), BodyRead::Data { more: false });
    world.until("room", |world| {
        client.pull(1 << 20);
        world.has_event().then_some(())
    });
    assert!(matches!(world.event(), Event::Drained(drained) if drained == id));
    world.engine.send(&mut exchange, b"", true).unwrap();
    world.engine.finish(exchange);
    assert_eq!(client.response(&mut world).status, 200);
}
