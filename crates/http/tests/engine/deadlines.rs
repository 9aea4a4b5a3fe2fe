//! Every wait has its end, and only the client's own slowness counts against it.

use std::{
    thread,
    time::{Duration, Instant},
};

use rgunicorn_http::{BodyRead, Config, Deadlines, Event, SendError};

use crate::world::{Wire, World, config, streaming};

const GET: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
const SHORT: Duration = Duration::from_millis(60);
const LONG: Duration = Duration::from_secs(60);

/// All waits long but those that a test shortens.
fn long() -> Deadlines {
    Deadlines { head: LONG, body: LONG, idle: LONG, write: LONG, linger: LONG, ..Deadlines::default() }
}

fn world(deadlines: Deadlines) -> World {
    World::new(Config { deadlines, ..config() })
}

/// Run `steps`, which end when a deadline of [`SHORT`] has passed, and check that it took at least that long.
fn overdue<T>(steps: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let result = steps();
    let took = began.elapsed();
    assert!(took + Duration::from_millis(5) >= SHORT, "gave up after {took:?}");
    assert!(took < Duration::from_secs(5), "gave up after {took:?} only");
    result
}

/// Block the thread that the engine runs on, as an application does.
fn block_past_the_deadline() {
    let end = Instant::now() + SHORT * 2;
    while Instant::now() < end {
        thread::park_timeout(SHORT);
    }
}

#[test]
fn a_new_connection_that_stays_silent_is_closed() {
    let mut world = world(Deadlines { head: SHORT, ..long() });
    let mut client = world.connect();
    overdue(|| client.assert_end(&mut world));
}

#[test]
fn a_head_that_stops_half_way_is_answered_408() {
    let mut world = world(Deadlines { head: SHORT, ..long() });
    let mut client = world.connect();
    client.send("GET / HT");
    let response = overdue(|| client.response(&mut world));
    assert_eq!((response.status, response.header("Connection")), (408, Some("close")));
    client.end_sending();
    client.assert_end(&mut world);
}

#[test]
fn a_head_that_trickles_has_one_deadline_for_all_of_it() {
    let mut world = world(Deadlines { head: SHORT, ..long() });
    let mut client = world.connect();
    client.send(GET);
    client.echoed(&mut world);
    let response = overdue(|| {
        let mut head = "GET / HTTP/1.1\r\nX: ".bytes().chain(std::iter::repeat(b'x'));
        world.until("a refusal", |world| {
            client.push(&[head.next().expect("an endless head")]);
            client.pull(1000);
            world.turn(Duration::from_millis(3));
            client.bytes.ends_with(b"in time\n").then_some(())
        });
        client.response(&mut world)
    });
    assert_eq!(response.status, 408);
}

#[test]
fn an_idle_connection_is_closed() {
    let mut world = world(Deadlines { idle: SHORT, ..long() });
    let mut client = world.connect();
    client.send(GET);
    client.echoed(&mut world);
    overdue(|| client.assert_end(&mut world));
    assert!(!world.has_event());
}

#[test]
fn a_body_that_stops_half_way_is_answered_408() {
    let mut world = world(Deadlines { body: SHORT, ..long() });
    for request in [
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhello",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 90000\r\n\r\nhello",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe",
    ] {
        let mut client = world.connect();
        client.send(request);
        assert_eq!(overdue(|| client.response(&mut world)).status, 408);
        assert!(!world.has_event());
    }
}

#[test]
fn a_body_that_makes_progress_may_take_longer_than_one_wait() {
    let mut world = world(Deadlines { body: Duration::from_millis(400), body_rate: 20, ..long() });
    let mut client = world.connect();
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 20\r\n\r\n");
    let began = Instant::now();
    for _ in 0..20 {
        client.send("x");
        let next = Instant::now() + Duration::from_millis(30);
        world.until("the next byte's time", |_| (Instant::now() >= next).then_some(()));
    }
    assert!(began.elapsed() > Duration::from_millis(500));
    assert_eq!(client.echoed(&mut world).status, 200);
}

#[test]
fn an_application_that_waits_for_a_body_in_vain_is_told() {
    let mut world = World::new(Config { deadlines: Deadlines { body: SHORT, ..long() }, ..streaming() });
    let mut client = world.connect();
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n");
    let mut exchange = world.request();
    assert_eq!(world.engine.read_body(&mut exchange), BodyRead::Wait);
    assert!(matches!(overdue(|| world.event()), Event::Readable(id) if id == exchange.id()));
    assert_eq!(world.engine.read_body(&mut exchange), BodyRead::Gone);
    world.engine.finish(exchange);
    let response = client.response(&mut world);
    assert_eq!((response.status, response.header("Connection")), (408, Some("close")));
}

#[test]
fn a_body_that_nobody_asks_for_has_no_deadline() {
    let mut world = World::new(Config { deadlines: Deadlines { body: SHORT, ..long() }, ..streaming() });
    let mut client = world.connect();
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n");
    let mut exchange = world.request();
    let until = Instant::now() + SHORT * 3;
    world.until("some time", |_| (Instant::now() > until).then_some(()));
    assert!(!world.has_event());
    client.send("ninebytes");
    world.turn(Duration::from_secs(5));
    assert_eq!(world.engine.read_body(&mut exchange), BodyRead::Data { more: false });
    world.answer(exchange, b"");
}

#[test]
fn a_client_that_was_never_invited_to_send_its_body_does_not_end_the_response() {
    let mut world = World::new(Config { deadlines: Deadlines { body: SHORT, ..long() }, ..streaming() });
    let mut client = world.connect();
    client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    let mut exchange = world.request();
    exchange.reply.begin(b"200 OK").unwrap();
    world.engine.send(&mut exchange, b"a long ", false).unwrap();
    // Frameworks wait for the client's end while they stream.
    assert_eq!(world.engine.read_body(&mut exchange), BodyRead::Wait);
    let until = Instant::now() + SHORT * 3;
    world.until("some time", |_| (Instant::now() > until).then_some(()));
    assert!(!world.has_event());
    world.engine.send(&mut exchange, b"stream", true).unwrap();
    world.engine.finish(exchange);
    assert_eq!(client.response(&mut world).text(), "a long stream");
}

/// Send until the engine says that it is full; the client reads nothing. Only a unix socket's buffer keeps its size.
fn fill(world: &mut World, exchange: &mut rgunicorn_http::Exchange) {
    exchange.reply.begin(b"200 OK").expect("a status");
    let piece = vec![b'x'; 200_000];
    while !world.engine.send(exchange, &piece, false).expect("a client").full {}
}

#[test]
fn a_client_that_does_not_read_is_given_up_while_the_application_works() {
    let mut world = world(Deadlines { write: SHORT, ..long() });
    let mut client = world.connect_unix();
    client.send(GET);
    let mut exchange = world.request();
    fill(&mut world, &mut exchange);
    assert!(matches!(overdue(|| world.event()), Event::Closed(id) if id == exchange.id()));
    assert_eq!(world.engine.send(&mut exchange, b"x", false), Err(SendError));
    world.engine.finish(exchange);
}

#[test]
fn a_client_that_does_not_read_is_given_up_after_the_application_is_done() {
    let mut world = world(Deadlines { write: SHORT, ..long() });
    let mut client = world.connect_unix();
    client.send(GET);
    let mut exchange = world.request();
    fill(&mut world, &mut exchange);
    world.engine.send(&mut exchange, b"", true).unwrap();
    world.engine.finish(exchange);
    overdue(|| world.until("the end", |world| (world.engine.open_connections() == 0).then_some(())));
}

#[test]
fn reading_a_body_does_not_excuse_a_client_that_does_not_read() {
    let mut world = World::new(Config { deadlines: Deadlines { write: SHORT, ..long() }, ..streaming() });
    let mut client = world.connect_unix();
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n");
    let mut exchange = world.request();
    fill(&mut world, &mut exchange);
    client.send("hello");
    world.until("the body", |world| {
        matches!(world.engine.read_body(&mut exchange), BodyRead::Data { more: false }).then_some(())
    });
    world.engine.send(&mut exchange, b"", true).unwrap();
    world.engine.finish(exchange);
    overdue(|| world.until("the end", |world| (world.engine.open_connections() == 0).then_some(())));
}

#[test]
fn reading_a_response_does_not_excuse_a_client_that_does_not_send() {
    let mut world = World::new(Config { deadlines: Deadlines { body: SHORT, ..long() }, ..streaming() });
    let mut client = world.connect_unix();
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n");
    let mut exchange = world.request();
    let id = exchange.id();
    fill(&mut world, &mut exchange);
    assert_eq!(world.engine.read_body(&mut exchange), BodyRead::Wait);
    let mut drained = false;
    let overdue = world.until("the end of the wait", |world| {
        client.pull(1 << 20);
        if !world.has_event() {
            return None;
        }
        match world.event() {
            Event::Drained(_) => {
                drained = true;
                None
            }
            Event::Readable(overdue) => Some(overdue),
            other => panic!("{other:?}"),
        }
    });
    assert!(drained && overdue == id);
    assert_eq!(world.engine.read_body(&mut exchange), BodyRead::Gone);
    world.engine.finish(exchange);
}

#[test]
fn a_client_that_leaves_its_response_in_the_kernel_is_not_idle_but_late() {
    let mut world = world(Deadlines { idle: SHORT, write: SHORT, ..long() });
    for close in ["", "Connection: close\r\n"] {
        let mut client = world.connect();
        client.send(format!("GET / HTTP/1.1\r\nHost: h\r\n{close}\r\n"));
        let exchange = world.request();
        world.answer(exchange, &vec![b'x'; 3_000_000]);
        overdue(|| world.until("the end", |world| (world.engine.open_connections() == 0).then_some(())));
        world.until("the reset", |_| {
            client.pull(1 << 20);
            (client.wire != Wire::Open).then_some(())
        });
        assert_eq!(client.wire, Wire::Reset);
        assert!(client.bytes.len() < 3_000_000);
    }
}

#[test]
fn a_client_that_takes_its_response_from_the_kernel_is_not_idle() {
    let deadlines = Deadlines { idle: SHORT, write: Duration::from_millis(500), body_rate: 0, ..long() };
    let mut world = world(deadlines);
    let mut client = world.connect_unix();
    client.send(GET);
    let exchange = world.request();
    world.answer(exchange, &[b'x'; 100_000]);
    let end = Instant::now() + SHORT * 4;
    world.until("four times the limit of idle connections", |_| (Instant::now() > end).then_some(()));
    assert_eq!(world.engine.open_connections(), 1);
    assert_eq!(client.response(&mut world).body.len(), 100_000);
    client.send(GET);
    assert_eq!(client.echoed(&mut world).status, 200);
}

#[test]
fn a_reader_that_makes_progress_may_take_longer_than_one_wait() {
    let mut world = world(Deadlines { write: Duration::from_millis(300), ..long() });
    let mut client = world.connect();
    client.send(GET);
    let exchange = world.request();
    world.answer(exchange, &vec![b'x'; 12_000_000]);
    let began = Instant::now();
    for _ in 0..20 {
        client.pull(600_000);
        let next = Instant::now() + Duration::from_millis(30);
        world.until("the next read", |_| (Instant::now() >= next).then_some(()));
    }
    assert!(began.elapsed() > Duration::from_millis(500));
    assert_eq!(client.response(&mut world).body.len(), 12_000_000);
}

/// Read 40,000 bytes now and then, for longer than one deadline; whether the connection is still open. A unix socket
/// tells of room when three quarters of its buffer are free, which takes longer.
fn sip(body_rate: u64) -> bool {
    let mut world = world(Deadlines { write: Duration::from_millis(600), body_rate, ..long() });
    let mut client = world.connect_unix();
    client.send(GET);
    let mut exchange = world.request();
    fill(&mut world, &mut exchange);
    world.engine.send(&mut exchange, b"", true).expect("a client");
    world.engine.finish(exchange);
    for _ in 0..3 {
        client.pull(40_000);
        let next = Instant::now() + Duration::from_millis(250);
        world.until("the next read", |_| (Instant::now() >= next).then_some(()));
    }
    world.engine.open_connections() == 1
}

#[test]
fn a_reader_that_makes_no_room_worth_telling_of_is_not_late() {
    assert!(sip(1000));
}

#[test]
fn a_reader_that_sips_is_late() {
    assert!(!sip(1_000_000));
}

#[test]
fn lingering_is_bounded() {
    let mut world = world(Deadlines { linger: SHORT, ..long() });
    let mut client = world.connect();
    client.send("GET / HTTP/1.1\r\n\r\n");
    assert_eq!(client.response(&mut world).status, 400);
    overdue(|| world.until("the end", |world| (world.engine.open_connections() == 0).then_some(())));
    assert_eq!(client.end(&mut world).1, Wire::Ended);
}

#[test]
fn a_body_that_is_dropped_has_a_deadline_too() {
    let mut world = World::new(Config { deadlines: Deadlines { body: SHORT, ..long() }, ..streaming() });
    let mut client = world.connect();
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n");
    let exchange = world.request();
    world.answer(exchange, b"ok");
    assert_eq!(client.response(&mut world).text(), "ok");
    overdue(|| world.until("the end", |world| (world.engine.open_connections() == 0).then_some(())));
}

#[test]
fn no_wait_is_too_long_to_be_reckoned_with() {
    for wait in [Duration::MAX, Duration::from_millis(u64::MAX), Duration::from_secs(1 << 40)] {
        let mut world = world(Deadlines {
            head: wait,
            body: wait,
            idle: wait,
            write: wait,
            linger: wait,
            ..Deadlines::default()
        });
        let mut client = world.connect();
        client.send(GET);
        assert_eq!(client.echoed(&mut world).status, 200);
        client.send(GET);
        assert_eq!(client.echoed(&mut world).status, 200);
    }
}

#[test]
fn a_request_that_arrived_in_time_is_served_however_long_the_application_blocked() {
    let deadlines = Deadlines { head: SHORT, body: SHORT, idle: SHORT, write: SHORT, ..long() };
    let mut world = world(deadlines);
    let (mut fresh, mut idle, mut half) = (world.connect(), world.connect(), world.connect());
    let mut uploading = world.connect();
    idle.send(GET);
    idle.echoed(&mut world);
    half.send("GET /half HTTP/1.1\r\n");
    uploading.send("POST /up HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n");
    world.turn(Duration::ZERO);
    world.turn(Duration::ZERO);
    fresh.send("GET /fresh HTTP/1.1\r\nHost: h\r\n\r\n");
    idle.send("GET /idle HTTP/1.1\r\nHost: h\r\n\r\n");
    half.send("Host: h\r\n\r\n");
    uploading.send("hello");
    block_past_the_deadline();
    assert_eq!(fresh.echoed(&mut world).text(), "GET /fresh ");
    assert_eq!(idle.echoed(&mut world).text(), "GET /idle ");
    assert_eq!(half.echoed(&mut world).text(), "GET /half ");
    assert_eq!(uploading.echoed(&mut world).text(), "POST /up hello");
}

#[test]
fn a_body_that_arrived_in_time_is_read_however_late_the_application_asks() {
    let mut world = World::new(Config { deadlines: Deadlines { body: SHORT, ..long() }, ..streaming() });
    let mut client = world.connect();
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n");
    let mut exchange = world.request();
    assert_eq!(world.engine.read_body(&mut exchange), BodyRead::Wait);
    client.send("hello");
    block_past_the_deadline();
    assert!(matches!(world.event(), Event::Readable(_)));
    block_past_the_deadline();
    world.turn(Duration::ZERO);
    assert!(!world.has_event());
    assert_eq!(world.engine.read_body(&mut exchange), BodyRead::Data { more: false });
    world.answer(exchange, b"ok");
    assert_eq!(client.response(&mut world).text(), "ok");
}
