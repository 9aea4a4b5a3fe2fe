//! One request after the other on one connection.

use std::time::Duration;

use rgunicorn_http::{Config, Deadlines, Event};

use crate::world::{World, config, streaming};

const GET: &str = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";

#[test]
fn a_connection_serves_one_request_after_the_other() {
    let mut world = World::new(config());
    let mut clients = [world.connect(), world.connect_unix()];
    for client in &mut clients {
        for _ in 0..3 {
            client.send(GET);
            let response = client.echoed(&mut world);
            assert_eq!((response.status, response.text()), (200, "GET /a "));
            assert_eq!(response.header("Connection"), None);
            assert_eq!(response.header("Server"), Some("rgunicorn"));
            assert!(response.header("Date").is_some_and(|date| date.ends_with(" GMT")));
        }
    }
    assert_eq!(world.engine.open_connections(), 2);
    assert_eq!((world.slot.requests(), world.slot.in_flight()), (6, 0));
}

#[test]
fn pipelined_requests_are_answered_in_order_however_they_arrive() {
    let mut stream = Vec::new();
    for number in 0..40 {
        let body = "x".repeat(number * 7 % 50);
        let length = body.len();
        match number % 3 {
            0 => stream.extend(format!("GET /{number} HTTP/1.1\r\nHost: h\r\n\r\n").bytes()),
            1 => stream.extend(
                format!("POST /{number} HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n{body}").bytes(),
            ),
            _ => stream.extend(
                format!(
                    "PUT /{number} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
                )
                .bytes(),
            ),
        }
    }
    for step in [1, 7, 100, stream.len()] {
        let mut world = World::new(config());
        let mut client = world.connect();
        for piece in stream.chunks(step) {
            client.send(piece);
            world.turn(Duration::ZERO);
            world.echo();
        }
        for number in 0..40 {
            let response = client.echoed(&mut world);
            let expected = match number % 3 {
                0 => format!("GET /{number} "),
                1 => format!("POST /{number} {}", "x".repeat(number * 7 % 50)),
                _ => format!("PUT /{number} abc"),
            };
            assert_eq!(response.text(), expected, "in steps of {step}");
        }
    }
}

#[test]
fn a_second_request_waits_until_the_first_is_answered() {
    let mut world = World::new(config());
    let mut client = world.connect();
    client.send([GET, GET].concat());
    let first = world.request();
    world.turn(Duration::from_millis(20));
    assert!(!world.has_event(), "two requests of one connection are at work at once");
    world.answer(first, b"1");
    let second = world.request();
    world.answer(second, b"2");
    assert_eq!(client.response(&mut world).text(), "1");
    assert_eq!(client.response(&mut world).text(), "2");
}

#[test]
fn the_older_version_keeps_a_connection_only_when_asked_to() {
    let mut world = World::new(config());
    let mut client = world.connect();
    client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let response = client.echoed(&mut world);
    assert_eq!(response.header("Connection"), Some("keep-alive"));
    client.send("GET / HTTP/1.0\r\n\r\n");
    let response = client.echoed(&mut world);
    assert_eq!(response.header("Connection"), Some("close"));
    client.assert_end(&mut world);
}

#[test]
fn an_older_client_gets_a_streamed_body_that_ends_with_the_connection() {
    let mut world = World::new(config());
    let mut client = world.connect();
    client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let mut exchange = world.request();
    exchange.reply.begin(b"200 OK").unwrap();
    world.engine.send(&mut exchange, b"one ", false).unwrap();
    world.engine.send(&mut exchange, b"two", false).unwrap();
    world.engine.send(&mut exchange, b"", true).unwrap();
    world.engine.finish(exchange);
    let response = client.response(&mut world);
    assert_eq!(response.text(), "one two");
    assert_eq!((response.header("Connection"), response.header("Transfer-Encoding")), (Some("close"), None));
}

#[test]
fn a_client_that_asks_for_the_end_gets_it() {
    let mut world = World::new(config());
    let mut client = world.connect();
    client.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    assert_eq!(client.echoed(&mut world).header("Connection"), Some("close"));
    client.assert_end(&mut world);
    assert_eq!(world.engine.open_connections(), 0);
}

#[test]
fn an_application_that_asks_for_the_end_gets_it() {
    let mut world = World::new(config());
    let mut client = world.connect();
    client.send(GET);
    let mut exchange = world.request();
    exchange.reply.begin(b"200 OK").unwrap();
    exchange.reply.field(b"connection", b"close").unwrap();
    world.engine.send(&mut exchange, b"bye", true).unwrap();
    world.engine.finish(exchange);
    let response = client.response(&mut world);
    assert_eq!((response.text(), response.header("Connection")), ("bye", Some("close")));
    client.assert_end(&mut world);
}

#[test]
fn without_time_for_another_request_the_response_says_that_the_connection_ends() {
    let deadlines = Deadlines { idle: Duration::ZERO, ..Deadlines::default() };
    let mut world = World::new(Config { deadlines, ..config() });
    for version in ["1.1", "1.0"] {
        let mut client = world.connect();
        client.send(format!("GET / HTTP/{version}\r\nHost: h\r\nConnection: keep-alive\r\n\r\n"));
        assert_eq!(client.echoed(&mut world).header("Connection"), Some("close"));
        client.assert_end(&mut world);
    }
}

#[test]
fn head_no_content_and_not_modified_have_no_body_and_keep_the_connection() {
    for mut world in [World::new(config()), World::new(streaming())] {
        let mut client = world.connect();
        for (request, status) in
            [("HEAD", &b"200 OK"[..]), ("GET", b"204 No Content"), ("GET", b"304 Not Modified")]
        {
            client.send(format!("{request} / HTTP/1.1\r\nHost: h\r\n\r\n"));
            let mut exchange = world.request();
            exchange.reply.begin(status).unwrap();
            exchange.reply.field(b"X-Length", b"5").unwrap();
            world.engine.send(&mut exchange, b"hello", true).unwrap();
            assert_eq!(exchange.sent(), 0);
            world.engine.finish(exchange);
            let response = client.head_response(&mut world);
            assert_eq!(response.header("X-Length"), Some("5"));
            assert_eq!(response.header("Transfer-Encoding"), None);
        }
        client.send(GET);
        assert_eq!(client.echoed(&mut world).text(), "GET /a ");
    }
}

#[test]
fn a_head_that_arrives_byte_by_byte_is_handed_out_once() {
    let mut world = World::new(config());
    let mut client = world.connect();
    for byte in GET.as_bytes() {
        assert!(!world.has_event());
        client.send([*byte]);
        world.turn(Duration::from_secs(1));
    }
    let request = world.request();
    assert_eq!((request.method(), request.target()), (&b"GET"[..], &b"/a"[..]));
    world.answer(request, b"ok");
    assert_eq!(client.response(&mut world).text(), "ok");
}

#[test]
fn an_empty_line_between_requests_is_ignored() {
    let mut world = World::new(config());
    let mut client = world.connect();
    client.send(["\r\n", GET, "\r\n", GET].concat());
    assert_eq!(client.echoed(&mut world).text(), "GET /a ");
    assert_eq!(client.echoed(&mut world).text(), "GET /a ");
}

#[test]
fn many_clients_are_served_side_by_side() {
    let mut world = World::new(config());
    let mut clients: Vec<_> = (0..60).map(|_| world.connect()).collect();
    for round in 0..3 {
        for (number, client) in clients.iter_mut().enumerate() {
            client.send(format!("GET /{round}/{number} HTTP/1.1\r\nHost: h\r\n\r\n"));
        }
        for (number, client) in clients.iter_mut().enumerate() {
            assert_eq!(client.echoed(&mut world).text(), format!("GET /{round}/{number} "));
        }
    }
    assert_eq!(world.engine.open_connections(), 60);
}

#[test]
fn a_client_that_left_between_requests_costs_nothing() {
    let mut world = World::new(config());
    let mut client = world.connect();
    client.send(GET);
    client.echoed(&mut world);
    drop(client);
    world.until("the connection to go", |world| (world.engine.open_connections() == 0).then_some(()));
    assert!(!world.has_event());
}

#[test]
fn the_peer_is_known_over_tcp_and_nameless_over_unix() {
    let mut world = World::new(config());
    let mut client = world.connect();
    client.send(GET);
    let request = world.request();
    assert_eq!((request.peer().remote_address.as_str(), request.peer().listener), ("127.0.0.1", 0));
    assert!(request.peer().remote_port().is_some());
    world.answer(request, b"");
    let mut client = world.connect_unix();
    client.send(GET);
    let Event::Request(request) = world.event() else { panic!("no request") };
    assert_eq!((request.peer().remote_address.as_str(), request.peer().listener), ("", 1));
    assert_eq!(request.peer().remote_port(), None);
    world.answer(request, b"");
}
