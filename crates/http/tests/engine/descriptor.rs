//! One descriptor that is readable when there is something to do, and only then; and writes that are not split.

use std::{
    os::{fd::AsFd, unix::net::UnixListener},
    time::{Duration, Instant},
};

use nix::sys::socket::{AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, connect, listen, socket};
use rgunicorn_http::{BodyRead, Config, Deadlines, Engine, Handle, Listener};
use rgunicorn_scoreboard::Command;
use tempfile::TempDir;

use crate::world::{Client, World, config, engine, readable, streaming};

const GET: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

const fn movable<T: Send>() {}
const _: () = movable::<Engine>();
const _: () = movable::<Handle>();

#[test]
fn an_engine_at_rest_is_quiet_and_a_connection_wakes_it() {
    let mut world = World::new(config());
    world.assert_quiet();
    let mut client = world.connect();
    assert!(readable(&world.engine, Duration::from_secs(5)));
    world.assert_quiet();
    client.send("GET / ");
    assert!(readable(&world.engine, Duration::from_secs(5)));
    world.assert_quiet();
    client.send("HTTP/1.1\r\nHost: h\r\n\r\n");
    let exchange = world.request();
    world.assert_quiet();
    world.answer(exchange, b"ok");
    client.response(&mut world);
    world.assert_quiet();
}

#[test]
fn no_kind_of_waiting_keeps_the_engine_busy() {
    let mut world = World::new(Config { most_connections: 5, ..streaming() });
    // Half closed while at work, with a body unread, with a response that is not taken, lingering, half a head.
    let mut half_closed = world.connect();
    half_closed.send(GET);
    half_closed.end_sending();
    let first = world.request();
    world.event();
    let mut uploading = world.connect();
    uploading.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 500\r\n\r\nx");
    let mut second = world.request();
    assert_eq!(world.engine.read_body(&mut second), BodyRead::Data { more: true });
    assert_eq!(world.engine.read_body(&mut second), BodyRead::Wait);
    let mut slow = world.connect();
    slow.send(GET);
    let mut third = world.request();
    third.reply.begin(b"200 OK").unwrap();
    while !world.engine.send(&mut third, &[b'x'; 100_000], false).unwrap().full {}
    slow.send("more than is read");
    let mut refused = world.connect();
    refused.send("GET / HTTP/1.1\r\n\r\n");
    refused.response(&mut world);
    let mut partial = world.connect();
    partial.send("GET /");
    world.assert_quiet();
    // One more than the engine takes.
    let mut waiting = world.connect();
    waiting.send(GET);
    world.assert_quiet();
    assert_eq!(world.engine.open_connections(), 5);
    // A response that is written and not taken.
    world.engine.send(&mut third, b"", true).unwrap();
    world.engine.finish(third);
    world.assert_quiet();
    drop((first, second));
}

#[test]
fn the_engine_wakes_its_host_for_a_heartbeat_again_and_again() {
    let mut world = World::new(Config { beat: Duration::from_millis(80), ..config() });
    for _ in 0..3 {
        world.turn(Duration::ZERO);
        let began = Instant::now();
        assert!(readable(&world.engine, Duration::from_secs(5)), "no heartbeat");
        assert!(began.elapsed() < Duration::from_secs(2));
    }
}

#[test]
fn a_turn_without_a_limit_ends_at_the_heartbeat() {
    let mut world = World::new(Config { beat: Duration::from_millis(80), ..config() });
    let began = Instant::now();
    for _ in 0..3 {
        world.engine.turn(None).unwrap();
    }
    assert!(began.elapsed() < Duration::from_secs(3));
}

#[test]
fn a_client_that_reads_its_response_wakes_nobody() {
    let mut world = World::new(config());
    for mut client in [world.connect(), world.connect_unix()] {
        client.send(GET);
        let exchange = world.request();
        world.answer(exchange, &[b'x'; 100_000]);
        world.turn(Duration::ZERO);
        while client.pull(1000) > 0 {}
        assert!(!readable(&world.engine, Duration::from_millis(50)));
        assert_eq!(client.response(&mut world).body.len(), 100_000);
    }
}

#[test]
fn a_deadline_that_is_set_between_turns_wakes_the_host() {
    let deadlines = Deadlines { idle: Duration::from_millis(50), ..Deadlines::default() };
    let mut world = World::new(Config { deadlines, ..config() });
    let mut client = world.connect();
    client.send(GET);
    let exchange = world.request();
    world.assert_quiet();
    world.answer(exchange, b"ok");
    let began = Instant::now();
    client.response(&mut world);
    client.assert_end(&mut world);
    assert!(began.elapsed() < Duration::from_millis(800), "closed after {:?} only", began.elapsed());
}

#[test]
fn what_the_master_says_is_heard_in_order() {
    use std::io::Write as _;
    let mut world = World::new(config());
    world.assert_quiet();
    world.master.write_all(&[Command::ReopenLogs as u8, b'?', Command::StopGracefully as u8]).unwrap();
    world.turn(Duration::from_secs(5));
    assert_eq!(world.engine.command(), Some(Command::ReopenLogs));
    assert_eq!(world.engine.command(), Some(Command::StopGracefully));
    assert_eq!(world.engine.command(), None);
}

#[test]
fn no_more_connections_are_taken_than_allowed() {
    let mut world = World::new(Config { most_connections: 2, ..config() });
    let mut clients: Vec<_> = (0..3).map(|_| world.connect()).collect();
    for client in &mut clients {
        client.send(GET);
    }
    let first = world.request();
    let second = world.request();
    world.assert_quiet();
    assert_eq!(world.engine.open_connections(), 2);
    drop(clients.remove(0));
    world.engine.finish(first);
    let third = world.request();
    world.answer(third, b"at last");
    assert_eq!(clients[1].response(&mut world).text(), "at last");
    world.answer(second, b"");
}

#[test]
fn the_scoreboard_knows_what_is_at_work() {
    let mut world = World::new(config());
    let mut client = world.connect();
    client.send("GET /slow?x HTTP/1.1\r\nHost: h\r\n\r\n");
    let exchange = world.request();
    assert_eq!(world.slot.calls.unfinished()[0].1, "GET /slow?x");
    assert_eq!(world.slot.in_flight(), 1);
    world.answer(exchange, b"12345");
    assert!(world.slot.calls.unfinished().is_empty());
    assert_eq!((world.slot.requests(), world.slot.in_flight(), world.slot.bytes_sent()), (1, 0, 5));
    world.turn(Duration::ZERO);
    assert_eq!(world.slot.latency().iter().sum::<u64>(), 1);
}

/// An engine whose clients see every write as a packet of its own.
fn packets() -> (World, TempDir, impl Fn() -> Client) {
    let directory = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let address = UnixAddr::new(&directory.path().join("packets")).expect("a path");
    let open = |flags| socket(AddressFamily::Unix, SockType::SeqPacket, flags, None).expect("a socket");
    let listener = open(SockFlag::SOCK_NONBLOCK);
    bind(std::os::fd::AsRawFd::as_raw_fd(&listener), &address).expect("an address");
    listen(&listener, Backlog::new(16).expect("a backlog")).expect("a listener");
    let mut world = World::new(config());
    let listener = Listener::unix(UnixListener::from(listener)).expect("a listener");
    (world.engine, world.slot, world.master) = engine(vec![listener], config());
    let connect = move || {
        let client = open(SockFlag::empty());
        connect(std::os::fd::AsRawFd::as_raw_fd(&client.as_fd()), &address).expect("a connection");
        Client::new(client)
    };
    (world, directory, connect)
}

/// The packets that a client has received, by their lengths.
fn lengths(client: &mut Client) -> Vec<usize> {
    std::iter::from_fn(|| Some(client.pull(1 << 20)).filter(|count| *count > 0)).collect()
}

#[test]
fn head_and_first_part_leave_in_one_write() {
    let (mut world, _directory, connect) = packets();
    for len in [0, 5, 8192, 8193, 50_000] {
        let mut client = connect();
        client.send(GET);
        let exchange = world.request();
        world.answer(exchange, &vec![b'x'; len]);
        assert_eq!(lengths(&mut client).len(), 1, "a whole body of {len} bytes");
        assert!(client.bytes.ends_with(&vec![b'x'; len]));
    }
    for len in [5, 8192, 8193, 50_000] {
        let mut client = connect();
        client.send(GET);
        let mut exchange = world.request();
        exchange.reply.begin(b"200 OK").unwrap();
        world.engine.send(&mut exchange, &vec![b'x'; len], false).unwrap();
        assert_eq!(lengths(&mut client).len(), 1, "a first part of {len} bytes");
        world.engine.send(&mut exchange, &vec![b'x'; len], false).unwrap();
        assert_eq!(lengths(&mut client).len(), 1, "a second part of {len} bytes");
        world.engine.send(&mut exchange, &vec![b'x'; len], true).unwrap();
        assert_eq!(lengths(&mut client).len(), 1, "a last part of {len} bytes");
        world.engine.finish(exchange);
        assert_eq!(client.response(&mut world).body.len(), 3 * len);
    }
}

#[test]
fn a_part_without_bytes_is_not_written() {
    let (mut world, _directory, connect) = packets();
    let mut client = connect();
    client.send(GET);
    let mut exchange = world.request();
    exchange.reply.begin(b"200 OK").unwrap();
    exchange.reply.field(b"Content-Length", b"2").unwrap();
    assert_eq!(lengths(&mut client), []);
    world.engine.send(&mut exchange, b"ok", false).unwrap();
    assert_eq!(lengths(&mut client).len(), 1);
    world.engine.send(&mut exchange, b"", false).unwrap();
    world.engine.send(&mut exchange, b"", true).unwrap();
    world.engine.finish(exchange);
    // A packet of no bytes would read as the end.
    client.send(GET);
    assert_eq!(client.response(&mut world).text(), "ok");
    assert_eq!(client.echoed(&mut world).text(), "GET / ");
}
