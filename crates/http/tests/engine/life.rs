//! What the engine knows of its worker's life: whether it is ready, worn out, not open yet, or too long at one request.

use std::{
    os::unix::net::UnixStream,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use rgunicorn_http::{Config, Deadlines, Event};

use crate::world::{Client, World, config, streaming};

const GET: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
const READY: &str = "GET /ready HTTP/1.1\r\nHost: h\r\n\r\n";

fn asked_at_ready() -> World {
    World::new(Config { readiness: Some("/ready".parse().expect("a path")), ..config() })
}

#[test]
fn a_worker_that_serves_is_ready_and_its_application_hears_nothing_of_it() {
    let mut world = asked_at_ready();
    let mut client = world.connect();
    for target in ["/ready", "/ready?full=1"] {
        client.send(format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n"));
        let response = client.response(&mut world);
        assert_eq!((response.status, response.text()), (200, "ready\n"));
        assert_eq!(response.header("Cache-Control"), Some("no-store"));
        assert_eq!(response.header("Connection"), None);
    }
    client.send("HEAD /ready HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(client.head_response(&mut world).status, 200);
    assert!(!world.has_event());
    assert_eq!((world.slot.requests(), world.slot.in_flight()), (0, 0));
    client.send("GET /ready/not HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(client.echoed(&mut world).text(), "GET /ready/not ");
    assert_eq!(world.slot.requests(), 1);
}

#[test]
fn a_server_that_drains_is_not_ready_and_serves_on_with_last_responses() {
    let mut world = asked_at_ready();
    let (mut asking, mut working) = (world.connect(), world.connect());
    asking.send(READY);
    assert_eq!(asking.response(&mut world).status, 200);
    world.slot.board().drain();
    asking.send(READY);
    let response = asking.response(&mut world);
    assert_eq!((response.status, response.text()), (503, "leaving\n"));
    assert_eq!(response.header("Cache-Control"), Some("no-store"));
    assert_eq!(response.header("Connection"), Some("close"));
    asking.assert_end(&mut world);
    working.send(GET);
    let response = working.echoed(&mut world);
    assert_eq!((response.status, response.header("Connection")), (200, Some("close")));
    working.assert_end(&mut world);
    let mut late = world.connect();
    late.send(GET);
    assert_eq!(late.echoed(&mut world).status, 200);
}

#[test]
fn a_worker_that_leaves_is_not_ready() {
    let mut world = asked_at_ready();
    let mut client = world.connect();
    client.send(READY);
    assert_eq!(client.response(&mut world).status, 200);
    world.engine.retire();
    client.send(READY);
    assert_eq!(client.response(&mut world).status, 503);
    client.assert_end(&mut world);
}

#[test]
fn a_worn_out_worker_says_so_once_and_serves_on() {
    let mut world = asked_at_ready();
    let told = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&told);
    world.engine.wear_out_after(3, move || {
        count.fetch_add(1, Relaxed);
    });
    let mut client = world.connect();
    for (number, told_by_then) in [(1, 0), (2, 0), (3, 1), (4, 1), (5, 1)] {
        client.send(READY);
        client.response(&mut world);
        client.send(GET);
        let response = client.echoed(&mut world);
        assert_eq!((response.status, response.header("Connection")), (200, None));
        assert_eq!(told.load(Relaxed), told_by_then, "at request {number}");
    }
}

/// An engine that gives requests up after so long.
fn impatient(millis: u64) -> World {
    let deadlines = Deadlines { request: Some(Duration::from_millis(millis)), ..config().deadlines };
    World::new(Config { deadlines, ..streaming() })
}

#[test]
fn a_request_that_is_at_work_for_too_long_is_told_of_once() {
    let mut world = impatient(100);
    let (mut slow, mut quick) = (world.connect(), world.connect());
    quick.send(GET);
    quick.echoed(&mut world);
    let began = Instant::now();
    slow.send(GET);
    let mut exchange = world.request();
    let Event::Overdue(id) = world.event() else { panic!("not overdue") };
    assert_eq!(id, exchange.id());
    assert!(began.elapsed() >= Duration::from_millis(90), "{:?}", began.elapsed());
    world.assert_quiet();
    exchange.reply.begin_text("504 Gateway Timeout");
    world.engine.send(&mut exchange, b"late", true).unwrap();
    world.engine.finish(exchange);
    assert_eq!(slow.response(&mut world).status, 504);
    // The next one has all of its time again.
    slow.send(GET);
    assert_eq!(slow.echoed(&mut world).status, 200);
    world.assert_quiet();
    assert!(!world.has_event());
}

#[test]
fn a_client_that_goes_on_sending_does_not_put_the_deadline_off() {
    let mut world = impatient(100);
    let mut client = world.connect();
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 500000\r\n\r\n");
    let exchange = world.request();
    let event = world.until("an event", |world| {
        client.try_push(b"x");
        world.turn(Duration::from_millis(1));
        world.has_event().then(|| world.event())
    });
    assert!(matches!(event, Event::Overdue(id) if id == exchange.id()));
    world.engine.finish(exchange);
}

#[test]
fn before_it_is_open_a_worker_serves_nobody_but_itself() {
    let mut world = World::new(config());
    world.engine.hold();
    let mut outside = world.connect();
    outside.send(GET);
    let (ours, adopted) = UnixStream::pair().unwrap();
    adopted.set_nonblocking(true).unwrap();
    world.engine.adopt(adopted).unwrap();
    let mut inside = Client::new(ours.into());
    inside.send("GET /warm HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let exchange = world.request();
    assert_eq!((exchange.target(), exchange.peer().remote_address.as_str()), (&b"/warm"[..], "127.0.0.1"));
    world.answer(exchange, b"warm");
    assert_eq!(inside.response(&mut world).text(), "warm");
    inside.assert_end(&mut world);
    world.assert_quiet();
    assert!(!world.has_event());
    world.engine.open();
    assert_eq!(outside.echoed(&mut world).status, 200);
}

#[test]
fn a_worker_that_is_told_to_leave_before_it_is_open_leaves_those_who_wait_to_others() {
    let mut world = World::new(config());
    world.engine.hold();
    let mut outside = world.connect();
    outside.send(GET);
    world.engine.retire();
    world.assert_quiet();
    assert!(!world.has_event());
    assert!(world.engine.is_done());
}
