//! A worker that stops: what was accepted is answered, and nothing new begins.

use std::time::{Duration, Instant};

use rgunicorn_http::{Config, Deadlines};

use crate::world::{Wire, World, config, streaming};

const GET: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

#[test]
fn requests_that_wait_in_the_kernel_are_served() {
    let mut world = World::new(config());
    let mut clients: Vec<_> = (0..40).map(|_| world.connect()).collect();
    for client in &mut clients {
        client.send(GET);
    }
    world.engine.retire();
    for client in &mut clients {
        let response = client.echoed(&mut world);
        assert_eq!((response.status, response.header("Connection")), (200, Some("close")));
        client.assert_end(&mut world);
    }
    assert_eq!(world.engine.open_connections(), 0);
    assert!(std::net::TcpStream::connect(world.tcp()).is_err(), "still listening");
}

/// An engine on which a client that was active so long ago is no longer expected to go on.
fn parting(millis: u64) -> World {
    let deadlines = Deadlines { parting: Duration::from_millis(millis), ..config().deadlines };
    World::new(Config { deadlines, ..config() })
}

#[test]
fn connections_that_have_been_silent_are_closed_at_once() {
    let mut world = parting(50);
    let mut client = world.connect();
    client.send(GET);
    client.echoed(&mut world);
    let idle = Instant::now();
    world.until("a silence", |_| (idle.elapsed() > Duration::from_millis(60)).then_some(()));
    world.engine.retire();
    world.turn(Duration::ZERO);
    assert!(world.engine.is_done());
    client.assert_end(&mut world);
}

#[test]
fn a_connection_that_was_active_a_moment_ago_makes_another_request() {
    let mut world = World::new(config());
    let mut client = world.connect();
    client.send(GET);
    client.echoed(&mut world);
    world.assert_quiet();
    world.engine.retire();
    world.assert_quiet();
    client.send("GET /last HTTP/1.1\r\nHost: h\r\n\r\n");
    let response = client.echoed(&mut world);
    assert_eq!((response.text(), response.header("Connection")), ("GET /last ", Some("close")));
    client.assert_end(&mut world);
    assert!(world.engine.is_done());
}

#[test]
fn a_connection_that_was_active_a_moment_ago_does_not_keep_the_worker_for_long() {
    let mut world = parting(300);
    let mut client = world.connect();
    client.send(GET);
    client.echoed(&mut world);
    world.engine.retire();
    let began = Instant::now();
    client.assert_end(&mut world);
    let waited = began.elapsed();
    assert!((Duration::from_millis(250)..Duration::from_secs(2)).contains(&waited), "{waited:?}");
    assert!(world.engine.is_done());
}

#[test]
fn what_comes_too_late_meets_an_end_and_no_reset() {
    let mut world = parting(0);
    for mut client in [world.connect(), world.connect_unix()] {
        client.send(GET);
        client.echoed(&mut world);
        world.assert_quiet();
        world.engine.retire();
        world.turn(Duration::ZERO);
        assert!(!client.try_push(GET.as_bytes()) || client.end(&mut world).1 == Wire::Ended);
        if world.engine.is_done() {
            break;
        }
    }
}

#[test]
fn every_last_response_says_that_it_is_the_last() {
    let mut world = World::new(config());
    let mut old = world.connect();
    old.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let exchange = world.request();
    let mut streamed = world.connect();
    streamed.send(GET);
    let mut stream = world.request();
    world.engine.retire();
    world.answer(exchange, b"old");
    assert_eq!(old.response(&mut world).header("Connection"), Some("close"));
    stream.reply.begin(b"200 OK").unwrap();
    for (part, last) in [(&b"one"[..], false), (b"two", true)] {
        world.engine.send(&mut stream, part, last).unwrap();
    }
    world.engine.finish(stream);
    let response = streamed.response(&mut world);
    assert_eq!((response.text(), response.header("Connection")), ("onetwo", Some("close")));
}

#[test]
fn slow_bodies_and_slow_readers_end_with_the_worker() {
    let deadlines = Deadlines { stop: Duration::from_millis(200), ..Deadlines::default() };
    let mut world = World::new(Config { deadlines, ..config() });
    let mut uploading = world.connect();
    uploading.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 500000\r\n\r\nhe");
    let mut reading = world.connect();
    reading.send(GET);
    let exchange = world.request();
    world.answer(exchange, &vec![b'x'; 8 * 1024 * 1024]);
    world.assert_quiet();
    world.engine.retire();
    let began = Instant::now();
    world.until("the end", |world| {
        // Both go on as busily as they may.
        uploading.try_push(b"x");
        reading.pull(64);
        world.engine.is_done().then_some(())
    });
    let waited = began.elapsed();
    assert!((Duration::from_millis(100)..Duration::from_secs(2)).contains(&waited), "{waited:?}");
    assert_eq!(uploading.response(&mut world).status, 408);
    let (_, wire) = reading.end(&mut world);
    assert_eq!(wire, Wire::Reset, "a response that was cut off looks complete");
}

#[test]
fn a_request_that_is_in_the_socket_of_an_idle_connection_is_served() {
    let mut world = World::new(config());
    let mut client = world.connect();
    client.send(GET);
    client.echoed(&mut world);
    world.assert_quiet();
    client.send("GET /last HTTP/1.1\r\nHost: h\r\n\r\n");
    world.engine.retire();
    let response = client.echoed(&mut world);
    assert_eq!((response.text(), response.header("Connection")), ("GET /last ", Some("close")));
    client.assert_end(&mut world);
}

#[test]
fn a_request_behind_a_response_that_promised_to_go_on_is_served() {
    let mut world = World::new(config());
    let mut client = world.connect();
    client.send(GET);
    let mut exchange = world.request();
    exchange.reply.begin(b"200 OK").unwrap();
    world.engine.send(&mut exchange, b"begun", false).unwrap();
    world.engine.retire();
    world.engine.send(&mut exchange, b"", true).unwrap();
    // Arrives after the engine last asked the kernel.
    client.send("GET /last HTTP/1.1\r\nHost: h\r\n\r\n");
    world.engine.finish(exchange);
    assert_eq!(client.echoed(&mut world).header("Connection"), None);
    let response = client.echoed(&mut world);
    assert_eq!((response.text(), response.header("Connection")), ("GET /last ", Some("close")));
    client.assert_end(&mut world);
}

#[test]
fn a_connection_without_a_request_yet_may_still_make_one() {
    let mut world = World::new(config());
    let mut accepted = world.connect();
    world.assert_quiet();
    let mut waiting = world.connect();
    world.engine.retire();
    world.turn(Duration::from_millis(20));
    for client in [&mut accepted, &mut waiting] {
        client.send(GET);
        let response = client.echoed(&mut world);
        assert_eq!((response.status, response.header("Connection")), (200, Some("close")));
        client.assert_end(&mut world);
    }
}

#[test]
fn a_connection_that_never_makes_a_request_does_not_keep_the_worker() {
    let mut world = parting(50);
    let mut client = world.connect();
    world.assert_quiet();
    world.engine.retire();
    let began = Instant::now();
    client.assert_end(&mut world);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

#[test]
fn half_a_head_does_not_keep_the_worker_either() {
    let deadlines = Deadlines { linger: Duration::from_millis(50), ..Deadlines::default() };
    let mut world = World::new(Config { deadlines, ..config() });
    let mut clients = [world.connect(), world.connect()];
    clients[0].send(GET);
    clients[0].echoed(&mut world);
    for client in &mut clients {
        client.send("GET / HT");
    }
    world.assert_quiet();
    world.engine.retire();
    let began = Instant::now();
    for client in &mut clients {
        assert_eq!(client.response(&mut world).status, 408);
        client.assert_end(&mut world);
    }
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

#[test]
fn requests_at_work_and_bodies_on_their_way_are_finished() {
    let mut world = World::new(config());
    let mut working = world.connect();
    working.send(GET);
    let exchange = world.request();
    let mut uploading = world.connect();
    uploading.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe");
    world.assert_quiet();
    world.engine.retire();
    world.answer(exchange, b"done");
    let response = working.response(&mut world);
    assert_eq!((response.text(), response.header("Connection")), ("done", Some("close")));
    uploading.send("llo");
    let response = uploading.echoed(&mut world);
    assert_eq!((response.text(), response.header("Connection")), ("POST / hello", Some("close")));
    working.assert_end(&mut world);
    uploading.assert_end(&mut world);
}

#[test]
fn retiring_takes_no_more_connections_than_allowed_at_once_and_all_in_the_end() {
    let mut world = World::new(Config { most_connections: 3, ..streaming() });
    let mut clients: Vec<_> = (0..8).map(|_| world.connect()).collect();
    clients.iter_mut().for_each(|client| client.send(GET));
    world.engine.retire();
    for client in &mut clients {
        world.turn(Duration::ZERO);
        assert!(world.engine.open_connections() <= 3);
        assert_eq!(client.echoed(&mut world).header("Connection"), Some("close"));
        client.assert_end(&mut world);
    }
    assert!(world.engine.is_done());
}

#[test]
fn clients_that_never_cease_to_come_do_not_keep_the_worker() {
    let mut world = World::new(Config { most_connections: 1, ..streaming() });
    let mut client = world.connect();
    client.send(GET);
    let exchange = world.request();
    let waiting: Vec<_> = (0..3).map(|_| world.connect()).collect();
    world.engine.retire();
    let began = Instant::now();
    world.until("a second", |_| (began.elapsed() > Duration::from_millis(1100)).then_some(()));
    assert!(std::net::TcpStream::connect(world.tcp()).is_err(), "still listening");
    world.answer(exchange, b"done");
    assert_eq!(client.response(&mut world).text(), "done");
    assert!(world.engine.is_done());
    drop(waiting);
}
