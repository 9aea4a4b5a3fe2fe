//! How connections end: clients that leave, responses that are cut short, names that are stale.

use std::time::Duration;

use nix::sys::{
    signal::{SigSet, Signal},
    signalfd::{SfdFlags, SignalFd},
};
use rgunicorn_http::{BodyRead, Event, SendError};
use rgunicorn_logging::AccessLog;
use rgunicorn_settings::{Destination, Level, Logging};
use tempfile::TempDir;

use crate::world::{Wire, World, config, readable, streaming};

const GET: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

#[test]
fn a_client_that_says_it_sends_no_more_gets_its_answer() {
    let mut world = World::new(config());
    let mut client = world.connect();
    client.send(GET);
    client.end_sending();
    let exchange = world.request();
    assert!(matches!(world.event(), Event::Closed(id) if id == exchange.id()));
    assert!(world.engine.is_open(exchange.id()));
    world.answer(exchange, b"late");
    assert_eq!(client.response(&mut world).text(), "late");
    client.assert_end(&mut world);
}

#[test]
fn a_sender_that_waits_for_a_half_closed_client_hears_that_it_has_gone_for_good() {
    let mut world = World::new(streaming());
    let mut client = world.connect_unix();
    client.send(GET);
    client.end_sending();
    let mut exchange = world.request();
    let id = exchange.id();
    assert!(matches!(world.event(), Event::Closed(closed) if closed == id));
    exchange.reply.begin(b"200 OK").unwrap();
    while !world.engine.send(&mut exchange, &[b'x'; 100_000], false).unwrap().full {}
    world.turn(Duration::from_millis(10));
    assert!(!world.has_event() && world.engine.is_open(id));
    drop(client);
    assert!(matches!(world.event(), Event::Closed(closed) if closed == id));
    assert!(!world.engine.is_open(id));
    world.engine.finish(exchange);
}

#[test]
fn a_half_closed_client_gets_the_answers_to_all_that_it_sent() {
    let mut world = World::new(config());
    let mut client = world.connect();
    client.send(GET.repeat(3));
    client.end_sending();
    for _ in 0..3 {
        assert_eq!(client.echoed(&mut world).text(), "GET / ");
    }
    client.assert_end(&mut world);
}

#[test]
fn a_client_that_leaves_during_its_request_is_reported_once() {
    let mut world = World::new(streaming());
    for mut client in [world.connect(), world.connect_unix()] {
        client.send(GET);
        let exchange = world.request();
        drop(client);
        assert!(matches!(world.event(), Event::Closed(id) if id == exchange.id()));
        for _ in 0..5 {
            world.turn(Duration::from_millis(2));
        }
        assert!(!world.has_event());
        world.engine.finish(exchange);
    }
    assert_eq!(world.slot.in_flight(), 0);
    world.until("both to go", |world| (world.engine.open_connections() == 0).then_some(()));
}

#[test]
fn sending_to_a_client_that_has_gone_is_an_error_and_not_a_signal() {
    // A signal that is blocked becomes pending even where it is ignored, as it is in tests and in Python.
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGPIPE);
    signals.thread_block().unwrap();
    let raised = SignalFd::with_flags(&signals, SfdFlags::SFD_NONBLOCK).unwrap();
    let mut world = World::new(config());
    for mut client in [world.connect(), world.connect_unix(), world.connect_unix()] {
        client.send(GET);
        let mut exchange = world.request();
        exchange.reply.begin(b"200 OK").unwrap();
        world.engine.send(&mut exchange, b"first", false).unwrap();
        drop(client);
        // Small parts leave by send(2), large ones by sendmsg(2).
        let large = vec![b'x'; 20_000];
        let mut parts = [&b"x"[..], &large].into_iter().cycle();
        world.until("an error", |world| {
            world.engine.send(&mut exchange, parts.next().expect("endless parts"), false).err()
        });
        assert_eq!(world.engine.send(&mut exchange, b"x", true), Err(SendError));
        assert!(!world.engine.is_open(exchange.id()));
        assert!(matches!(world.event(), Event::Closed(id) if id == exchange.id()));
        world.engine.finish(exchange);
    }
    assert_eq!((world.slot.in_flight(), world.engine.open_connections()), (0, 0));
    assert!(raised.read_signal().unwrap().is_none(), "SIGPIPE");
}

#[test]
fn a_sender_that_hears_of_the_end_first_is_not_the_only_one_to_be_told() {
    let mut world = World::new(streaming());
    let mut client = world.connect_unix();
    client.send(GET);
    let mut exchange = world.request();
    exchange.reply.begin(b"200 OK").unwrap();
    drop(client);
    assert_eq!(world.engine.send(&mut exchange, b"x", false), Err(SendError));
    assert!(readable(&world.engine, Duration::from_secs(5)), "nobody is woken for it");
    assert!(matches!(world.event(), Event::Closed(id) if id == exchange.id()));
    world.engine.finish(exchange);
}

#[test]
fn a_response_that_is_cut_short_ends_the_connection() {
    let mut world = World::new(config());
    // Fewer bytes than declared.
    let mut client = world.connect();
    client.send(GET.repeat(2));
    let mut exchange = world.request();
    exchange.reply.begin(b"200 OK").unwrap();
    exchange.reply.field(b"Content-Length", b"10").unwrap();
    world.engine.send(&mut exchange, b"short", true).unwrap();
    assert_eq!(exchange.owed(), Some(5));
    world.engine.finish(exchange);
    let (bytes, _) = client.end(&mut world);
    assert!(bytes.ends_with(b"\r\n\r\nshort"));
    // Chunks without an end.
    let mut client = world.connect();
    client.send(GET);
    let mut exchange = world.request();
    exchange.reply.begin(b"200 OK").unwrap();
    world.engine.send(&mut exchange, b"begun", false).unwrap();
    world.engine.finish(exchange);
    let (bytes, wire) = client.end(&mut world);
    assert!(bytes.ends_with(b"5\r\nbegun\r\n"));
    assert_eq!(wire, Wire::Ended);
    assert!(!world.has_event());
}

#[test]
fn more_bytes_than_declared_are_cut_off_and_the_connection_ends() {
    let mut world = World::new(config());
    let mut client = world.connect();
    client.send(GET.repeat(2));
    let mut exchange = world.request();
    exchange.reply.begin(b"200 OK").unwrap();
    exchange.reply.field(b"Content-Length", b"5").unwrap();
    world.engine.send(&mut exchange, b"hello, and more", true).unwrap();
    world.engine.finish(exchange);
    assert_eq!(client.response(&mut world).text(), "hello");
    client.end_sending();
    client.assert_end(&mut world);
}

#[test]
fn what_is_sent_after_the_end_of_a_response_is_no_part_of_the_next() {
    for declared in [false, true] {
        let mut world = World::new(config());
        let mut client = world.connect();
        client.send(GET.repeat(2));
        let mut exchange = world.request();
        exchange.reply.begin(b"200 OK").unwrap();
        if declared {
            exchange.reply.field(b"Content-Length", b"3").unwrap();
        }
        world.engine.send(&mut exchange, b"one", false).unwrap();
        world.engine.send(&mut exchange, b"", true).unwrap();
        world.engine.send(&mut exchange, b"again", false).unwrap();
        world.engine.send(&mut exchange, b"", true).unwrap();
        assert!(exchange.is_ended());
        world.engine.finish(exchange);
        assert_eq!(client.response(&mut world).text(), "one");
        assert_eq!(client.echoed(&mut world).text(), "GET / ");
    }
}

#[test]
fn a_request_without_a_response_ends_the_connection_without_a_byte() {
    let mut world = World::new(config());
    let mut client = world.connect();
    client.send(GET);
    let exchange = world.request();
    world.engine.finish(exchange);
    client.assert_end(&mut world);
    assert_eq!((world.slot.requests(), world.slot.in_flight()), (1, 0));
}

#[test]
fn the_access_log_has_answers_and_refused_bodies_only() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("access.log");
    let settings = Logging {
        loglevel: Level::Info,
        errorlog: Destination::Stderr,
        accesslog: Some(Destination::File(path.clone())),
        access_log_format: "%(m)s %(U)s %(s)s %(B)s".to_owned(),
    };
    let mut world = World::new(streaming());
    world.engine.log_access(AccessLog::open(&settings).unwrap().unwrap());
    let mut client = world.connect();
    client.send("GET /answered HTTP/1.1\r\nHost: h\r\n\r\n");
    client.echoed(&mut world);
    client.send("GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n");
    let mut exchange = world.request();
    exchange.reply.begin(b"200 OK").unwrap();
    world.engine.finish(exchange);
    let mut client = world.connect();
    client.send("POST /broken HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nx");
    let mut exchange = world.request();
    assert_eq!(world.engine.read_body(&mut exchange), BodyRead::Gone);
    world.engine.finish(exchange);
    world.engine.access_log().unwrap().flush();
    let lines = std::fs::read_to_string(path).unwrap();
    assert_eq!(lines, "GET /answered 200 14\nPOST /broken 400 47\n");
}

#[test]
fn a_name_that_is_stale_reaches_nobody() {
    let mut world = World::new(config());
    let mut first = world.connect_unix();
    first.send(GET);
    let mut exchange = world.request();
    let stale = exchange.id();
    drop(first);
    assert!(matches!(world.event(), Event::Closed(_)));
    // The next connection gets the same place.
    let mut second = world.connect_unix();
    second.send(GET);
    let other = world.request();
    assert_eq!(other.id().key, stale.key);
    assert_ne!(other.id(), stale);
    assert!(world.engine.is_open(other.id()) && !world.engine.is_open(stale));
    exchange.reply.begin(b"200 OK").unwrap();
    assert_eq!(world.engine.send(&mut exchange, b"to the wrong one", true), Err(SendError));
    assert!(
        matches!(world.engine.tend(stale, Duration::ZERO).unwrap(), Some(Event::Closed(id)) if id == stale)
    );
    world.engine.finish(exchange);
    world.answer(other, b"to the right one");
    assert_eq!(second.response(&mut world).text(), "to the right one");
}
