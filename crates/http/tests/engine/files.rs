//! Files as responses: they leave by themselves, whatever client and file do meanwhile.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use rgunicorn_http::{Config, Deadlines, Event, Exchange, FileSlice, SendError};

use crate::world::{Client, Wire, World, config};

const GET: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
const LARGE: usize = 9_000_001;

fn content(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at >> 8) as u8 ^ at as u8).collect()
}

/// A file with this content and no name, at its beginning.
fn file(content: &[u8]) -> Arc<File> {
    let mut file = tempfile::tempfile_in(env!("CARGO_TARGET_TMPDIR")).expect("a file");
    file.write_all(content).expect("room");
    file.seek(SeekFrom::Start(0)).expect("a file");
    Arc::new(file)
}

fn slice(file: &Arc<File>, offset: u64, length: usize) -> FileSlice {
    FileSlice { file: Arc::clone(file), offset, length: length as u64 }
}

fn by_reading() -> Config {
    Config { sendfile: false, ..config() }
}

/// Ask, and take the request.
fn ask(world: &mut World, client: &mut Client) -> Box<Exchange> {
    client.send(GET);
    let mut exchange = world.request();
    exchange.reply.begin(b"200 OK").expect("a status");
    exchange
}

/// Answer with a part of a file and nothing else.
fn answer(world: &mut World, mut exchange: Box<Exchange>, slice: FileSlice) {
    world.engine.send_file(&mut exchange, slice, true).expect("a client");
    world.engine.finish(exchange);
}

/// Pull bytes until nothing more comes by itself.
fn pull_some(world: &mut World, client: &mut Client, least: usize) {
    world.until("some of the response", |_| {
        client.pull(64 * 1024);
        (client.bytes.len() >= least).then_some(())
    });
}

#[test]
fn a_large_file_reaches_a_slow_reader_whole_and_the_connection_goes_on() {
    let content = content(LARGE);
    for config in [config(), by_reading()] {
        let mut world = World::new(config);
        for unix in [false, true] {
            let mut client = if unix { world.connect_unix() } else { world.connect() };
            let file = file(&content);
            let exchange = ask(&mut world, &mut client);
            answer(&mut world, exchange, slice(&file, 0, LARGE));
            client.send("GET /next HTTP/1.1\r\nHost: h\r\n\r\n");
            assert!(!world.has_event());
            let response = client.response(&mut world);
            assert_eq!(response.header("Content-Length"), Some("9000001"));
            assert!(response.body == content);
            assert_eq!(client.echoed(&mut world).text(), "GET /next ");
            world.until("the file to be let go", |_| (Arc::strong_count(&file) == 1).then_some(()));
        }
    }
}

#[test]
fn the_worker_is_free_and_others_are_served_while_a_file_leaves() {
    let mut world = World::new(config());
    let mut slow = world.connect();
    let mut other = world.connect();
    let file = file(&content(LARGE));
    let exchange = ask(&mut world, &mut slow);
    answer(&mut world, exchange, slice(&file, 0, LARGE));
    other.send("GET /other HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(other.echoed(&mut world).text(), "GET /other ");
    assert_eq!((world.slot.in_flight(), world.slot.bytes_sent()), (1, 11));
    assert_eq!(slow.response(&mut world).body.len(), LARGE);
    assert_eq!((world.slot.in_flight(), world.slot.bytes_sent()), (0, LARGE as u64 + 11));
}

#[test]
fn a_part_is_sent_from_where_it_begins_and_the_position_of_the_file_stays() {
    let content = content(300_000);
    for config in [config(), by_reading()] {
        let mut world = World::new(config);
        let mut client = world.connect();
        let file = file(&content);
        (&*file).seek(SeekFrom::Start(7)).unwrap();
        for (offset, length) in [(0, 300_000), (100_000, 150_000), (299_990, 10), (5, 1), (300_000, 0)] {
            let exchange = ask(&mut world, &mut client);
            answer(&mut world, exchange, slice(&file, offset, length));
            let response = client.response(&mut world);
            assert!(response.body == content[offset as usize..][..length], "{length} bytes from {offset}");
        }
        assert_eq!((&*file).stream_position().unwrap(), 7);
    }
}

#[test]
fn bytes_and_files_leave_in_the_order_they_were_sent() {
    let content = content(LARGE);
    for config in [config(), by_reading()] {
        let mut world = World::new(config);
        let mut client = world.connect();
        let file = file(&content);
        let mut exchange = ask(&mut world, &mut client);
        world.engine.send(&mut exchange, b"before", false).unwrap();
        world.engine.send_file(&mut exchange, slice(&file, 1, LARGE - 1), false).unwrap();
        world.engine.send(&mut exchange, b"between", false).unwrap();
        world.engine.send_file(&mut exchange, slice(&file, 0, 100), false).unwrap();
        world.engine.send_file(&mut exchange, slice(&file, 0, 100_000), false).unwrap();
        world.engine.send(&mut exchange, b"after", true).unwrap();
        world.engine.finish(exchange);
        let response = client.response(&mut world);
        let parts: [&[u8]; 6] =
            [b"before", &content[1..], b"between", &content[..100], &content[..100_000], b"after"];
        assert_eq!(response.header("Transfer-Encoding"), Some("chunked"));
        assert!(response.body == parts.concat());
        assert_eq!(world.slot.bytes_sent(), parts.concat().len() as u64);
    }
}

#[test]
fn a_sender_of_files_is_told_to_wait_and_then_to_go_on() {
    let mut world = World::new(config());
    let mut client = world.connect();
    let file = file(&content(LARGE));
    let mut exchange = ask(&mut world, &mut client);
    assert!(world.engine.send_file(&mut exchange, slice(&file, 0, LARGE), false).unwrap());
    world.until("room", |world| {
        client.pull(1 << 20);
        world.has_event().then_some(())
    });
    assert!(matches!(world.event(), Event::Drained(id) if id == exchange.id()));
    assert!(!world.engine.send_file(&mut exchange, slice(&file, 0, 1000), true).unwrap());
    world.engine.finish(exchange);
    assert_eq!(client.response(&mut world).body.len(), LARGE + 1000);
}

#[test]
fn no_more_of_a_file_is_sent_than_the_declared_length() {
    let mut world = World::new(config());
    let mut client = world.connect();
    let file = file(&content(LARGE));
    let mut exchange = ask(&mut world, &mut client);
    exchange.reply.field(b"Content-Length", b"100000").unwrap();
    answer(&mut world, exchange, slice(&file, 0, LARGE));
    assert_eq!(client.response(&mut world).body.len(), 100_000);
    client.send(GET);
    assert_eq!(client.echoed(&mut world).status, 200);
}

#[test]
fn a_file_shorter_than_the_declared_length_ends_the_connection() {
    let mut world = World::new(config());
    let mut client = world.connect();
    let file = file(&content(100_000));
    let mut exchange = ask(&mut world, &mut client);
    exchange.reply.field(b"Content-Length", b"100001").unwrap();
    answer(&mut world, exchange, slice(&file, 0, 100_000));
    let (bytes, wire) = client.end(&mut world);
    assert_eq!(
        (bytes.len() - bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap() - 4, wire),
        (100_000, Wire::Ended)
    );
}

#[test]
fn responses_without_a_body_leave_the_file_alone() {
    let mut world = World::new(config());
    let mut client = world.connect();
    let file = file(&content(LARGE));
    client.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
    let mut exchange = world.request();
    exchange.reply.begin(b"200 OK").unwrap();
    answer(&mut world, exchange, slice(&file, 0, LARGE));
    assert_eq!(client.head_response(&mut world).status, 200);
    client.send(GET);
    let mut exchange = world.request();
    exchange.reply.begin(b"304 Not Modified").unwrap();
    answer(&mut world, exchange, slice(&file, 0, LARGE));
    assert_eq!(client.response(&mut world).status, 304);
    assert_eq!((world.slot.bytes_sent(), Arc::strong_count(&file)), (0, 1));
    client.send(GET);
    assert_eq!(client.echoed(&mut world).status, 200);
}

#[test]
fn a_file_that_is_cut_while_it_is_sent_ends_the_connection() {
    for config in [config(), by_reading()] {
        let mut world = World::new(config);
        let mut client = world.connect();
        let file = file(&content(LARGE));
        let exchange = ask(&mut world, &mut client);
        answer(&mut world, exchange, slice(&file, 0, LARGE));
        pull_some(&mut world, &mut client, 1000);
        file.set_len(1000).unwrap();
        let (bytes, _) = client.end(&mut world);
        assert!(bytes.len() < LARGE, "{} bytes", bytes.len());
        world.until("the end", |world| (world.slot.in_flight() == 0).then_some(()));
        assert!(world.slot.bytes_sent() < LARGE as u64);
        assert_eq!((world.engine.open_connections(), Arc::strong_count(&file)), (0, 1));
    }
}

#[test]
fn a_small_file_that_is_shorter_than_promised_sends_nothing_of_the_response() {
    let mut world = World::new(config());
    let mut client = world.connect();
    let file = file(&content(500));
    let mut exchange = ask(&mut world, &mut client);
    assert_eq!(world.engine.send_file(&mut exchange, slice(&file, 0, 1000), true), Err(SendError));
    world.engine.finish(exchange);
    assert_eq!(client.end(&mut world).0, b"");
}

#[test]
fn a_file_that_cannot_be_read_ends_the_connection() {
    let directory = tempfile::TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = directory.path().join("file");
    std::fs::write(&path, content(LARGE)).unwrap();
    for config in [config(), by_reading()] {
        let mut world = World::new(config);
        let mut client = world.connect();
        let file = Arc::new(OpenOptions::new().write(true).open(&path).unwrap());
        let mut exchange = ask(&mut world, &mut client);
        assert_eq!(world.engine.send_file(&mut exchange, slice(&file, 0, LARGE), true), Err(SendError));
        world.engine.finish(exchange);
        client.end(&mut world);
        assert_eq!((world.slot.bytes_sent(), world.slot.in_flight()), (0, 0));
    }
}

#[test]
fn a_client_that_leaves_in_the_middle_costs_nothing_and_what_it_got_is_counted() {
    for config in [config(), by_reading()] {
        let mut world = World::new(config);
        for unix in [false, true] {
            let before = world.slot.bytes_sent();
            let mut client = if unix { world.connect_unix() } else { world.connect() };
            let file = file(&content(LARGE));
            let exchange = ask(&mut world, &mut client);
            answer(&mut world, exchange, slice(&file, 0, LARGE));
            pull_some(&mut world, &mut client, 300_000);
            assert_eq!(world.slot.in_flight(), 1);
            drop(client);
            world.until("the end", |world| (world.slot.in_flight() == 0).then_some(()));
            assert_eq!((world.engine.open_connections(), Arc::strong_count(&file)), (0, 1));
            let sent = world.slot.bytes_sent() - before;
            assert!((299_000..LARGE as u64).contains(&sent), "{sent} bytes");
        }
    }
}

#[test]
fn what_a_client_got_is_counted_where_it_leaves_before_the_worker_is_done() {
    let mut world = World::new(config());
    let mut client = world.connect();
    let file = file(&content(LARGE));
    let mut exchange = ask(&mut world, &mut client);
    world.engine.send_file(&mut exchange, slice(&file, 0, LARGE), true).unwrap();
    pull_some(&mut world, &mut client, 300_000);
    drop(client);
    world.until("the end", |world| (world.engine.open_connections() == 0).then_some(()));
    world.engine.finish(exchange);
    let sent = world.slot.bytes_sent();
    assert!((299_000..LARGE as u64).contains(&sent), "{sent} bytes");
}

#[test]
fn nothing_is_counted_where_the_client_left_before_the_file_came() {
    let mut world = World::new(config());
    let mut client = world.connect_unix();
    let file = file(&content(LARGE));
    let mut exchange = ask(&mut world, &mut client);
    drop(client);
    world.until("the end", |world| (!world.engine.is_open(exchange.id())).then_some(()));
    assert_eq!(world.engine.send_file(&mut exchange, slice(&file, 0, LARGE), true), Err(SendError));
    world.engine.finish(exchange);
    assert_eq!((world.slot.bytes_sent(), Arc::strong_count(&file)), (0, 1));
}

#[test]
fn a_client_that_does_not_read_a_file_is_given_up() {
    let deadlines = Deadlines { write: Duration::from_millis(60), ..Deadlines::default() };
    let mut world = World::new(Config { deadlines, ..config() });
    let mut client = world.connect_unix();
    let file = file(&content(LARGE));
    let exchange = ask(&mut world, &mut client);
    let began = Instant::now();
    answer(&mut world, exchange, slice(&file, 0, LARGE));
    world.until("the end", |world| (world.engine.open_connections() == 0).then_some(()));
    assert!(began.elapsed() >= Duration::from_millis(55));
    assert!(world.slot.bytes_sent() < LARGE as u64);
    assert_eq!((world.slot.in_flight(), Arc::strong_count(&file)), (0, 1));
}

#[test]
fn a_client_that_always_has_room_does_not_keep_the_others_waiting() {
    let mut world = World::new(config());
    let mut greedy = std::net::TcpStream::connect(world.tcp()).unwrap();
    let file = file(b"");
    // No disk holds this, and no client reads it in time.
    file.set_len(1 << 42).unwrap();
    greedy.write_all(GET.as_bytes()).unwrap();
    let mut exchange = world.request();
    exchange.reply.begin(b"200 OK").unwrap();
    answer(&mut world, exchange, slice(&file, 0, 1 << 42));
    let reader = thread::spawn(move || {
        let mut buffer = vec![0; 1 << 20];
        while greedy.read(&mut buffer).is_ok_and(|count| count > 0) {}
    });
    for _ in 0..5 {
        let mut other = world.connect();
        other.send(GET);
        assert_eq!(other.echoed(&mut world).status, 200);
    }
    assert_eq!(world.slot.in_flight(), 1);
    drop(world);
    reader.join().unwrap();
}
