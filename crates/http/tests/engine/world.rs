//! One engine, its worker and its clients, in one thread.

use std::{
    collections::VecDeque,
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    os::{
        fd::OwnedFd,
        unix::net::{UnixListener, UnixStream},
    },
    path::PathBuf,
    time::{Duration, Instant},
};

use mio::{Events, Interest, Poll, Token, unix::SourceFd};
use rgunicorn_http::{
    Config, Deadlines, Engine, Event, Exchange, Id, Leniency, Limits, Listener, Mounts, client::Policy,
    wire::Frontends,
};
use rgunicorn_scoreboard::{Lease, Scoreboard};
use rgunicorn_settings::WireProtocol;
use tempfile::TempDir;

/// No wait of a test is meant to last this long.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long one look at the descriptor may last while a test waits for something else.
const GLANCE: Duration = Duration::from_millis(5);

/// What a worker under WSGI has, with room for everything, and no heartbeat that would make up for a lost wake-up.
pub(crate) fn config() -> Config {
    Config {
        limits: Limits::default(),
        leniency: Leniency::default(),
        proxies: Policy::default(),
        deadlines: Deadlines { idle: Duration::from_secs(30), ..Deadlines::default() },
        spool_bodies: true,
        sendfile: true,
        mounts: Mounts::default(),
        readiness: None,
        most_connections: 100,
        beat: Duration::from_secs(60),
        frontends: Frontends::default(),
    }
}

/// What a worker under ASGI has.
pub(crate) fn streaming() -> Config {
    Config { spool_bodies: false, ..config() }
}

/// An engine, and the worker's side of it.
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) slot: Lease,
    /// The master's end of the command pipe.
    pub(crate) master: UnixStream,
    tcp: SocketAddr,
    unix: PathBuf,
    events: VecDeque<Event>,
    _directory: TempDir,
}

impl World {
    pub(crate) fn new(config: Config) -> Self {
        Self::speaking(WireProtocol::Http, config)
    }

    /// An engine whose listeners speak this protocol.
    pub(crate) fn speaking(protocol: WireProtocol, config: Config) -> Self {
        let directory = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
        let unix = directory.path().join("engine.sock");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let tcp = listener.local_addr().expect("an address");
        listener.set_nonblocking(true).expect("a listener");
        let local = UnixListener::bind(&unix).expect("a path");
        local.set_nonblocking(true).expect("a listener");
        let listeners = [Listener::tcp(listener), Listener::unix(local)]
            .map(|listener| listener.expect("a listener").speaking(protocol))
            .into();
        let (engine, slot, master) = engine(listeners, config);
        Self { engine, slot, master, tcp, unix, events: VecDeque::new(), _directory: directory }
    }

    /// Where the TCP listener is, or was.
    pub(crate) fn tcp(&self) -> SocketAddr {
        self.tcp
    }

    /// A client over TCP.
    pub(crate) fn connect(&self) -> Client {
        Client::new(OwnedFd::from(TcpStream::connect(self.tcp).expect("a connection")))
    }

    /// A client over the unix socket.
    pub(crate) fn connect_unix(&self) -> Client {
        Client::new(OwnedFd::from(UnixStream::connect(&self.unix).expect("a connection")))
    }

    /// Do what an event loop does: wait for the descriptor, then take a turn and every event.
    pub(crate) fn turn(&mut self, wait: Duration) {
        if self.engine.has_work() || readable(&self.engine, wait) {
            self.engine.turn(Some(Duration::ZERO)).expect("a turn");
            while let Some(event) = self.engine.next() {
                self.events.push_back(event);
            }
        }
    }

    /// Do what a thread does that waits for its own client, while `meanwhile` happens.
    pub(crate) fn tend(&mut self, id: Id, mut meanwhile: impl FnMut()) -> Event {
        let end = Instant::now() + PATIENCE;
        loop {
            meanwhile();
            if let Some(event) = self.engine.tend(id, GLANCE).expect("a turn") {
                return event;
            }
            assert!(Instant::now() < end, "tended in vain");
        }
    }

    /// Turn until `look` finds what it looks for.
    pub(crate) fn until<T>(&mut self, what: &str, mut look: impl FnMut(&mut Self) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            assert!(Instant::now() < end, "waited in vain for {what}");
            self.turn(GLANCE);
        }
    }

    pub(crate) fn event(&mut self) -> Event {
        self.until("an event", |world| world.events.pop_front())
    }

    pub(crate) fn request(&mut self) -> Box<Exchange> {
        match self.event() {
            Event::Request(exchange) => exchange,
            other => panic!("not a request: {other:?}"),
        }
    }

    /// Whether an event waits to be taken, without another turn.
    pub(crate) fn has_event(&self) -> bool {
        !self.events.is_empty()
    }

    /// Answer `200 OK` with `body` as a whole, and give the exchange back.
    pub(crate) fn answer(&mut self, mut exchange: Box<Exchange>, body: &[u8]) {
        exchange.reply.begin(b"200 OK").expect("a status");
        let mut rest = body;
        while let Ok(sent) = self.engine.send(&mut exchange, rest, true) {
            rest = &rest[sent.taken..];
            if rest.is_empty() {
                break;
            }
        }
        self.engine.finish(exchange);
    }

    /// Answer every request that is there with its own method, target and body.
    pub(crate) fn echo(&mut self) {
        while let Some(event) = self.events.pop_front() {
            if let Event::Request(mut exchange) = event {
                let body = body_of(&mut exchange);
                let line = [exchange.method(), b" ", exchange.target(), b" ", &body].concat();
                self.answer(exchange, &line);
            }
        }
    }

    /// Assert that nothing is to be done: the engine has no work, and its descriptor stays unreadable.
    pub(crate) fn assert_quiet(&mut self) {
        // Late edges of what happened before may come.
        let quiet = (0..6).any(|_| {
            self.turn(Duration::ZERO);
            !self.engine.has_work() && !readable(&self.engine, Duration::from_millis(40))
        });
        assert!(quiet, "the engine is kept busy");
    }
}

/// An engine on these listeners, its slot, and the master's end of its command pipe.
pub(crate) fn engine(listeners: Vec<Listener>, config: Config) -> (Engine, Lease, UnixStream) {
    let slot = Scoreboard::new(1).expect("a board").lease(1, 0).expect("a slot");
    let (commands, master) = UnixStream::pair().expect("a pipe");
    commands.set_nonblocking(true).expect("a pipe");
    let engine = Engine::new(listeners, commands, slot.clone(), config).expect("an engine");
    (engine, slot, master)
}

/// Whether the engine's descriptor becomes readable in time.
pub(crate) fn readable(engine: &Engine, wait: Duration) -> bool {
    // A new registration tells of what is readable already, as a level-triggered event loop would.
    let mut watcher = Poll::new().expect("a poll");
    let mut events = Events::with_capacity(1);
    let source = engine.fd();
    watcher.registry().register(&mut SourceFd(&source), Token(0), Interest::READABLE).expect("a descriptor");
    watcher.poll(&mut events, Some(wait)).expect("a poll");
    !events.is_empty()
}

/// The whole body of a request, wherever the engine put it.
pub(crate) fn body_of(exchange: &mut Exchange) -> Vec<u8> {
    use rgunicorn_http::Body;
    match exchange.take_body() {
        Body::Empty => Vec::new(),
        Body::Behind(start, len) => exchange.behind(start, len).to_vec(),
        Body::Memory(bytes) => bytes,
        Body::File(mut file, length) => {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).expect("a readable file");
            assert_eq!(bytes.len() as u64, length);
            bytes
        }
    }
}

/// How a connection looks from the client's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    Open,
    Ended,
    Reset,
}

/// A client that never blocks. What it has received and not yet looked at is in `bytes`.
pub(crate) struct Client {
    stream: UnixStream,
    pub(crate) bytes: Vec<u8>,
    pub(crate) wire: Wire,
}

impl Client {
    /// Any connected socket will do: reading, writing and shutting down are the same for all of them.
    pub(crate) fn new(socket: OwnedFd) -> Self {
        let stream = UnixStream::from(socket);
        stream.set_nonblocking(true).expect("a socket");
        Self { stream, bytes: Vec::new(), wire: Wire::Open }
    }

    /// Send all of `bytes`, which must fit the socket's buffers.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("room in the socket");
    }

    /// Send as much of `bytes` as the socket takes now.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> usize {
        match self.stream.write(bytes) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(error) => panic!("cannot send: {error}"),
        }
    }

    /// Send some of `bytes`; `false` when nobody is there to receive them.
    pub(crate) fn try_push(&mut self, bytes: &[u8]) -> bool {
        match self.stream.write(bytes) {
            Ok(count) => count > 0,
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        }
    }

    /// Send all of `bytes` while the engine works.
    pub(crate) fn send_all(&mut self, world: &mut World, bytes: &[u8]) {
        let mut rest = bytes;
        world.until("the client to send all", |_| {
            rest = &rest[self.push(rest)..];
            rest.is_empty().then_some(())
        });
    }

    /// Say that nothing more will be sent.
    pub(crate) fn end_sending(&mut self) {
        self.stream.shutdown(Shutdown::Write).expect("a connected socket");
    }

    /// Take one read's worth from the socket, as far as there is one.
    pub(crate) fn pull(&mut self, most: usize) -> usize {
        let mut buffer = vec![0; most];
        match self.stream.read(&mut buffer) {
            Ok(0) => self.wire = Wire::Ended,
            Ok(count) => {
                self.bytes.extend_from_slice(&buffer[..count]);
                return count;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => {
                self.wire = Wire::Reset;
            }
            Err(error) => panic!("cannot receive: {error}"),
        }
        0
    }

    /// The next response, while the worker holds still.
    pub(crate) fn response(&mut self, world: &mut World) -> Response {
        world.until("a response", |_| {
            self.pull(64 * 1024);
            Response::take(self, false)
        })
    }

    /// The next response to a HEAD request.
    pub(crate) fn head_response(&mut self, world: &mut World) -> Response {
        world.until("a response", |_| {
            self.pull(64 * 1024);
            Response::take(self, true)
        })
    }

    /// The next response, while the worker answers every request with an echo.
    pub(crate) fn echoed(&mut self, world: &mut World) -> Response {
        world.until("an echo", |world| {
            world.echo();
            self.pull(64 * 1024);
            Response::take(self, false)
        })
    }

    /// Wait for the end of the connection; what arrived before it, and how it ended.
    pub(crate) fn end(&mut self, world: &mut World) -> (Vec<u8>, Wire) {
        world.until("the end of the connection", |world| {
            world.echo();
            self.pull(64 * 1024);
            (self.wire != Wire::Open).then_some(())
        });
        (std::mem::take(&mut self.bytes), self.wire)
    }

    /// Assert that the connection ends in order, without another byte.
    pub(crate) fn assert_end(&mut self, world: &mut World) {
        let (bytes, wire) = self.end(world);
        assert_eq!((bytes.escape_ascii().to_string().as_str(), wire), ("", Wire::Ended));
    }
}

/// A response as a client reads it.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (field, value) = line.split_once(": ")?;
            field.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    pub(crate) fn text(&self) -> &str {
        str::from_utf8(&self.body).expect("text")
    }

    /// Cut the first complete response off what the client has received.
    fn take(client: &mut Client, bodyless: bool) -> Option<Self> {
        let bytes = &client.bytes;
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let head = String::from_utf8(bytes[..end].to_vec()).expect("a head is text");
        let status = head.get(9..12).and_then(|code| code.parse().ok()).expect("a status line");
        let response = Self { status, head, body: Vec::new() };
        let rest = &bytes[end..];
        let (body, used) = if bodyless || status == 100 || status == 204 || status == 304 {
            (Vec::new(), 0)
        } else if let Some(length) = response.header("Content-Length") {
            let length: usize = length.parse().expect("a length");
            (rest.get(..length)?.to_vec(), length)
        } else if response.header("Transfer-Encoding") == Some("chunked") {
            dechunk(rest)?
        } else if client.wire == Wire::Ended {
            (rest.to_vec(), rest.len())
        } else {
            return None;
        };
        client.bytes.drain(..end + used);
        Some(Self { body, ..response })
    }
}

/// The body of a complete chunked message and its length on the wire.
fn dechunk(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let line = bytes[at..].windows(2).position(|two| two == b"\r\n")?;
        let size = str::from_utf8(&bytes[at..at + line]).expect("a size line");
        let size = usize::from_str_radix(size, 16).expect("a size");
        at += line + 2;
        body.extend_from_slice(bytes.get(at..at + size)?);
        at += size;
        assert_eq!(bytes.get(at..at + 2)?, b"\r\n");
        at += 2;
        if size == 0 {
            return Some((body, at));
        }
    }
}
