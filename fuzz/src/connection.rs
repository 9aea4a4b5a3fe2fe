//! A whole connection through the engine: it hands out what [`reading::ours`](crate::reading::ours) finds in the same
//! bytes, however they arrive, answers each request once, and keeps nothing of a client that has left.

use std::{
    cell::RefCell,
    io::{ErrorKind, Read as _, Write as _},
    os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixListener, UnixStream},
    },
    time::{Duration, Instant},
};

use rgunicorn_http::{
    Body, BodyRead, Config, Deadlines, Engine, Event, Exchange, Limits, Listener, Mounts, Refusal,
    client::Policy,
    proto::{Leniency, Rules},
    wire::{
        Frontends,
        proxy_protocol::{self, Opening, Versions},
        uwsgi::{self, Params},
    },
};
use rgunicorn_scoreboard::Scoreboard;
use rgunicorn_settings::WireProtocol;

use crate::{
    chance::{Chance, arrivals},
    reading::{Ours, Reading, Request, Stop, ours, read_head, request_of},
};

thread_local! {
    static CLIENTS: RefCell<[World; 2]> = RefCell::new([Manner::Spooling, Manner::Streaming].map(World::new));
    static FRONTENDS: RefCell<[World; 2]> = RefCell::new([Manner::Balanced, Manner::Uwsgi].map(World::new));
}

/// How an engine is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// Bodies are read before the request is handed out.
    Spooling,
    /// Bodies are read as the application asks for them.
    Streaming,
    /// The same behind a load balancer that speaks the PROXY protocol.
    Balanced,
    /// Packets of the uwsgi protocol, bodies spooled.
    Uwsgi,
}

/// The target for clients.
///
/// # Panics
/// When the engine hands out something else than is in the bytes, or loses track of a connection.
pub fn run(bytes: &[u8]) {
    CLIENTS.with_borrow_mut(|worlds| worlds.iter_mut().for_each(|world| world.visit(bytes)));
}

/// The target for what frontends put before a head, or in its place.
///
/// # Panics
/// As [`run`].
pub fn run_greeting(bytes: &[u8]) {
    FRONTENDS.with_borrow_mut(|worlds| worlds.iter_mut().for_each(|world| world.visit(bytes)));
}

impl Manner {
    /// What an engine is to find in these bytes.
    fn expected(self, bytes: &[u8]) -> Ours {
        let limits = limits();
        let rules = Rules::strict(&limits);
        match self {
            Self::Spooling | Self::Streaming => ours(bytes, rules),
            Self::Balanced => match proxy_protocol::opening(bytes, VERSIONS) {
                Opening::Plain => ours(bytes, rules),
                Opening::Undecided => nothing(None),
                Opening::Header(version) => match proxy_protocol::read(bytes, version) {
                    Ok(Some((_, length))) => ours(&bytes[length..], rules),
                    Ok(None) => nothing(None),
                    Err(fault) => nothing(Some(fault.into())),
                },
            },
            Self::Uwsgi => of_packet(bytes, rules).unwrap_or_else(|refusal| nothing(Some(refusal))),
        }
    }
}

/// Whoever reads `/proc/PID/fd` of this process holds a socket for a moment, and its close takes effect only then. Shorter
/// than every deadline of the engine, which would close a connection that is kept.
const HELD: Duration = Duration::from_secs(1);

const VERSIONS: Versions = Versions { text: true, binary: true };

/// A connection without a request.
fn nothing(refusal: Option<Refusal>) -> Ours {
    let stop = refusal.map_or(Stop::Waits, |refusal| Stop::Refuses(refusal.to_string()));
    Ours { reading: Reading { requests: Vec::new(), stop }, begins: vec![0], refusal }
}

/// A packet is one request; what comes behind its body is never looked at.
fn of_packet(bytes: &[u8], rules: Rules<'_>) -> Result<Ours, Refusal> {
    let Some(length) = uwsgi::length(bytes)? else { return Ok(nothing(None)) };
    let params = Params::parse(bytes[..length].to_vec())?;
    if params.value("REMOTE_ADDR").is_some_and(|address| !address.is_empty()) {
        params.remote()?;
    }
    params.server_port()?;
    let head = params.head()?;
    if read_head(&head, rules)?.is_none_or(|(.., end)| end != head.len()) {
        return Err(Refusal::RequestLine);
    }
    let mut ours = ours(&[&head, &bytes[length..]].concat(), rules);
    let first_is_whole = ours.reading.requests.first().is_some_and(|request| request.body.is_some());
    if first_is_whole {
        ours.reading.requests.truncate(1);
        ours.refusal = None;
    }
    Ok(ours)
}

/// What the engine has here, unless a target needs it otherwise.
#[must_use]
pub fn config() -> Config {
    Config {
        limits: Limits::default(),
        leniency: Leniency::NONE,
        deadlines: Deadlines::default(),
        spool_bodies: true,
        sendfile: true,
        proxies: Policy::default(),
        frontends: Frontends::default(),
        mounts: Mounts::default(),
        readiness: None,
        most_connections: 100,
        beat: Duration::from_secs(60),
    }
}

/// An engine on a unix socket, where that is, and the master's end of its command pipe.
///
/// # Panics
/// When the kernel refuses one of them.
#[must_use]
pub fn listening(config: Config, protocol: WireProtocol, name: &str) -> (Engine, SocketAddr, UnixStream) {
    let process = std::process::id();
    let name = format!("rgunicorn-fuzz-{process}-{:?}-{name}", std::thread::current().id());
    let address = SocketAddr::from_abstract_name(name).expect("a short name");
    let listener = UnixListener::bind_addr(&address).expect("a name that nobody has");
    listener.set_nonblocking(true).expect("a listener");
    let listener = Listener::unix(listener).expect("a listener").speaking(protocol);
    let slot = Scoreboard::new(1).expect("a board").lease(1, 0).expect("a slot");
    let (commands, master) = UnixStream::pair().expect("a pipe");
    commands.set_nonblocking(true).expect("a pipe");
    let engine = Engine::new(vec![listener], commands, slot, config).expect("an engine");
    (engine, address, master)
}

/// Little memory for bodies, so that some go to a file.
fn limits() -> Limits {
    Limits { body_memory: 300, ..Limits::default() }
}

/// An engine with its worker, over a unix socket.
struct World {
    engine: Engine,
    address: SocketAddr,
    manner: Manner,
    /// The request that the application works on, as far as it is known.
    at_work: Option<(Box<Exchange>, Request)>,
    seen: Vec<Request>,
    /// The master's end of the command pipe.
    _master: UnixStream,
}

impl World {
    fn new(manner: Manner) -> Self {
        let versions = if manner == Manner::Balanced { VERSIONS } else { Frontends::default().versions };
        let config = Config {
            limits: limits(),
            spool_bodies: matches!(manner, Manner::Spooling | Manner::Uwsgi),
            frontends: Frontends { versions, ..Frontends::default() },
            ..config()
        };
        let protocol = if manner == Manner::Uwsgi { WireProtocol::Uwsgi } else { WireProtocol::Http };
        let (engine, address, master) = listening(config, protocol, &format!("{manner:?}"));
        Self { engine, address, manner, at_work: None, seen: Vec::new(), _master: master }
    }

    /// Serve the same bytes as they arrive in two ways.
    fn visit(&mut self, bytes: &[u8]) {
        let expected = self.manner.expected(bytes);
        let ways = arrivals(bytes);
        let another = 1 + Chance::of(bytes).below(ways.len() - 1);
        self.serve(&ways[0], &expected);
        self.serve(&ways[another], &expected);
    }

    /// A client sends these pieces one after the other, and leaves.
    fn serve(&mut self, pieces: &[&[u8]], expected: &Ours) {
        let mut client = UnixStream::connect_addr(&self.address).expect("a listener");
        client.set_nonblocking(true).expect("a socket");
        for piece in pieces {
            if client.write_all(piece).is_err() {
                // The engine has refused what came before, and hung up.
                break;
            }
            self.work();
        }
        self.settle();
        let answers = received(&mut client);
        self.compare(expected, &answers, &pieces.concat());
        drop(client);
        if let Some((exchange, _)) = self.at_work.take() {
            self.engine.finish(exchange);
        }
        self.settle();
        let since = Instant::now();
        while self.engine.open_connections() > 0 && since.elapsed() < HELD {
            self.engine.turn(Some(HELD)).expect("a turn");
            self.settle();
        }
        assert_eq!(self.engine.open_connections(), 0, "a client that has left is kept");
        assert!(!self.engine.has_work(), "nobody is left to work for");
        self.seen.clear();
    }

    /// Do what there is to do. The kernel has everything by now, so it is found without waiting.
    fn work(&mut self) {
        loop {
            self.engine.turn(Some(Duration::ZERO)).expect("a turn");
            while let Some(event) = self.engine.next() {
                if let Event::Request(exchange) = event {
                    self.begin(exchange);
                }
                self.read();
            }
            self.read();
            if !self.engine.has_work() {
                break;
            }
        }
    }

    /// Work until nothing is left: what a turn does may be what makes the next one necessary.
    fn settle(&mut self) {
        for _ in 0..4 {
            self.work();
        }
    }

    fn begin(&mut self, mut exchange: Box<Exchange>) {
        assert!(self.at_work.is_none(), "two requests of one connection at a time");
        let mut request = request_of(exchange.head(), exchange.head_bytes());
        if !exchange.has_unread_body() {
            request.body = Some(body_of(&mut exchange));
        }
        self.at_work = Some((exchange, request));
    }

    /// Read on in the body of the request at work, and answer it when it is complete.
    fn read(&mut self) {
        let Some((mut exchange, mut request)) = self.at_work.take() else { return };
        let mut body = request.body.take().unwrap_or_default();
        loop {
            match self.engine.read_body(&mut exchange) {
                BodyRead::Data { .. } => body.extend_from_slice(exchange.chunk()),
                BodyRead::End => break,
                BodyRead::Wait => {
                    request.body = Some(body);
                    self.at_work = Some((exchange, request));
                    return;
                }
                BodyRead::Gone => {
                    self.seen.push(request);
                    return self.engine.finish(exchange);
                }
            }
        }
        request.body = Some(body);
        self.seen.push(request);
        exchange.reply.begin(b"200 OK").expect("a status");
        self.engine.send(&mut exchange, b"", true).expect("a client");
        self.engine.finish(exchange);
    }

    fn compare(&mut self, expected: &Ours, answers: &[u16], bytes: &[u8]) {
        let mut seen = std::mem::take(&mut self.seen);
        let complete = seen.iter().filter(|request| request.body.is_some()).count();
        if let Some((_, request)) = &self.at_work {
            seen.push(Request { body: None, ..request.clone() });
        }
        let mut requests = expected.reading.requests.clone();
        let awaits = |request: &Request| request.fields.iter().any(|(name, _)| name == b"expect");
        if matches!(self.manner, Manner::Spooling | Manner::Uwsgi) {
            // What is malformed or incomplete never comes as far as the application, unless it was to invite it.
            requests.retain(|request| request.body.is_some() || awaits(request));
            seen.retain(|request| request.body.is_some() || awaits(request));
            if seen.len() < requests.len() && requests[seen.len()].body.is_none() {
                requests.pop();
            }
        }
        assert_eq!(seen, requests, "{:?}: {}", self.manner, bytes.escape_ascii());
        // Of two rules that a head breaks, the one that shows first decides; that depends on how it arrives.
        let refusals = usize::from(expected.refusal.is_some());
        let refused = |status: &u16| *status >= 400;
        assert_eq!(answers.len(), complete + refusals, "{answers:?} to {}", bytes.escape_ascii());
        assert!(answers[..complete].iter().all(|status| *status == 200), "{answers:?}");
        assert!(answers[complete..].iter().all(refused), "{answers:?} to {}", bytes.escape_ascii());
    }
}

/// The status codes of all final responses that have come.
fn received(client: &mut UnixStream) -> Vec<u16> {
    let mut bytes = Vec::new();
    match client.read_to_end(&mut bytes) {
        Ok(_) => {}
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::ConnectionReset) => {}
        Err(error) => panic!("cannot receive: {error}"),
    }
    let text = String::from_utf8(bytes).expect("answers are text");
    let lines = text.split("HTTP/1.1 ").skip(1);
    let codes = lines.map(|line| line[..3].parse().expect("a code"));
    codes.filter(|code| *code >= 200).collect()
}

/// The whole body of a request, wherever the engine put it.
fn body_of(exchange: &mut Exchange) -> Vec<u8> {
    match exchange.take_body() {
        Body::Empty => Vec::new(),
        Body::Behind(start, len) => exchange.behind(start, len).to_vec(),
        Body::Memory(bytes) => bytes,
        Body::File(mut file, _) => {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).expect("a readable file");
            bytes
        }
    }
}
