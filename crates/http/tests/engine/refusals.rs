//! Requests that break a rule: a clear answer, the end of the connection, and nothing handed out.

use std::process::Command;

use rgunicorn_http::{Config, Limits};

use crate::world::{Wire, World, config, streaming};

fn table() -> Vec<(String, &'static str)> {
    let mut table: Vec<(String, &str)> = [
        ("GET / HTTP/1.1\nHost: h\n\n", "400 Bad Request"),
        ("GET /\r\n\r\n", "400 Bad Request"),
        ("\x16\x03\x01\x02", "400 Bad Request"),
        ("\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", "400 Bad Request"),
        ("G@T / HTTP/1.1\r\nHost: h\r\n\r\n", "400 Bad Request"),
        ("GET  / HTTP/1.1\r\nHost: h\r\n\r\n", "400 Bad Request"),
        ("GET / HTTP/1.1\r\n\r\n", "400 Bad Request"),
        ("GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", "400 Bad Request"),
        ("GET / HTTP/1.1\r\nHost : h\r\n\r\n", "400 Bad Request"),
        ("GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n c\r\n\r\n", "400 Bad Request"),
        ("GET / HTTP/1.1\r\nHost: h\r\nA: b\0c\r\n\r\n", "400 Bad Request"),
        ("GET /#f HTTP/1.1\r\nHost: h\r\n\r\n", "400 Bad Request"),
        ("GET / http/1.1\r\n", "400 Bad Request"),
        ("GET / HTTP/1.1\r\nA : b\r\n", "400 Bad Request"),
        ("get / HTTP/1.1\r\nHost: h\r\n\r\n", "400 Bad Request"),
        ("CONNECT / HTTP/1.1\r\nHost: h\r\n\r\n", "400 Bad Request"),
        ("CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", "501 Not Implemented"),
        ("GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n", "400 Bad Request"),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", "400 Bad Request"),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\nx", "400 Bad Request"),
        (
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx",
            "400 Bad Request",
        ),
        ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", "400 Bad Request"),
        ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 Bad Request"),
        ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n", "400 Bad Request"),
        (
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nHost: i\r\n\r\n",
            "400 Bad Request",
        ),
        ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "501 Not Implemented"),
        ("GET / HTTP/1.1\r\nHost: h\r\nExpect: a miracle\r\n\r\n", "417 Expectation Failed"),
        ("GET / HTTP/2.0\r\nHost: h\r\n\r\n", "505 HTTP Version Not Supported"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505 HTTP Version Not Supported"),
    ]
    .map(|(request, status)| (request.to_owned(), status))
    .into();
    table.push((format!("GET /{} HTTP/1.1\r\n", "a".repeat(4094)), "414 URI Too Long"));
    table.push((format!("GET /{}", "a".repeat(5000)), "414 URI Too Long"));
    let large = "431 Request Header Fields Too Large";
    table.push((format!("GET / HTTP/1.1\r\nA: {}", "a".repeat(8200)), large));
    table.push((format!("GET / HTTP/1.1\r\nHost: h\r\n{}\r\n", "A: b\r\n".repeat(100)), large));
    table.push((format!("GET / HTTP/1.1\r\n{}", format!("A: {}\r\n", "a".repeat(8000)).repeat(20)), large));
    table
}

#[test]
fn a_request_that_breaks_a_rule_is_answered_and_the_connection_ends() {
    let mut world = World::new(config());
    for (request, status) in table() {
        let mut client = world.connect();
        client.send_all(&mut world, request.as_bytes());
        let response = client.response(&mut world);
        let shown = request.escape_debug();
        assert!(response.head.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{shown}: {}", response.head);
        assert_eq!(response.header("Connection"), Some("close"), "{shown}");
        assert!(response.text().starts_with(&status[..3]), "{shown}");
        client.end_sending();
        client.assert_end(&mut world);
        assert!(!world.has_event(), "handed out: {shown}");
    }
    assert_eq!((world.slot.requests(), world.slot.in_flight()), (0, 0));
    world.until("all to end", |world| (world.engine.open_connections() == 0).then_some(()));
}

#[test]
fn a_refused_head_is_answered_without_a_body() {
    let mut world = World::new(config());
    for request in ["HEAD / HTTP/1.1\r\n\r\n", "\r\nHEAD / HTTP/1.1\r\nHost: h\r\nA : b\r\n\r\n"] {
        let mut client = world.connect();
        client.send(request);
        let response = client.head_response(&mut world);
        assert_eq!((response.status, response.header("Connection")), (400, Some("close")));
        client.end_sending();
        client.assert_end(&mut world);
    }
}

#[test]
fn nothing_behind_a_refused_request_is_read_as_a_request() {
    let mut world = World::new(config());
    let mut client = world.connect();
    client.send("GET / HTTP/1.1\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(client.response(&mut world).status, 400);
    client.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
    client.end_sending();
    client.assert_end(&mut world);
    assert!(!world.has_event());
}

#[test]
fn requests_before_the_refused_one_are_answered_first() {
    let mut world = World::new(streaming());
    let mut client = world.connect();
    client.send("GET /good HTTP/1.1\r\nHost: h\r\n\r\nGET /bad HTTP/1.1\r\n\r\n");
    assert_eq!(client.echoed(&mut world).text(), "GET /good ");
    assert_eq!(client.response(&mut world).status, 400);
    client.assert_end(&mut world);
}

#[test]
fn a_client_that_floods_after_its_refusal_sees_the_answer_and_no_reset() {
    let mut world = World::new(config());
    let mut client = world.connect();
    let flood = ["GET / HTTP/1.1\r\n\r\n".to_owned(), "x".repeat(2_000_000)].concat();
    client.send_all(&mut world, flood.as_bytes());
    client.end_sending();
    let (bytes, wire) = client.end(&mut world);
    assert!(bytes.starts_with(b"HTTP/1.1 400 Bad Request\r\n"));
    assert_eq!(wire, Wire::Ended);
}

#[test]
fn a_body_that_cannot_be_stored_is_refused_and_harms_nobody_else() {
    const CHILD: &str = "RGUNICORN_TEST_NO_STORE";
    if std::env::var_os(CHILD).is_none() {
        // The directory for temporary files is a matter of the whole process, so this test runs in one of its own.
        let test = "refusals::a_body_that_cannot_be_stored_is_refused_and_harms_nobody_else";
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test])
            .envs([(CHILD, "1"), ("TMPDIR", "/no/such/directory")])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    let limits = Limits { body_memory: 10, ..Limits::default() };
    let mut world = World::new(Config { limits, ..config() });
    let mut other = world.connect();
    let mut client = world.connect();
    let body = "x".repeat(50_000);
    client.send(format!("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 50000\r\n\r\n{body}"));
    assert_eq!(client.response(&mut world).status, 507);
    other.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(other.echoed(&mut world).status, 200);
    assert!(!world.has_event());
}
