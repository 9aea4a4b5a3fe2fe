//! Clients that always have more do not keep the others waiting, and the process's own limits do no lasting harm.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use rgunicorn_http::{Config, Deadlines, Event};

use crate::world::{Client, World, config};

const GET: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

/// How many requests of others are served before that of a client that comes later.
fn served_before(world: &mut World, other: &mut Client, mut more: impl FnMut()) -> usize {
    let end = Instant::now() + Duration::from_secs(20);
    let (mut served, mut sent) = (0, false);
    while Instant::now() < end {
        more();
        if !world.engine.has_work() {
            world.engine.turn(Some(Duration::from_millis(5))).expect("a turn");
        }
        // As a worker does: events first, and a turn when there are none.
        while let Some(event) = world.engine.next() {
            let Event::Request(exchange) = event else { continue };
            let mine = exchange.target() == b"/other";
            world.answer(exchange, b"");
            if mine {
                return served;
            }
            served += 1;
            assert!(served < 20_000, "the other client is never served");
            more();
            if served == 10 {
                other.send("GET /other HTTP/1.1\r\nHost: h\r\n\r\n");
                sent = true;
            }
        }
        if !std::mem::replace(&mut sent, true) {
            other.send("GET /other HTTP/1.1\r\nHost: h\r\n\r\n");
        }
        world.engine.turn(Some(Duration::ZERO)).expect("a turn");
    }
    panic!("the other client is not served in time");
}

#[test]
fn a_client_that_pipelines_without_end_shares_the_worker() {
    let mut world = World::new(config());
    let mut greedy = world.connect_unix();
    let mut other = world.connect_unix();
    world.until("both", |world| (world.engine.open_connections() == 2).then_some(()));
    let flood = GET.repeat(2000);
    let mut at = 0;
    let served = served_before(&mut world, &mut other, || {
        greedy.pull(1 << 20);
        greedy.bytes.clear();
        at = (at + greedy.push(&flood.as_bytes()[at..])) % flood.len();
    });
    assert!(served < 1000, "{served} requests were served first");
}

#[test]
fn a_client_that_uploads_without_end_shares_the_worker() {
    let mut world = World::new(config());
    let mut greedy = world.connect_unix();
    let mut other = world.connect_unix();
    greedy.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 20000000\r\n\r\n");
    world.until("both", |world| (world.engine.open_connections() == 2).then_some(()));
    let uploading = std::thread::spawn(move || {
        let piece = vec![b'x'; 1 << 16];
        let end = Instant::now() + Duration::from_secs(20);
        let mut sent = 0;
        while sent < 19_000_000 && Instant::now() < end {
            sent += greedy.push(&piece);
        }
        greedy
    });
    assert_eq!(served_before(&mut world, &mut other, || ()), 0);
    world.until("the upload to go on", |_| uploading.is_finished().then_some(()));
    drop(uploading.join());
}

#[test]
fn a_client_that_sends_without_end_after_its_refusal_is_left_in_time() {
    let deadlines = Deadlines { linger: Duration::from_millis(100), ..Deadlines::default() };
    let mut world = World::new(Config { deadlines, ..config() });
    let mut greedy = world.connect_unix();
    let mut other = world.connect_unix();
    greedy.send("GET / HTTP/1.1\r\n\r\n");
    assert_eq!(greedy.response(&mut world).status, 400);
    let flooding = std::thread::spawn(move || {
        let piece = vec![b'x'; 1 << 16];
        let end = Instant::now() + Duration::from_secs(20);
        while Instant::now() < end && greedy.try_push(&piece) {}
        Instant::now() < end
    });
    assert_eq!(served_before(&mut world, &mut other, || ()), 0);
    world.until("the end", |world| (world.engine.open_connections() == 1).then_some(()));
    world.until("the client to notice", |_| flooding.is_finished().then_some(()));
    assert!(flooding.join().unwrap(), "the flood went on");
}

#[test]
fn a_process_without_descriptors_waits_without_spinning_and_recovers() {
    const CHILD: &str = "RGUNICORN_TEST_NO_DESCRIPTORS";
    if std::env::var_os(CHILD).is_none() {
        // The limit is a matter of the whole process, so this test runs in one of its own.
        let test = "fairness::a_process_without_descriptors_waits_without_spinning_and_recovers";
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test])
            .env(CHILD, "1")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    let mut world = World::new(config());
    world.turn(Duration::ZERO);
    let mut client = world.connect_unix();
    client.send(GET);
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, 3, hard).unwrap();
    let began = Instant::now();
    let mut turns = 0;
    while began.elapsed() < Duration::from_millis(900) {
        world.engine.turn(None).unwrap();
        assert!(world.engine.next().is_none());
        turns += 1;
    }
    assert!((3..12).contains(&turns), "{turns} turns");
    setrlimit(Resource::RLIMIT_NOFILE, soft, hard).unwrap();
    assert_eq!(client.echoed(&mut world).status, 200);
    assert!(began.elapsed() < Duration::from_secs(3));
}
