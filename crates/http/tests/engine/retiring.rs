//! A worker that stops: what was accepted is answered, and nothing new begins.

use std::time::{Duration, Instant};

use rgunicorn_http::{Config, Deadlines};

use crate::world::{World, config, streaming};

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

#[test]
fn idle_connections_are_closed_at_once() {
    let mut world = World::new(config());
    let mut client = world.connect();
    client.send(GET);
    client.echoed(&mut world);
    world.assert_quiet();
    world.engine.retire();
    let began = Instant::now();
    client.assert_end(&mut world);
    assert!(began.elapsed() < Duration::from_secs(1));
    assert_eq!(world.engine.open_connections(), 0);
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
    let deadlines = Deadlines { linger: Duration::from_millis(50), ..Deadlines::default() };
    let mut world = World::new(Config { deadlines, ..config() });
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
fn retiring_takes_no_more_connections_than_allowed() {
    let mut world = World::new(Config { most_connections: 3, ..streaming() });
    let clients: Vec<_> = (0..8).map(|_| world.connect()).collect();
    world.engine.retire();
    assert_eq!(world.engine.open_connections(), 3);
    drop(clients);
}
