//! Exchanges are used again: nothing of one request may show in the next.

use rgunicorn_http::{Body, BodyRead};

use crate::world::{World, config, streaming};

#[test]
fn nothing_of_a_request_is_left_in_the_next_one() {
    let mut world = World::new(config());
    let mut client = world.connect();
    let body = "secret-body".repeat(100);
    client.send(format!(
        "POST /secret-path?secret-query HTTP/1.1\r\nHost: secret-host\r\nX-Secret: 1\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    let mut exchange = world.request();
    exchange.environ.push(("SECRET".to_owned(), b"1".to_vec()));
    exchange.reply.begin(b"200 OK").unwrap();
    exchange.reply.field(b"X-Secret", b"1").unwrap();
    exchange.reply.field(b"Server", b"secret").unwrap();
    exchange.reply.field(b"Content-Length", b"50").unwrap();
    world.engine.send(&mut exchange, b"secret", false).unwrap();
    world.engine.finish(exchange);

    let mut other = world.connect();
    other.send("GET /b HTTP/1.1\r\nHost: h\r\n\r\n");
    let mut exchange = world.request();
    assert_eq!((exchange.path(), exchange.query()), (&b"/b"[..], &b""[..]));
    assert_eq!(exchange.fields().collect::<Vec<_>>(), [(&b"Host"[..], &b"h"[..])]);
    assert!(exchange.environ.is_empty() && exchange.chunk().is_empty());
    assert!(matches!(exchange.take_body(), Body::Empty));
    assert_eq!((exchange.sent(), exchange.owed(), exchange.is_started()), (0, None, false));
    assert!(!exchange.is_ended() && !exchange.has_unread_body());
    assert_eq!((exchange.reply.status(), exchange.reply.length()), (0, None));
    assert_eq!(exchange.reply.values("X-Secret").count(), 0);
    world.answer(exchange, b"ok");
    let response = other.response(&mut world);
    assert!(
        !response.head.contains("ecret") && response.header("Server") == Some("rgunicorn"),
        "{}",
        response.head
    );
}

#[test]
fn a_chunk_that_was_read_is_gone_with_its_request() {
    let mut world = World::new(streaming());
    let mut client = world.connect();
    client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nsecret\r\n");
    let mut exchange = world.request();
    assert_eq!(world.engine.read_body(&mut exchange), BodyRead::Data { more: true });
    assert_eq!(exchange.chunk(), b"secret");
    world.answer(exchange, b"ok");
    assert_eq!(client.response(&mut world).status, 200);

    let mut other = world.connect();
    other.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    let mut exchange = world.request();
    assert_eq!(exchange.chunk(), b"");
    assert_eq!(world.engine.read_body(&mut exchange), BodyRead::End);
    assert_eq!(exchange.chunk(), b"");
    world.answer(exchange, b"ok");
}

#[test]
fn a_refused_request_leaves_nothing_behind_either() {
    let mut world = World::new(config());
    let mut client = world.connect();
    client.send("GET /secret HTTP/1.1\r\nX-Secret: 1\r\n\r\n");
    assert_eq!(client.response(&mut world).status, 400);
    let mut other = world.connect();
    other.send("GET /b HTTP/1.1\r\nHost: h\r\n\r\n");
    let exchange = world.request();
    assert_eq!(exchange.values("X-Secret").count(), 0);
    assert_eq!(exchange.reply.status(), 0);
    world.answer(exchange, b"ok");
    assert_eq!(other.response(&mut world).status, 200);
}

#[test]
fn large_buffers_are_not_kept() {
    let mut world = World::new(config());
    let mut client = world.connect();
    let fields = format!("X: {}\r\n", "a".repeat(7000)).repeat(8);
    client.send_all(&mut world, format!("GET /large HTTP/1.1\r\nHost: h\r\n{fields}\r\n").as_bytes());
    assert_eq!(client.echoed(&mut world).text(), "GET /large ");
    client.send("GET /small HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(client.echoed(&mut world).text(), "GET /small ");
}
