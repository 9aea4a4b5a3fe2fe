//! Taking connections from the listeners.

use std::io::{self, ErrorKind};

use super::{Engine, token_of};
use crate::{
    connection::{Connection, Phase},
    reactor::NEVER,
};

/// How long to wait when the process has no descriptor or memory left for another connection.
const PAUSE: u64 = 250;
/// A connection that has sent or taken something this many milliseconds ago is not given up for another.
const QUIET: u64 = 1000;
/// How long to wait before looking again for one to give up, where there was none.
const RETRY: u64 = 250;

impl Engine {
    /// Whether a listener is known to have connections that may be taken.
    pub(super) fn can_accept_now(&self) -> bool {
        (self.connections.len() < self.config.most_connections || self.next_shed <= self.clock.now())
            && self.listeners.iter().any(|listening| listening.may_have(self.clock.now()))
    }

    /// Take one connection; `false` when there is none to be had. One at a time, when nothing else is left to do: what
    /// this worker does not take at once, another one that is free can.
    pub(super) fn accept_one(&mut self) -> bool {
        if self.resume <= self.clock.now() {
            self.resume = NEVER;
        }
        let before = self.connections.len();
        for _ in 0..self.listeners.len() {
            // The next one comes from another listener, if that has any.
            self.door = (self.door + 1) % self.listeners.len();
            self.accept_from(self.door, 1);
            if self.connections.len() > before {
                return true;
            }
        }
        false
    }

    pub(super) fn accept_from(&mut self, index: usize, most: usize) {
        for _ in 0..most {
            let now = self.clock.now();
            if !self.listeners[index].may_have(now) {
                return;
            }
            let full = self.connections.len() >= self.config.most_connections;
            let shed = if full { self.find_sheddable() } else { None };
            if full && shed.is_none() {
                return;
            }
            let listening = &mut self.listeners[index];
            let greeting = listening.greeting;
            let Some(listener) = &listening.listener else { return };
            match listener.accept(index) {
                Ok((stream, peer)) => {
                    if let Some(key) = shed {
                        self.shed(key);
                    }
                    let trusted = self.config.proxies.trusts(peer.remote);
                    let mut connection = Connection::new(stream, peer, trusted, self.generation);
                    if let Some(greeting) = greeting {
                        connection.phase = Phase::Greeting(greeting);
                    }
                    if let Err(error) = self.add(connection) {
                        tracing::error!("cannot watch a new connection: {error}");
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    listening.ready = false;
                    if self.closing {
                        self.shut_door(index);
                    }
                }
                // The client gave up while it waited, or a signal came: the next one may be fine.
                Err(error)
                    if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) => {}
                Err(error) => {
                    tracing::error!(
                        "cannot accept a connection: {error} (accepting again in {PAUSE} ms; if this repeats, raise \
                         the limit on open files or lower --worker-connections)"
                    );
                    listening.resume = now + PAUSE;
                    self.resume = self.resume.min(listening.resume);
                    self.arm();
                }
            }
        }
    }

    pub(super) fn add(&mut self, mut connection: Connection) -> io::Result<()> {
        let entry = self.connections.vacant_entry();
        let key = entry.key();
        let token = token_of(key, connection.generation);
        connection.stream.register(self.poll.registry(), token)?;
        entry.insert(connection);
        self.generation = self.generation.wrapping_add(1);
        self.set_deadline(key, self.config.deadlines.head);
        self.enqueue(key);
        Ok(())
    }

    /// The connection that is given up when there is no room for another: the one that has kept us waiting longest, idle
    /// ones first. None that is being served, and none that has just sent something.
    fn find_sheddable(&mut self) -> Option<usize> {
        let now = self.clock.now();
        if self.next_shed > now {
            return None;
        }
        let rank = |connection: &Connection| match connection.phase {
            Phase::Idle | Phase::Draining(..) | Phase::Lingering => Some(0),
            Phase::Greeting(_) if connection.ahead.is_empty() => Some(0),
            Phase::Greeting(_) | Phase::Head(_) => Some(1),
            Phase::Spooling(_) => Some(2),
            Phase::Flushing(..) => Some(3),
            Phase::Serving(_) => None,
        };
        let found = self
            .connections
            .iter()
            .filter(|(_, connection)| !connection.queued && connection.since.saturating_add(QUIET) <= now)
            .filter_map(|(key, connection)| rank(connection).map(|rank| (rank, connection.since, key)))
            .min();
        if found.is_none() {
            self.next_shed = now + RETRY;
            self.resume = self.resume.min(self.next_shed);
            self.arm();
        }
        found.map(|(.., key)| key)
    }

    fn shed(&mut self, key: usize) {
        let connection = &self.connections[key];
        let idle = matches!(connection.phase, Phase::Idle);
        let waited = self.clock.now().saturating_sub(connection.since);
        if !idle && self.last_shed_log.saturating_add(PAUSE) <= self.clock.now() {
            self.last_shed_log = self.clock.now();
            tracing::warn!(
                "Closing the connection of ip={}, silent for {waited} ms, to make room: all {} connections are in use \
                 (--worker-connections)",
                connection.peer.remote_address,
                self.config.most_connections,
            );
        }
        self.close(key);
    }
}
