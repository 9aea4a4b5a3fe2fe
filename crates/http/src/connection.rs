//! One connection: its socket, what is known of the socket, and what it is used for now.

use std::{
    io::{self, ErrorKind, IoSlice},
    sync::Arc,
};

use rgunicorn_scoreboard::Millis;

use crate::{
    Refusal,
    client::{Memo, Peer, Policy},
    exchange::Exchange,
    limits::Pace,
    outbox::{FlushError, Flushed, Outbox},
    proto::Decoder,
    reactor::{NEVER, Stream},
};

/// What a connection is used for now. Each variant owns what only it needs.
#[derive(Debug)]
pub(crate) enum Phase {
    /// A frontend says first whose connection it passes on; what has arrived of that is in the bytes ahead.
    Greeting(Greeting),
    /// Between requests; nothing of the next one has arrived.
    Idle,
    /// A head has begun to arrive.
    Head(Box<Exchange>),
    /// A body arrives before the application is called.
    Spooling(Box<Exchange>),
    /// The worker has the exchange.
    Serving(Serving),
    /// The response is written; the rest of it waits for the client. While a file is part of that, so is the exchange:
    /// what the access log says is known when the file has left.
    Flushing(After, Option<Box<Exchange>>),
    /// The response is done; the rest of the request's body is read and dropped, at most so many bytes.
    Draining(Decoder, u64),
    /// Nothing more is written; what the client still sends is read and dropped, so that it sees the response.
    Lingering,
}

/// What a connection begins with that is no head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Greeting {
    /// Perhaps a header of the PROXY protocol, before the first head.
    ProxyHeader,
    /// A uwsgi packet, in place of the only head.
    Packet,
}

/// What the worker wants to be told of while it has the exchange.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Serving {
    /// It waits for body bytes.
    pub(crate) wants_body: bool,
    /// It waits for the client to take response bytes.
    pub(crate) wants_room: bool,
    /// It has been told that the client has left.
    pub(crate) told_closed: bool,
    /// The body bytes that it waited for did not come in time.
    pub(crate) overdue: bool,
}

/// What comes after a response.
#[derive(Debug, Clone, Copy)]
pub(crate) enum After {
    /// The next request.
    Next,
    /// The next request, once the rest of this one's body has been dropped.
    Drain(Decoder),
    /// The end, orderly: the client may still be sending.
    Close,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) stream: Stream,
    /// The socket's two ends, or those that a PROXY header or a uwsgi packet tells.
    pub(crate) peer: Arc<Peer>,
    /// The far end is a proxy that is believed.
    pub(crate) trusted: bool,
    /// Whom that proxy spoke for last.
    memo: Option<Box<Memo>>,
    pub(crate) generation: u32,
    pub(crate) phase: Phase,
    /// The kernel may have bytes for us.
    pub(crate) readable: bool,
    /// The client has said that it sends no more.
    pub(crate) read_closed: bool,
    /// The kernel tells when there is room to write.
    pub(crate) watches_room: bool,
    /// The connection is in the list of those to be looked at.
    pub(crate) queued: bool,
    /// Bytes that were read and not yet interpreted.
    pub(crate) ahead: Vec<u8>,
    pub(crate) out: Outbox,
    /// Until when the client is waited for to send, or to close.
    pub(crate) deadline: Millis,
    /// Until when it is waited for to take response bytes.
    pub(crate) write_deadline: Millis,
    /// Until when the worker may be at work for the request.
    pub(crate) serve_deadline: Millis,
    /// Since when the client is waited for.
    pub(crate) since: Millis,
    /// How long it may be waited for while it sends a body.
    pub(crate) pace: Pace,
    /// How much the client had left in the kernel when that was last looked at.
    pub(crate) untaken: usize,
    /// When the timers will look at this connection.
    pub(crate) scheduled: Millis,
    /// Requests so far.
    pub(crate) served: u64,
}

/// What a read from the socket brought.
pub(crate) enum Read {
    Bytes(usize),
    Nothing,
    End,
}

impl Connection {
    pub(crate) fn new(stream: Stream, peer: Peer, trusted: bool, generation: u32) -> Self {
        Self {
            stream,
            peer: Arc::new(peer),
            trusted,
            memo: None,
            generation,
            phase: Phase::Idle,
            readable: true,
            read_closed: false,
            watches_room: false,
            queued: false,
            ahead: Vec::new(),
            out: Outbox::default(),
            deadline: NEVER,
            write_deadline: NEVER,
            serve_deadline: NEVER,
            since: NEVER,
            pace: Pace::default(),
            untaken: usize::MAX,
            scheduled: NEVER,
            served: 0,
        }
    }

    /// Put the two ends that a frontend tells in the place of the socket's.
    pub(crate) fn set_peer(&mut self, peer: Peer, policy: &Policy) {
        self.trusted = policy.trusts(peer.remote);
        self.peer = Arc::new(peer);
        self.memo = None;
    }

    /// Who sent a request with these fields, which tell of a client behind the far end.
    ///
    /// # Errors
    /// When they contradict each other, or the request's path.
    pub(crate) fn client(&mut self, policy: &Policy, exchange: &Exchange) -> Result<Arc<Peer>, Refusal> {
        let peer = Memo::peer(&mut self.memo, policy, &self.peer, || exchange.fields())?;
        // A uwsgi frontend, which tells a path of its own, may have told the connection's.
        let told = peer.script_name != self.peer.script_name;
        if told && !peer.covers(exchange.path()) { Err(Refusal::ScriptName) } else { Ok(peer) }
    }

    /// Read once. A short read empties an edge-triggered socket, so no second call is made to hear `EWOULDBLOCK`.
    pub(crate) fn read(&mut self, into: &mut [u8]) -> Read {
        if !self.readable {
            return Read::Nothing;
        }
        loop {
            match self.stream.read(into) {
                Ok(0) => return Read::End,
                Ok(count) => {
                    self.readable = count == into.len() || self.read_closed;
                    return Read::Bytes(count);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.readable = false;
                    return Read::Nothing;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Read::End,
            }
        }
    }

    /// Write the parts, or keep what the socket does not take.
    ///
    /// # Errors
    /// When the client has gone.
    pub(crate) fn write(&mut self, parts: [&[u8]; 3]) -> io::Result<()> {
        let mut done = if self.out.is_empty() { self.try_write(parts)? } else { 0 };
        for part in parts {
            let skipped = done.min(part.len());
            done -= skipped;
            if skipped < part.len() {
                self.out.push(&part[skipped..]);
            }
        }
        Ok(())
    }

    /// Write as much of the parts as the socket takes at once; how many bytes that is.
    ///
    /// # Errors
    /// When the client has gone.
    pub(crate) fn try_write(&self, parts: [&[u8]; 3]) -> io::Result<usize> {
        if parts.iter().all(|part| part.is_empty()) {
            return Ok(0);
        }
        loop {
            let written = if parts[1].is_empty() && parts[2].is_empty() {
                self.stream.write(parts[0])
            } else {
                self.stream.write_vectored(&parts.map(IoSlice::new))
            };
            match written {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(0),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }

    /// Write what waits, as far as the socket takes it.
    ///
    /// # Errors
    /// When the client has gone, or a file that is to be sent is not what it was.
    pub(crate) fn flush(&mut self) -> Result<Flushed, FlushError> {
        self.out.flush(&self.stream)
    }
}
