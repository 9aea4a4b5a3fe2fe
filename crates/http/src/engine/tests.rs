//! What only the inside of the engine can show.

use std::{
    io::Write as _,
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::net::{UnixListener, UnixStream},
    },
    time::Duration,
};

use rgunicorn_scoreboard::Scoreboard;
use tempfile::TempDir;

use super::*;
use crate::reactor::Stream;

struct World {
    engine: Engine,
    directory: TempDir,
    _master: UnixStream,
}

impl World {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let listener = UnixListener::bind(directory.path().join("socket")).unwrap();
        listener.set_nonblocking(true).unwrap();
        let (commands, master) = UnixStream::pair().unwrap();
        commands.set_nonblocking(true).unwrap();
        let slot = Scoreboard::new(1).unwrap().lease(1, 0).unwrap();
        let config = Config {
            limits: Limits::default(),
            leniency: Leniency::default(),
            proxies: Policy::default(),
            deadlines: Deadlines::default(),
            spool_bodies: true,
            sendfile: true,
            mounts: Mounts::default(),
            readiness: None,
            most_connections: 5000,
            beat: Duration::from_secs(60),
            frontends: Frontends::default(),
        };
        let engine = Engine::new(vec![Listener::unix(listener).unwrap()], commands, slot, config).unwrap();
        Self { engine, directory, _master: master }
    }

    fn client(&self) -> UnixStream {
        UnixStream::connect(self.directory.path().join("socket")).unwrap()
    }

    fn event(&mut self) -> Option<Event> {
        for _ in 0..5 {
            self.engine.turn(Some(Duration::from_millis(5))).unwrap();
            if let Some(event) = self.engine.next() {
                return Some(event);
            }
        }
        None
    }

    fn request(&mut self, client: &mut UnixStream) -> Box<Exchange> {
        client.write_all(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").unwrap();
        match self.event() {
            Some(Event::Request(exchange)) => exchange,
            other => panic!("no request: {other:?}"),
        }
    }

    fn answer(&mut self, mut exchange: Box<Exchange>) {
        exchange.reply.begin(b"200 OK").unwrap();
        self.engine.send(&mut exchange, b"", true).unwrap();
        self.engine.finish(exchange);
    }
}

/// The server's end of a connection, held as a process holds it that the application has forked.
fn hold(engine: &Engine, id: Id) -> OwnedFd {
    match &engine.connections[id.key].stream {
        Stream::Tcp(stream) => stream.as_fd().try_clone_to_owned().unwrap(),
        Stream::Unix(stream) => stream.as_fd().try_clone_to_owned().unwrap(),
    }
}

#[test]
fn the_end_of_a_connection_that_has_gone_is_not_reported_as_anothers() {
    let mut world = World::new();
    let mut first = world.client();
    let exchange = world.request(&mut first);
    let gone = exchange.id();
    let held = hold(&world.engine, gone);
    world.answer(exchange);
    assert!(!world.engine.is_open(gone));
    let mut second = world.client();
    let exchange = world.request(&mut second);
    assert_eq!(exchange.id().key, gone.key);
    drop(first);
    assert!(world.event().is_none());
    drop(held);
    world.answer(exchange);
}

#[test]
fn connections_that_have_gone_leave_no_heap_of_deadlines() {
    let mut world = World::new();
    for _ in 0..40 {
        let clients: Vec<_> = (0..100).map(|_| world.client()).collect();
        while world.engine.open_connections() < clients.len() {
            world.engine.turn(Some(Duration::from_millis(5))).unwrap();
            assert!(world.engine.next().is_none());
        }
        drop(clients);
        while world.engine.open_connections() > 0 {
            world.engine.turn(Some(Duration::from_millis(5))).unwrap();
            assert!(world.engine.next().is_none());
        }
    }
    assert!(world.engine.timers.len() < 2000, "{} entries", world.engine.timers.len());
}

#[test]
fn a_thread_that_waits_for_its_client_does_not_sleep_over_what_was_put_off() {
    let mut world = World::new();
    let mut client = world.client();
    let exchange = world.request(&mut client);
    let mut other = world.client();
    let others = world.request(&mut other);
    world.engine.postpone(others.id().key);
    assert!(world.engine.has_work());
    let began = std::time::Instant::now();
    assert!(world.engine.tend(exchange.id(), Duration::from_secs(9)).unwrap().is_none());
    assert!(began.elapsed() < Duration::from_secs(5), "slept {:?}", began.elapsed());
    assert!(world.engine.later.is_empty());
    world.answer(exchange);
    world.answer(others);
}
