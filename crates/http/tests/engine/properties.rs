//! Whatever the split and whatever the bytes.

use std::time::Duration;

use proptest::prelude::*;
use rgunicorn_http::{BodyRead, Event};

use crate::world::{Client, World, config, streaming};

/// One valid request: how it is written, and what the application should see.
#[derive(Debug, Clone)]
struct Sample {
    bytes: Vec<u8>,
    target: String,
    body: Vec<u8>,
}

fn samples() -> impl Strategy<Value = Vec<Sample>> {
    let body = prop_oneof![
        3 => prop::collection::vec(any::<u8>(), 0..40),
        1 => prop::collection::vec(any::<u8>(), 15_000..40_000),
    ];
    let sample = ("/[a-z0-9?=&]{0,30}", body, 0..4_u8, 1..5000_usize, any::<bool>()).prop_map(build);
    prop::collection::vec(sample, 1..6)
}

fn build((target, body, kind, chunk, blank): (String, Vec<u8>, u8, usize, bool)) -> Sample {
    let mut bytes = Vec::from(if blank { "\r\n" } else { "" });
    let body = if kind == 0 { Vec::new() } else { body };
    match kind {
        0 => bytes.extend(format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n").bytes()),
        1 | 2 => {
            let head = format!(
                "POST {target} HTTP/1.1\r\nHost: h\r\nX-Kind:  {kind} \r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            bytes.extend(head.bytes());
            bytes.extend(&body);
        }
        _ => {
            bytes.extend(
                format!("PUT {target} HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: h\r\n\r\n").bytes(),
            );
            for piece in body.chunks(chunk) {
                bytes.extend(format!("{:x};a=\"b\"\r\n", piece.len()).bytes());
                bytes.extend(piece);
                bytes.extend(b"\r\n");
            }
            bytes.extend(b"0\r\nX-Trailer: yes\r\n\r\n");
        }
    }
    Sample { bytes, target, body }
}

/// Take whatever has happened: bodies are read as far as they are there, complete requests answered.
struct Reader {
    at_work: Option<(Box<rgunicorn_http::Exchange>, Vec<u8>)>,
    seen: Vec<(String, Vec<u8>)>,
}

impl Reader {
    fn take(&mut self, world: &mut World) {
        loop {
            if self.at_work.is_none() {
                if !world.has_event() {
                    return;
                }
                let Event::Request(mut exchange) = world.event() else { continue };
                let spooled = if exchange.has_unread_body() {
                    Vec::new()
                } else {
                    crate::world::body_of(&mut exchange)
                };
                self.at_work = Some((exchange, spooled));
            }
            let Some((mut exchange, mut body)) = self.at_work.take() else { return };
            match world.engine.read_body(&mut exchange) {
                BodyRead::Data { more: true } => {
                    body.extend_from_slice(exchange.chunk());
                    self.at_work = Some((exchange, body));
                }
                BodyRead::Wait => {
                    self.at_work = Some((exchange, body));
                    return;
                }
                read @ (BodyRead::Data { more: false } | BodyRead::End) => {
                    if read != BodyRead::End {
                        body.extend_from_slice(exchange.chunk());
                    }
                    self.seen.push((String::from_utf8_lossy(exchange.target()).into_owned(), body));
                    world.answer(exchange, b"");
                    world.turn(Duration::ZERO);
                }
                BodyRead::Gone => panic!("a valid body is gone"),
            }
        }
    }
}

fn see(
    world: &mut World,
    stream: &[u8],
    cuts: &[prop::sample::Index],
    count: usize,
) -> Vec<(String, Vec<u8>)> {
    let mut client = world.connect_unix();
    let mut at: Vec<_> = cuts.iter().map(|cut| cut.index(stream.len())).chain([0, stream.len()]).collect();
    at.sort_unstable();
    let mut reader = Reader { at_work: None, seen: Vec::new() };
    for pair in at.windows(2) {
        let mut rest = &stream[pair[0]..pair[1]];
        world.until("the client to send", |world| {
            rest = &rest[client.push(rest)..];
            world.turn(Duration::ZERO);
            reader.take(world);
            rest.is_empty().then_some(())
        });
    }
    world.until("all requests", |world| {
        reader.take(world);
        (reader.seen.len() == count).then_some(())
    });
    world.turn(Duration::ZERO);
    assert!(!world.has_event());
    client.pull(1 << 20);
    assert_eq!(client.bytes.windows(9).filter(|nine| nine == b"HTTP/1.1 ").count(), count);
    reader.seen
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_stream_of_requests_reads_the_same_however_it_is_split(
        samples in samples(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let stream: Vec<u8> = samples.iter().flat_map(|sample| sample.bytes.clone()).collect();
        let expected: Vec<_> =
            samples.iter().map(|sample| (sample.target.clone(), sample.body.clone())).collect();
        for config in [config(), streaming()] {
            let mut world = World::new(config);
            prop_assert_eq!(&see(&mut world, &stream, &cuts, samples.len()), &expected);
        }
    }

    #[test]
    fn a_response_reads_back_as_its_parts_however_slowly_it_is_read(
        parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60_000), 0..8),
        declared in any::<bool>(),
        old in any::<bool>(),
        step in 1_usize..200_000,
    ) {
        let mut world = World::new(config());
        let mut client = world.connect_unix();
        let version = if old { "1.0" } else { "1.1" };
        client.send(format!("GET / HTTP/{version}\r\nHost: h\r\nConnection: keep-alive\r\n\r\n"));
        let mut exchange = world.request();
        let whole = parts.concat();
        exchange.reply.begin(b"200 OK").expect("a status");
        if declared {
            exchange.reply.field(b"Content-Length", whole.len().to_string().as_bytes()).expect("a length");
        }
        for part in &parts {
            let sent = world.engine.send(&mut exchange, part, false).expect("a client");
            prop_assert_eq!(sent.taken, part.len());
            if sent.full {
                let id = exchange.id();
                let room = world.tend(id, || { client.pull(step); });
                prop_assert!(matches!(room, Event::Drained(_)));
            }
        }
        world.engine.send(&mut exchange, b"", true).expect("a client");
        prop_assert_eq!(exchange.sent(), whole.len() as u64);
        world.engine.finish(exchange);
        let response = client.response(&mut world);
        prop_assert!(response.body == whole);
        let goes_on = response.header("Connection") != Some("close");
        prop_assert_eq!(goes_on, declared || !old || parts.is_empty());
    }

    #[test]
    fn bytes_at_random_are_never_taken_for_a_request_that_breaks_the_rules(bytes in garbage()) {
        let mut world = World::new(config());
        let mut client = world.connect_unix();
        client.send(&bytes);
        client.end_sending();
        let sound = drain(&mut world, &mut client);
        prop_assert!(sound.is_ok(), "{}: {}", sound.unwrap_err(), bytes.escape_ascii());
    }
}

/// Pieces of requests, well-formed and not, in any order.
fn garbage() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => prop::sample::select(vec![
            "GET / HTTP/1.1\r\n", "POST /a?b HTTP/1.1\r\n", "GET /\r\n", "GET http://h/ HTTP/1.1\r\n", "* ", "\r\n",
            "\n", "\r", " ", "\t", "\0", "Host: h\r\n", "Host: h\r\n\r\n", "Host: a b\r\n", "HTTP/1.0\r\n",
            "GET / HTTP/1.0\r\n", "Content-Length: 3\r\n", "Content-Length: 03\r\n", "Content-Length: -3\r\n",
            "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: x\r\n", "3\r\nabc\r\n", "0\r\n\r\n", "abc",
            "A: b\r\n c\r\n", "A : b\r\n", ": b\r\n", "A: \x7f\r\n", "Connection: close\r\n", "\r\n\r\n",
        ]).prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 1..8),
    ];
    prop::collection::vec(piece, 1..14).prop_map(|pieces| pieces.concat())
}

/// Answer everything until the connection ends; complain about a request that should not have been handed out.
fn drain(world: &mut World, client: &mut Client) -> Result<(), String> {
    let mut fault = Ok(());
    world.until("the end", |world| {
        while world.has_event() {
            if let Event::Request(exchange) = world.event() {
                fault = fault.clone().and(check(&exchange));
                world.answer(exchange, b"");
            }
        }
        client.pull(1 << 20);
        (client.wire != crate::world::Wire::Open).then_some(())
    });
    fault
}

/// The rules once more, written without the engine's parser.
fn check(exchange: &rgunicorn_http::Exchange) -> Result<(), String> {
    let head = exchange.head_bytes();
    let text = head.strip_suffix(b"\r\n\r\n").ok_or("no end")?;
    let text: String = text.iter().map(|byte| char::from(*byte)).collect();
    let mut lines = text.split("\r\n");
    let words: Vec<_> = lines.next().unwrap_or_default().split(' ').collect();
    let &[method, target, version] = words.as_slice() else { return Err("not three words".to_owned()) };
    let token = |text: &str| {
        !text.is_empty()
            && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(letter))
    };
    let form = target.starts_with('/')
        || target.starts_with("http://")
        || target.starts_with("https://")
        || (target == "*" && method == "OPTIONS");
    let control = |text: &str| text.chars().any(|letter| letter != '\t' && letter.is_ascii_control());
    if !token(method) || !form || control(target) || !["HTTP/1.0", "HTTP/1.1"].contains(&version) {
        return Err(format!("bad request line {words:?}"));
    }
    let (mut hosts, mut lengths, mut codings) = (0, 0, 0);
    for line in lines {
        let (name, value) = line.split_once(':').ok_or("no colon")?;
        if !token(name) || control(value) {
            return Err(format!("bad field {line:?}"));
        }
        let value = value.trim_matches([' ', '\t']);
        match name.to_ascii_lowercase().as_str() {
            "host" if value.contains([' ', '/', '"']) => return Err("bad host".to_owned()),
            "host" => hosts += 1,
            "content-length" if !value.chars().all(|digit| digit.is_ascii_digit()) || value.is_empty() => {
                return Err("bad length".to_owned());
            }
            "content-length" => lengths += 1,
            "transfer-encoding" if value != "chunked" => return Err("bad coding".to_owned()),
            "transfer-encoding" => codings += 1,
            _ => {}
        }
    }
    let host = hosts == 1 || (hosts == 0 && version == "HTTP/1.0");
    let framing = lengths + codings < 2 && (codings == 0 || version == "HTTP/1.1");
    if host && framing { Ok(()) } else { Err("bad framing or host".to_owned()) }
}
