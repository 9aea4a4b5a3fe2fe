//! Request bodies: read ahead or as the application asks, awaited, unread.

use std::time::Duration;

use rgunicorn_http::{Body, BodyRead, Config, Event, Exchange, Limits};

use crate::world::{Client, Wire, World, body_of, config, streaming};

fn post(body: &[u8]) -> Vec<u8> {
    let head = format!("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn noise(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * at / 7) as u8).collect()
}

/// Read a body as the application would under ASGI.
fn read_all(world: &mut World, exchange: &mut Exchange) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        match world.engine.read_body(exchange) {
            BodyRead::Data { more } => {
                body.extend_from_slice(exchange.chunk());
                if !more {
                    return body;
                }
            }
            BodyRead::Wait => match world.event() {
                Event::Readable(id) => assert_eq!(id, exchange.id()),
                other => panic!("not readable: {other:?}"),
            },
            BodyRead::End => return body,
            BodyRead::Gone => panic!("the client is gone"),
        }
    }
}

#[test]
fn a_small_body_lies_behind_its_head() {
    let mut world = World::new(config());
    let mut client = world.connect();
    client.send(post(b"hello"));
    let mut exchange = world.request();
    let Body::Behind(start, len) = exchange.take_body() else { panic!("not behind the head") };
    assert_eq!(exchange.behind(start, len), b"hello");
    assert!(!exchange.has_unread_body());
    world.answer(exchange, b"");
}

#[test]
fn a_body_that_comes_late_is_waited_for() {
    let mut world = World::new(config());
    let mut client = world.connect();
    let request = post(&noise(9000));
    for piece in request.chunks(1000) {
        assert!(!world.has_event());
        client.send(piece);
        world.turn(Duration::from_secs(1));
    }
    let mut exchange = world.request();
    assert!(body_of(&mut exchange) == noise(9000));
    world.answer(exchange, b"");
}

#[test]
fn bodies_go_to_memory_and_larger_ones_to_a_file() {
    let limits = Limits { body_memory: 100_000, ..Limits::default() };
    let mut world = World::new(Config { limits, ..config() });
    let mut client = world.connect();
    for len in [16_000, 50_000, 100_000, 100_001, 3_000_000] {
        client.send_all(&mut world, &post(&noise(len)));
        let mut exchange = world.request();
        let kind = match &exchange.take_body() {
            Body::Memory(bytes) if *bytes == noise(len) => "memory",
            Body::File(_, length) if *length == len as u64 => "file",
            Body::Behind(..) => "behind",
            other => panic!("{other:?}"),
        };
        let expected = if len > 100_000 {
            "file"
        } else if len > 16_384 {
            "memory"
        } else {
            "behind"
        };
        assert_eq!(kind, expected, "{len} bytes");
        world.answer(exchange, b"");
        assert_eq!(client.response(&mut world).status, 200);
    }
}

#[test]
fn a_body_that_comes_while_others_fill_the_memory_goes_to_a_file_sooner() {
    let limits = Limits { body_backlog: 100_000, ..Limits::default() };
    let mut world = World::new(Config { limits, ..config() });
    let (slow, quick) = (post(&noise(95_000)), post(&noise(90_000)));
    let mut first = world.connect();
    first.send_all(&mut world, &slow[..slow.len() - 1]);
    world.assert_quiet();
    let mut second = world.connect();
    second.send_all(&mut world, &quick);
    let mut exchange = world.request();
    assert!(matches!(exchange.take_body(), Body::File(_, 90_000)));
    world.answer(exchange, b"");
    first.send(&slow[slow.len() - 1..]);
    let mut exchange = world.request();
    assert!(matches!(exchange.take_body(), Body::Memory(bytes) if bytes == noise(95_000)));
    world.answer(exchange, b"");
}

#[test]
fn a_body_in_a_file_is_whole_and_at_its_beginning() {
    let limits = Limits { body_memory: 1000, ..Limits::default() };
    let mut world = World::new(Config { limits, ..config() });
    let mut client = world.connect();
    client.send_all(&mut world, &post(&noise(200_000)));
    let mut exchange = world.request();
    assert!(body_of(&mut exchange) == noise(200_000));
    world.answer(exchange, b"");
}

#[test]
fn a_chunked_body_is_read_ahead_whole() {
    let mut world = World::new(config());
    let mut client = world.connect();
    client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel");
    world.turn(Duration::from_secs(1));
    assert!(!world.has_event());
    client.send("lo\r\n1;a=b\r\n!\r\n0\r\nX: y\r\n\r\nGET /next HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(client.echoed(&mut world).text(), "POST / hello!");
    assert_eq!(client.echoed(&mut world).text(), "GET /next ");
}

#[test]
fn a_streamed_body_is_read_as_the_application_asks() {
    let mut world = World::new(streaming());
    let mut client = world.connect();
    let body = noise(400_000);
    let request = post(&body);
    client.send(&request[..1000]);
    let mut exchange = world.request();
    assert!(exchange.has_unread_body());
    let mut read = Vec::new();
    let mut rest = &request[1000..];
    while read.len() < body.len() {
        rest = &rest[client.push(&rest[..rest.len().min(30_000)])..];
        match world.engine.read_body(&mut exchange) {
            BodyRead::Data { .. } => read.extend_from_slice(exchange.chunk()),
            BodyRead::Wait => assert!(matches!(world.event(), Event::Readable(_))),
            other => panic!("{other:?}"),
        }
    }
    assert!(read == body);
    assert_eq!(world.engine.read_body(&mut exchange), BodyRead::End);
    assert!(!exchange.has_unread_body());
    world.answer(exchange, b"read");
    assert_eq!(client.response(&mut world).text(), "read");
}

#[test]
fn a_streamed_chunked_body_leaves_the_next_request_alone() {
    let mut world = World::new(streaming());
    let mut client = world.connect();
    client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    let mut exchange = world.request();
    assert_eq!(world.engine.read_body(&mut exchange), BodyRead::Wait);
    client.send("5\r\nhello\r\n0\r\n\r\nGET /next HTTP/1.1\r\nHost: h\r\n\r\n");
    assert!(matches!(world.event(), Event::Readable(_)));
    assert_eq!(read_all(&mut world, &mut exchange), b"hello");
    world.answer(exchange, b"1");
    let next = world.request();
    assert_eq!(next.target(), b"/next");
    world.answer(next, b"2");
    assert_eq!(client.response(&mut world).text(), "1");
    assert_eq!(client.response(&mut world).text(), "2");
}

#[test]
fn the_engine_reads_no_more_than_the_application_asks_for() {
    let mut world = World::new(streaming());
    let mut client = world.connect();
    let request = post(&vec![b'x'; 64 << 20]);
    let mut sent = client.push(&request);
    let exchange = world.request();
    // The client sends until the socket is full; nobody reads, so the engine takes nothing.
    for _ in 0..50 {
        world.turn(Duration::from_millis(2));
        sent += client.push(&request[sent..]);
    }
    assert!(sent < 32 << 20, "the engine has read {sent} bytes that nobody asked for");
    world.engine.finish(exchange);
}

#[test]
fn a_client_that_awaits_it_is_told_to_continue_when_the_body_is_read() {
    for mut world in [World::new(config()), World::new(streaming())] {
        let mut client = world.connect();
        client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
        let mut exchange = world.request();
        world.turn(Duration::from_millis(20));
        assert_eq!(client.pull(1000), 0, "told to continue before the application reads");
        assert_eq!(world.engine.read_body(&mut exchange), BodyRead::Wait);
        assert_eq!(client.response(&mut world).status, 100);
        client.send("hello");
        assert_eq!(read_all(&mut world, &mut exchange), b"hello");
        world.answer(exchange, b"ok");
        let response = client.response(&mut world);
        assert_eq!((response.text(), response.header("Connection")), ("ok", None));
    }
}

#[test]
fn a_client_whose_awaited_body_is_not_read_gets_its_answer_and_the_end() {
    let mut world = World::new(config());
    let mut client = world.connect();
    client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    let exchange = world.request();
    world.answer(exchange, b"no");
    let response = client.response(&mut world);
    assert_eq!((response.status, response.header("Connection")), (200, Some("close")));
    client.assert_end(&mut world);
}

#[test]
fn a_body_without_a_length_is_invited_and_read_ahead_whole() {
    let mut world = World::new(config());
    let mut client = world.connect();
    client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(client.response(&mut world).status, 100);
    assert!(!world.has_event());
    client.send("5\r\nhello\r\n0\r\n\r\n");
    assert_eq!(client.echoed(&mut world).text(), "POST / hello");
}

#[test]
fn a_body_that_came_with_its_head_needs_no_invitation() {
    let mut world = World::new(streaming());
    let mut client = world.connect();
    client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhel");
    let mut exchange = world.request();
    assert_eq!(world.engine.read_body(&mut exchange), BodyRead::Data { more: true });
    client.send("lo");
    assert_eq!(read_all(&mut world, &mut exchange), b"lo");
    world.answer(exchange, b"ok");
    assert_eq!(client.response(&mut world).status, 200);
}

#[test]
fn a_body_that_was_not_read_is_dropped_before_the_next_request() {
    let mut world = World::new(streaming());
    let mut client = world.connect();
    let request = post(&noise(100_000));
    client.send(&request[..500]);
    let exchange = world.request();
    world.answer(exchange, b"1");
    let response = client.response(&mut world);
    assert_eq!((response.text(), response.header("Connection")), ("1", None));
    client.send_all(&mut world, &request[500..]);
    client.send("GET /next HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(client.echoed(&mut world).text(), "GET /next ");
}

/// Send a long body that nobody reads: the response must arrive, and no reset before it.
fn upload_unread(world: &mut World, client: &mut Client, request: &[u8]) -> String {
    let mut rest = request;
    let exchange = world.request();
    world.answer(exchange, b"no thanks");
    world.until("the client to send all, or to be told not to", |_| {
        client.pull(1000);
        rest = match client.wire {
            Wire::Open => &rest[client.push(rest)..],
            Wire::Ended | Wire::Reset => &[],
        };
        rest.is_empty().then_some(())
    });
    client.end_sending();
    let (bytes, wire) = client.end(world);
    assert_eq!(wire, Wire::Ended, "the client saw a reset");
    String::from_utf8(bytes).expect("text")
}

#[test]
fn too_much_unread_body_ends_the_connection_but_the_response_arrives() {
    let mut world = World::new(streaming());
    let mut client = world.connect();
    let request = post(&noise(4_000_000));
    client.send(&request[..500]);
    let response = upload_unread(&mut world, &mut client, &request[500..]);
    assert!(response.contains("Connection: close\r\n") && response.ends_with("no thanks"), "{response}");
}

#[test]
fn an_endless_chunked_body_that_nobody_reads_ends_the_connection() {
    let mut world = World::new(streaming());
    let mut client = world.connect();
    client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    let chunks = [b"400\r\n".as_slice(), &[b'x'; 1024], b"\r\n"].concat().repeat(2000);
    let response = upload_unread(&mut world, &mut client, &chunks);
    assert!(response.ends_with("no thanks"), "{response}");
}

#[test]
fn a_client_that_leaves_in_the_middle_of_a_streamed_body_is_gone() {
    let mut world = World::new(streaming());
    let mut client = world.connect();
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 50\r\n\r\nhello");
    let mut exchange = world.request();
    assert_eq!(world.engine.read_body(&mut exchange), BodyRead::Data { more: true });
    assert_eq!(world.engine.read_body(&mut exchange), BodyRead::Wait);
    client.end_sending();
    assert!(matches!(world.event(), Event::Readable(_)));
    assert_eq!(world.engine.read_body(&mut exchange), BodyRead::Gone);
    world.engine.finish(exchange);
    assert_eq!(client.response(&mut world).status, 400);
    client.assert_end(&mut world);
}

#[test]
fn a_client_that_leaves_in_the_middle_of_its_body_and_of_its_response_gets_no_second_head() {
    let mut world = World::new(streaming());
    let mut client = world.connect();
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 50\r\n\r\nhello");
    let mut exchange = world.request();
    exchange.reply.begin(b"200 OK").unwrap();
    world.engine.send(&mut exchange, &[b'x'; 200_000], false).unwrap();
    assert_eq!(world.engine.read_body(&mut exchange), BodyRead::Data { more: true });
    client.end_sending();
    world.until("the end of the body", |world| {
        (world.engine.read_body(&mut exchange) == BodyRead::Gone).then_some(())
    });
    world.engine.finish(exchange);
    let (bytes, wire) = client.end(&mut world);
    assert_eq!(wire, Wire::Ended);
    assert_eq!(bytes.windows(5).filter(|five| five == b"HTTP/").count(), 1);
    assert_eq!(bytes.iter().filter(|byte| **byte == b'x').count(), 200_000, "bytes that were sent are lost");
}

#[test]
fn a_request_whose_body_never_completes_is_not_handed_out() {
    let mut world = World::new(config());
    for request in [
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 50\r\n\r\nhello",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ] {
        let mut client = world.connect();
        client.send(request);
        client.end_sending();
        assert_eq!(client.response(&mut world).status, 400);
        client.assert_end(&mut world);
        assert!(!world.has_event());
    }
    assert_eq!(world.slot.in_flight(), 0);
}

#[test]
fn broken_chunks_are_gone_for_an_application_that_reads_them() {
    let mut world = World::new(streaming());
    let mut client = world.connect();
    client
        .send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloGET / HTTP/1.1\r\n");
    let mut exchange = world.request();
    assert_eq!(world.engine.read_body(&mut exchange), BodyRead::Gone);
    world.answer(exchange, b"what?");
    let response = client.response(&mut world);
    assert_eq!(response.header("Connection"), Some("close"));
    client.assert_end(&mut world);
}

#[test]
fn a_body_that_was_spooled_can_be_read_piece_by_piece_as_well() {
    let mut world = World::new(config());
    let mut client = world.connect();
    client.send_all(&mut world, &post(&noise(60_000)));
    let mut exchange = world.request();
    assert!(read_all(&mut world, &mut exchange) == noise(60_000));
    world.answer(exchange, b"");
}

#[test]
fn a_client_that_sends_no_more_is_noticed_whatever_waits_to_be_read() {
    let chunked = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    let next = "GET /next HTTP/1.1\r\nHost: h\r\n\r\n";
    let mut world = World::new(streaming());
    let mut client = world.connect();
    client.send([chunked, next].concat());
    let mut exchange = world.request();
    client.end_sending();
    assert!(matches!(world.event(), Event::Closed(id) if id == exchange.id()));
    assert_eq!(world.engine.read_body(&mut exchange), BodyRead::Data { more: false });
    assert_eq!(exchange.chunk(), b"hello");
    world.answer(exchange, b"still");
    assert_eq!(client.response(&mut world).text(), "still");
    assert_eq!(client.echoed(&mut world).text(), "GET /next ");
    client.assert_end(&mut world);
}

#[test]
fn a_client_that_sends_no_more_after_an_awaited_body_is_noticed_too() {
    let mut world = World::new(streaming());
    let mut client = world.connect();
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n");
    let mut exchange = world.request();
    let id = exchange.id();
    assert_eq!(world.engine.read_body(&mut exchange), BodyRead::Wait);
    client.send("hello");
    client.end_sending();
    assert!(matches!(world.event(), Event::Readable(readable) if readable == id));
    assert_eq!(world.engine.read_body(&mut exchange), BodyRead::Data { more: false });
    assert!(matches!(world.event(), Event::Closed(closed) if closed == id));
    world.answer(exchange, b"");
}
