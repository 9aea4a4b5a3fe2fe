//! The engine: takes turns with the kernel, and hands out what happened one event at a time.
//!
//! This file has the state and the turn; the other files of this folder have what a turn leads to: [`accepting`],
//! [`reading`], [`bodies`], [`writing`], [`files`], [`ending`], [`expiry`], [`retiring`],
//! [`readiness`], [`recycling`] and [`warming`].

mod accepting;
mod bodies;
mod ending;
mod expiry;
mod files;
mod greeting;
mod keeping;
mod readiness;
mod reading;
mod recycling;
mod retiring;
#[cfg(test)]
mod tests;
mod warming;
mod writing;

use std::{
    collections::VecDeque,
    io::{self, Read as _},
    os::{
        fd::{AsRawFd, RawFd},
        unix::net::UnixStream,
    },
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use mio::{Events, Interest, Poll, Token, unix::SourceFd};
use rgunicorn_logging::AccessLog;
use rgunicorn_scoreboard::{Command, Lease, Millis};
use rgunicorn_settings::RequestPath;
use slab::Slab;

pub use self::writing::{SendError, Sent};
use crate::{
    Deadlines, Exchange, Id, Leniency, Limits, Listener, Mounts, Rules,
    client::Policy,
    connection::{Connection, Greeting},
    pool::Pool,
    reactor::{Clock, NEVER, Timers},
    wire::Frontends,
};

/// Tokens from here on are not connections.
const TIMER: usize = usize::MAX - 1;
const COMMANDS: usize = usize::MAX - 2;
const LISTENERS: usize = usize::MAX - 1024;
/// Events taken from the kernel in one turn.
const EVENTS: usize = 1024;
/// Looks at connections between two turns, so that a client that always has more does not keep the others waiting.
const LOOKS: usize = 256;

/// The lower half of a token is the connection's place, the upper half its generation: the kernel goes on to report a
/// socket that a process forked by the application still holds, and its place may be another connection's by then.
const KEY_BITS: usize = usize::MAX >> (usize::BITS / 2);

fn token_of(key: usize, generation: u32) -> Token {
    Token(key | (generation as usize) << (usize::BITS / 2))
}

/// How an engine is set up.
#[derive(Debug)]
pub struct Config {
    /// Thresholds of what a client may send.
    pub limits: Limits,
    /// Which rules of HTTP are relaxed.
    pub leniency: Leniency,
    /// What is believed of proxies.
    pub proxies: Policy,
    /// How long each wait may last.
    pub deadlines: Deadlines,
    /// Whether request bodies are read before the request is handed out (WSGI), or as the application asks (ASGI).
    pub spool_bodies: bool,
    /// Whether the kernel moves files to sockets by itself (`sendfile(2)`), or they are read.
    pub sendfile: bool,
    /// Who may say before, or in place of, HTTP whose connection it passes on.
    pub frontends: Frontends,
    /// Directories whose files are served without the worker.
    pub mounts: Mounts,
    /// The path at which the engine itself says whether the worker wants requests.
    pub readiness: Option<RequestPath>,
    /// Connections beyond this number wait in the kernel, unless one that is waited for can be given up for them.
    pub most_connections: usize,
    /// The engine wakes its host at least this often, so that the worker can show that it is alive.
    pub beat: Duration,
}

impl Config {
    /// What a request's head is held to; `trusted` is whether the peer is a proxy that is believed.
    pub(crate) fn rules(&self, trusted: bool) -> Rules<'_> {
        Rules { limits: &self.limits, leniency: &self.leniency, proxy: trusted.then_some(&self.proxies) }
    }
}

/// What happened.
#[derive(Debug)]
pub enum Event {
    /// A request is there; the exchange is the worker's until it gives it back to [`Engine::finish`].
    Request(Box<Exchange>),
    /// Body bytes that were waited for can be read.
    Readable(Id),
    /// Response bytes that waited have been taken; more may be sent.
    Drained(Id),
    /// The client sends no more: most likely it has left while its request was being worked on. What it sent before can
    /// still be read, and it may still be reading: [`Engine::is_open`] and [`SendError`] tell.
    Closed(Id),
    /// The request has been at work for [`Deadlines::request`], and is to be given up.
    Overdue(Id),
}

/// The HTTP engine of one worker. It may move between threads, and has one owner at a time.
pub struct Engine {
    poll: Poll,
    polled: Events,
    timers: Timers,
    clock: Clock,
    listeners: Vec<Listening>,
    /// The listener that was last accepted from.
    door: usize,
    connections: Slab<Connection>,
    /// Connections to look at, in order.
    ready: VecDeque<usize>,
    /// Connections to look at in the next turn.
    later: Vec<usize>,
    /// How much was not sent of responses whose connection broke while the worker had the exchange.
    unsent: Vec<(Id, u64)>,
    /// Events that were found while something else was done.
    pending: VecDeque<Event>,
    pool: Pool,
    scratch: Vec<u8>,
    config: Config,
    slot: Lease,
    access: Option<AccessLog>,
    commands: UnixStream,
    commanded: VecDeque<Command>,
    generation: u32,
    /// Looks since the last turn.
    looks: usize,
    /// When a listener that was paused is tried again.
    resume: Millis,
    /// When all places are taken: not before this is one looked for that can be given up for another.
    next_shed: Millis,
    /// When the log was last told of one that was given up.
    last_shed_log: Millis,
    requests: u64,
    /// At which request the worker is worn out, and who is told.
    worn: Option<recycling::Worn>,
    worn_at: u64,
    /// While no client's requests are served yet.
    held: Option<warming::Held>,
    /// Finish what is there, and begin nothing new.
    closing: bool,
    /// While closing: when the listeners are closed, whatever still waits at them.
    doors_close: Millis,
    /// While closing: no client is waited for beyond this.
    end: Millis,
}

struct Listening {
    /// `None` once a worker that is leaving has found nobody waiting there.
    listener: Option<Listener>,
    ready: bool,
    /// What its connections begin with.
    greeting: Option<Greeting>,
    /// After an accept that failed for want of descriptors or memory: try again then.
    resume: Millis,
}

impl Listening {
    /// Whether a connection may be waiting that can be taken now.
    fn may_have(&self, now: Millis) -> bool {
        self.ready && self.resume <= now && self.listener.is_some()
    }
}

impl Engine {
    /// Set up an engine on these listeners. `commands` is a non-blocking stream of [`Command`] bytes.
    ///
    /// # Errors
    /// When the kernel refuses a descriptor.
    pub fn new(
        listeners: Vec<Listener>,
        commands: UnixStream,
        slot: Lease,
        config: Config,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        let timers = Timers::new()?;
        let registry = poll.registry();
        registry.register(&mut SourceFd(&timers.fd()), Token(TIMER), Interest::READABLE)?;
        registry.register(&mut SourceFd(&commands.as_raw_fd()), Token(COMMANDS), Interest::READABLE)?;
        let mut listening = Vec::with_capacity(listeners.len());
        for (index, mut listener) in listeners.into_iter().enumerate() {
            listener.register(registry, Token(LISTENERS + index))?;
            let greeting = greeting::expected(listener.protocol, &config.frontends);
            listening.push(Listening { listener: Some(listener), ready: true, greeting, resume: 0 });
        }
        let mut engine = Self {
            poll,
            polled: Events::with_capacity(EVENTS),
            timers,
            clock: Clock::new(),
            listeners: listening,
            door: 0,
            connections: Slab::with_capacity(64),
            ready: VecDeque::with_capacity(64),
            later: Vec::new(),
            unsent: Vec::new(),
            pending: VecDeque::new(),
            pool: Pool::default(),
            scratch: Vec::new(),
            config,
            slot,
            access: None,
            commands,
            commanded: VecDeque::new(),
            generation: 0,
            looks: 0,
            resume: NEVER,
            next_shed: 0,
            last_shed_log: 0,
            requests: 0,
            worn: None,
            worn_at: u64::MAX,
            held: None,
            closing: false,
            doors_close: NEVER,
            end: NEVER - 1,
        };
        engine.arm();
        Ok(engine)
    }

    /// Write an access log.
    pub fn log_access(&mut self, log: AccessLog) {
        self.access = Some(log);
    }

    /// The access log, where one is written.
    pub fn access_log(&mut self) -> Option<&mut AccessLog> {
        self.access.as_mut()
    }

    /// The descriptor that is readable whenever a turn has something to do.
    #[must_use]
    pub fn fd(&self) -> RawFd {
        self.poll.as_raw_fd()
    }

    /// Ask the kernel what happened, waiting for it at most `wait` (for ever where `None`, but see the heartbeat: a turn
    /// ends after [`Config::beat`] at the latest). Only notes it; [`Engine::next`] does the work.
    ///
    /// # Errors
    /// When the poll itself fails; a broken connection is no error.
    pub fn turn(&mut self, wait: Option<Duration>) -> io::Result<()> {
        self.poll_once(if self.has_work() { Some(Duration::ZERO) } else { wait })
    }

    fn poll_once(&mut self, wait: Option<Duration>) -> io::Result<()> {
        if let Some(log) = &mut self.access {
            log.flush();
        }
        match self.poll.poll(&mut self.polled, wait) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => result?,
        }
        self.clock.advance();
        self.looks = 0;
        self.ready.extend(self.later.drain(..));
        self.slot.set_connections(self.connections.len() as u32);
        if self.note_polled() {
            self.expire();
        }
        if self.doors_close <= self.clock.now() {
            self.shut_doors();
        }
        self.arm();
        Ok(())
    }

    /// The next thing that happened; `None` when another turn is needed.
    #[expect(
        clippy::should_implement_trait,
        reason = "no iterator: between two events the engine is used otherwise"
    )]
    pub fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.pending.pop_front() {
                return Some(event);
            }
            if self.looks >= LOOKS {
                return None;
            }
            self.looks += 1;
            let Some(key) = self.ready.pop_front() else {
                // Those inside come first.
                if self.accept_one() {
                    continue;
                }
                return None;
            };
            if let Some(connection) = self.connections.get_mut(key) {
                connection.queued = false;
                if let Some(event) = self.advance(key) {
                    return Some(event);
                }
            }
        }
    }

    /// Whether [`Engine::next`] has something without another turn.
    #[must_use]
    pub fn has_work(&self) -> bool {
        !self.ready.is_empty() || !self.pending.is_empty() || !self.later.is_empty() || self.can_accept_now()
    }

    /// What the master asked for, in order.
    pub fn command(&mut self) -> Option<Command> {
        self.commanded.pop_front()
    }

    /// Open both logs by their names again.
    pub fn reopen_logs(&mut self) {
        if let Err(error) = rgunicorn_logging::reopen_error_log() {
            tracing::error!("{error}");
        }
        if let Some(Err(error)) = self.access.as_mut().map(AccessLog::reopen) {
            tracing::error!("{error}");
        }
    }

    /// Whether the connection of an exchange is still there.
    #[must_use]
    pub fn is_open(&self, id: Id) -> bool {
        self.connections.get(id.key).is_some_and(|connection| connection.generation == id.generation)
    }

    /// The time, as of the last turn or the last request that ended: for a heartbeat.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.clock.now()
    }

    /// Bytes of a request body that are kept in memory; the rest goes to a file.
    #[must_use]
    pub fn body_memory(&self) -> usize {
        self.config.limits.body_memory
    }

    /// Open connections.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.connections.len()
    }

    /// Note what the kernel told; `false` when it may have more to tell.
    fn note_polled(&mut self) -> bool {
        let mut polled = std::mem::replace(&mut self.polled, Events::with_capacity(0));
        let mut count = 0;
        for event in &polled {
            count += 1;
            match event.token().0 {
                TIMER => self.timers.fired(),
                COMMANDS => self.read_commands(),
                token if token >= LISTENERS => {
                    if let Some(listening) = self.listeners.get_mut(token - LISTENERS) {
                        listening.ready = true;
                    }
                }
                token => self.note_connection(token, event),
            }
        }
        let all = count < EVENTS;
        polled.clear();
        self.polled = polled;
        all
    }

    fn note_connection(&mut self, token: usize, event: &mio::event::Event) {
        let key = token & KEY_BITS;
        let Some(connection) = self.connections.get_mut(key) else { return };
        if token_of(key, connection.generation).0 != token {
            return;
        }
        if event.is_readable() || event.is_error() {
            connection.readable = true;
        }
        if event.is_read_closed() {
            connection.readable = true;
            connection.read_closed = true;
        }
        let has_room = event.is_writable() && !connection.out.is_empty();
        let broken = event.is_error() || event.is_write_closed();
        if broken && connection.is_serving() {
            self.abandon(key);
        } else if connection.readable || has_room {
            self.enqueue(key);
        }
    }

    fn read_commands(&mut self) {
        let mut bytes = [0; 64];
        // The pipe is non-blocking: an error means that there is nothing more.
        while let Ok(count @ 1..) = (&self.commands).read(&mut bytes) {
            self.commanded.extend(bytes[..count].iter().filter_map(|byte| Command::from_byte(*byte)));
        }
    }

    fn enqueue(&mut self, key: usize) {
        if let Some(connection) = self.connections.get_mut(key)
            && !connection.queued
        {
            connection.queued = true;
            self.ready.push_back(key);
        }
    }

    fn connection(&mut self, id: Id) -> Option<&mut Connection> {
        self.connections.get_mut(id.key).filter(|connection| connection.generation == id.generation)
    }
}

/// An engine that several places of one worker share; locked for the length of one call.
#[derive(Clone)]
pub struct Handle(Arc<Mutex<Engine>>);

impl Handle {
    /// Share an engine.
    #[must_use]
    pub fn new(engine: Engine) -> Self {
        Self(Arc::new(Mutex::new(engine)))
    }

    /// Take the engine for a moment. Do not call Python while holding it.
    pub fn lock(&self) -> MutexGuard<'_, Engine> {
        // A panic inside the engine is a bug that costs one connection at most; its state is consistent between calls.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
