//! From bytes to requests.

use std::sync::Arc;

use super::{Engine, Event, bodies::CONTINUE, readiness::is_path};
use crate::{
    Exchange, Id, Limits, Refusal,
    connection::{Connection, Phase, Read, Serving},
    limits::Pace,
    proto::{Decoder, Framing},
    reactor::NEVER,
    spool::{Body, Spool},
};

/// Read this much at once where there is no buffer of the exchange to read into.
pub(super) const SCRATCH: usize = 64 * 1024;
/// Reads from one connection before the others have their turn.
pub(super) const READS: usize = 8;

/// What looking at a connection led to.
pub(super) enum Step {
    /// The request is complete.
    Ready(Box<Exchange>),
    /// More bytes are needed; the exchange is the connection's again.
    Wait(Phase),
    /// The request is refused.
    Refuse(Box<Exchange>, Refusal),
    /// The client left.
    Gone(Box<Exchange>),
}

impl Engine {
    /// Look at a connection of which something is known to have happened.
    pub(super) fn advance(&mut self, key: usize) -> Option<Event> {
        if self.flush(key) {
            return None;
        }
        let connection = self.connections.get_mut(key)?;
        let step = match std::mem::replace(&mut connection.phase, Phase::Idle) {
            Phase::Idle => {
                let exchange = self.pool.take();
                self.read_head(key, exchange)
            }
            Phase::Greeting(greeting) => self.read_greeting(key, greeting),
            Phase::Head(exchange) => self.read_head(key, exchange),
            Phase::Spooling(exchange) => self.read_body_ahead(key, exchange),
            Phase::Serving(serving) => {
                connection.phase = Phase::Serving(serving);
                return self.notice(key);
            }
            other @ (Phase::Flushing(..) | Phase::Draining(..) | Phase::Lingering) => {
                connection.phase = other;
                self.discard(key);
                return None;
            }
        };
        match step {
            Step::Ready(exchange) => self.hand_out(key, exchange),
            Step::Wait(phase) => {
                self.await_more(key, phase);
                None
            }
            Step::Refuse(exchange, refusal) => {
                self.refuse(key, exchange, refusal);
                None
            }
            Step::Gone(exchange) => {
                self.pool.give(exchange);
                self.close(key);
                None
            }
        }
    }

    pub(super) fn read_head(&mut self, key: usize, mut exchange: Box<Exchange>) -> Step {
        let connection = &mut self.connections[key];
        if !connection.ahead.is_empty() {
            let ahead = std::mem::take(&mut connection.ahead);
            exchange.make_room(ahead.len());
            exchange.bytes[..ahead.len()].copy_from_slice(&ahead);
            exchange.filled = ahead.len();
        }
        loop {
            if exchange.filled > 0 {
                let rules = self.config.rules(self.connections[key].trusted);
                if let Some(end) = exchange.read_at_once(rules) {
                    return self.head_read(key, exchange, end);
                }
                match exchange.scan.find_end(&exchange.bytes[..exchange.filled], rules) {
                    Ok(Some(end)) => return self.head_complete(key, exchange, end),
                    Ok(None) => {}
                    Err(refusal) => return Step::Refuse(exchange, refusal),
                }
            }
            exchange.make_room(1);
            let filled = exchange.filled;
            match self.connections[key].read(&mut exchange.bytes[filled..]) {
                Read::Bytes(count) => exchange.filled += count,
                Read::Nothing if exchange.filled == 0 => {
                    self.pool.give(exchange);
                    return Step::Wait(Phase::Idle);
                }
                Read::Nothing => return Step::Wait(Phase::Head(exchange)),
                Read::End => return Step::Gone(exchange),
            }
        }
    }

    pub(super) fn head_complete(&mut self, key: usize, mut exchange: Box<Exchange>, end: usize) -> Step {
        let begin = exchange.scan.begin();
        exchange.set_head_range(begin, end);
        let Exchange { head, bytes, .. } = &mut *exchange;
        let rules = self.config.rules(self.connections[key].trusted);
        match head.parse(&mut bytes[begin..end], rules) {
            Ok(()) => self.head_read(key, exchange, end),
            Err(refusal) => Step::Refuse(exchange, refusal),
        }
    }

    /// What comes after a head that ends at `end`.
    fn head_read(&mut self, key: usize, mut exchange: Box<Exchange>, end: usize) -> Step {
        let connection = &mut self.connections[key];
        if exchange.head.semantics().forwarded {
            match connection.client(&self.config.proxies, &exchange) {
                Ok(peer) => exchange.peer = Some(peer),
                Err(refusal) => return Step::Refuse(exchange, refusal),
            }
        }
        let semantics = *exchange.head.semantics();
        exchange.decoder = Decoder::new(semantics.framing);
        exchange.awaits_continue = semantics.expects_continue && exchange.filled == end;
        if let Framing::Length(length) = semantics.framing
            && length > self.config.limits.body
        {
            return Step::Refuse(exchange, Refusal::BodyTooLarge);
        }
        let behind = exchange.filled - end;
        if let Framing::Length(length) = semantics.framing
            && length <= behind as u64
        {
            let length = length as usize;
            exchange.body = Body::Behind(end, length);
            exchange.decoder = Decoder::Done;
            self.keep_ahead(key, &exchange.bytes[end + length..exchange.filled]);
            return Step::Ready(exchange);
        }
        if !exchange.decoder.is_done() {
            self.connections[key].pace = Pace::full(&self.config.deadlines);
        }
        let spools = !exchange.decoder.is_done() && self.spools(&exchange);
        if exchange.awaits_continue && spools && semantics.framing == Framing::Chunked {
            // The application is told the length of its body, so all of it has to be here first.
            exchange.awaits_continue = false;
            if self.connections[key].write([CONTINUE, b"", b""]).is_err() {
                return Step::Gone(exchange);
            }
        }
        if exchange.awaits_continue || !spools {
            self.keep_ahead(key, &exchange.bytes[end..exchange.filled]);
            return Step::Ready(exchange);
        }
        let fits = matches!(semantics.framing, Framing::Length(length) if length <= (exchange.bytes.len() - end) as u64);
        if !fits {
            exchange.spool = Some(Spool::default());
            let bytes = exchange.bytes[end..exchange.filled].to_vec();
            if let Err(refusal) = self.spool(key, &mut exchange, &bytes) {
                return Step::Refuse(exchange, refusal);
            }
        }
        self.read_body_ahead(key, exchange)
    }

    /// Whether the body of a request is read before the request is handed out. Static files have no use for one.
    fn spools(&self, exchange: &Exchange) -> bool {
        self.config.spool_bodies && !self.config.mounts.have(exchange.path())
    }

    fn keep_ahead(&mut self, key: usize, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.connections[key].ahead.extend_from_slice(bytes);
        }
    }

    /// Read a body before the application is called: behind the head where it fits, else into the spool.
    fn read_body_ahead(&mut self, key: usize, mut exchange: Box<Exchange>) -> Step {
        if exchange.spool.is_none() {
            return self.read_body_behind(key, exchange);
        }
        for _ in 0..READS {
            if exchange.decoder.is_done() {
                let spool = exchange.spool.take().unwrap_or_default();
                return match spool.finish() {
                    Ok(body) => {
                        exchange.body = body;
                        Step::Ready(exchange)
                    }
                    Err(error) => Step::Refuse(exchange, storage(&error)),
                };
            }
            let mut scratch = std::mem::take(&mut self.scratch);
            scratch.resize(SCRATCH, 0);
            let read = self.connections[key].read(&mut scratch);
            let spooled = match read {
                Read::Bytes(count) => self.spool(key, &mut exchange, &scratch[..count]),
                Read::Nothing | Read::End => Ok(()),
            };
            self.scratch = scratch;
            match (read, spooled) {
                (_, Err(refusal)) => return Step::Refuse(exchange, refusal),
                (Read::Bytes(count), Ok(())) => self.earn(key, count),
                (Read::Nothing, _) => return Step::Wait(Phase::Spooling(exchange)),
                (Read::End, _) => return Step::Refuse(exchange, Refusal::Incomplete),
            }
        }
        self.enqueue(key);
        Step::Wait(Phase::Spooling(exchange))
    }

    fn read_body_behind(&mut self, key: usize, mut exchange: Box<Exchange>) -> Step {
        let end = exchange.head_end();
        let length = exchange.decoder.remaining().unwrap_or(0) as usize;
        while exchange.filled - end < length {
            let filled = exchange.filled;
            match self.connections[key].read(&mut exchange.bytes[filled..end + length]) {
                Read::Bytes(count) => {
                    exchange.filled += count;
                    self.earn(key, count);
                }
                Read::Nothing => return Step::Wait(Phase::Spooling(exchange)),
                Read::End => return Step::Refuse(exchange, Refusal::Incomplete),
            }
        }
        exchange.decoder = Decoder::Done;
        exchange.body = Body::Behind(end, length);
        Step::Ready(exchange)
    }

    fn spool(&mut self, key: usize, exchange: &mut Exchange, bytes: &[u8]) -> Result<(), Refusal> {
        let mut failed = None;
        let Exchange { decoder, spool, received, .. } = exchange;
        let limit = self.spool_limit(spool.as_ref().map_or(0, Spool::in_memory) + bytes.len());
        let taken = decoder.decode(bytes, &mut |piece| {
            *received += piece.len() as u64;
            if let (None, Some(spool)) = (&failed, spool.as_mut()) {
                failed = spool.push(piece, limit).err();
            }
        })?;
        if exchange.received > self.config.limits.body {
            return Err(Refusal::BodyTooLarge);
        }
        if let Some(error) = failed {
            return Err(storage(&error));
        }
        self.keep_ahead(key, &bytes[taken..]);
        Ok(())
    }

    /// How long a body may be in memory, if this one is to have `wanted` bytes there: small ones always find room, larger
    /// ones as long as all that are on their way do not take too much together.
    fn spool_limit(&self, wanted: usize) -> usize {
        let Limits { body_memory, body_backlog, .. } = self.config.limits;
        if wanted <= SCRATCH {
            return body_memory;
        }
        let others = self.connections.iter().map(|(_, connection)| match &connection.phase {
            Phase::Spooling(exchange) => exchange.spool.as_ref().map_or(0, Spool::in_memory),
            _ => 0,
        });
        if others.sum::<usize>() + wanted <= body_backlog { body_memory } else { SCRATCH.min(body_memory) }
    }

    fn await_more(&mut self, key: usize, phase: Phase) {
        let fresh = self.connections[key].served == 0;
        let now = self.clock.now();
        let wait = match &phase {
            Phase::Spooling(_) => Some(self.connections[key].pace.wait(now)),
            // A head has its time from its first byte; on a new connection, from the connection's beginning.
            Phase::Head(exchange) if !fresh && !exchange.waited => Some(self.head_patience()),
            _ => None,
        };
        if matches!(phase, Phase::Idle) && self.closing {
            return self.await_last(key);
        }
        self.connections[key].phase = match phase {
            Phase::Head(mut exchange) => {
                exchange.waited = true;
                Phase::Head(exchange)
            }
            other => other,
        };
        if let Some(wait) = wait {
            self.set_deadline(key, wait);
        }
    }

    /// Body bytes have arrived: their sender may take its time for more.
    pub(super) fn earn(&mut self, key: usize, bytes: usize) {
        let connection = &mut self.connections[key];
        connection.pace.stop(self.clock.now());
        connection.pace.earn(bytes, &self.config.deadlines);
    }

    fn hand_out(&mut self, key: usize, mut exchange: Box<Exchange>) -> Option<Event> {
        let connection = &mut self.connections[key];
        connection.served += 1;
        connection.phase = Phase::Serving(Serving::default());
        exchange.id = Id { key, generation: connection.generation };
        if exchange.peer.is_none() {
            exchange.peer = Some(Arc::clone(&connection.peer));
        }
        let goes_on = connection.served < self.config.limits.requests;
        exchange.keep_alive = exchange.head.semantics().keep_alive && goes_on;
        exchange.began = self.clock.moment();
        self.clear_deadline(key);
        if let Some(path) = &self.config.readiness
            && is_path(path, exchange.path())
        {
            self.answer_readiness(exchange);
            return None;
        }
        exchange.number = self.requests;
        if let Some(limit) = self.config.deadlines.request {
            self.limit_work(key, limit);
        }
        self.requests += 1;
        if self.requests == self.worn_at {
            self.wear_out();
        }
        self.slot.request_began();
        tracing::debug!("{}", exchange.line());
        let line = [exchange.method(), b" ", exchange.target()];
        self.slot.calls.begin(exchange.number, self.clock.now(), &line);
        // A client that left at once is noticed after the request, not instead of it.
        if self.connections[key].read_closed {
            self.enqueue(key);
        }
        if self.config.mounts.is_empty() {
            return Some(Event::Request(exchange));
        }
        self.serve_file(exchange)
    }

    /// Something happened to a connection whose exchange the worker has.
    fn notice(&mut self, key: usize) -> Option<Event> {
        let connection = &mut self.connections[key];
        let id = Id { key, generation: connection.generation };
        let closed = connection.read_closed;
        let Phase::Serving(serving) = &mut connection.phase else { return None };
        if serving.wants_body && connection.readable {
            serving.wants_body = false;
            connection.deadline = NEVER;
            connection.pace.stop(self.clock.now());
            if closed && !serving.told_closed {
                // One event at a time: the other at the next look.
                self.enqueue(key);
            }
            return Some(Event::Readable(id));
        }
        if closed && !serving.told_closed {
            serving.told_closed = true;
            return Some(Event::Closed(id));
        }
        None
    }
}

impl Connection {
    pub(crate) fn is_serving(&self) -> bool {
        matches!(self.phase, Phase::Serving(_))
    }
}

fn storage(error: &std::io::Error) -> Refusal {
    tracing::error!("cannot store a request body: {error} (is the directory for temporary files full?)");
    Refusal::Storage
}
