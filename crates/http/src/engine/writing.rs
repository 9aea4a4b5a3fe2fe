//! From response parts to bytes on the socket.

use std::{io, time::Duration};

use super::{Engine, Event};
use crate::{
    Exchange, Id, Version,
    connection::{Connection, Phase},
    outbox::{FlushError, Flushed},
    proto::{Decoder, Encoder},
    reactor::NEVER,
};

/// Bodies up to this size are copied behind the head; beyond it, a gathering write is cheaper.
const COPIED: usize = 4 * 1024;
/// The most body bytes taken by one call; what the socket does not take of them is copied.
pub(super) const PIECE: usize = 256 * 1024;

/// The client has left, so nothing can be sent to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the client has disconnected")]
pub struct SendError;

/// How much of a body was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// How many bytes; the caller sends the rest with another call.
    pub taken: usize,
    /// Whether the caller has to wait for [`Event::Drained`] before it sends more.
    pub full: bool,
}

impl Engine {
    /// Send a part of the response's body; `last` says that nothing follows it. The first part takes the head with it,
    /// in one write. Never waits: what the socket does not take is kept.
    ///
    /// # Errors
    /// When the client has left.
    pub fn send(&mut self, exchange: &mut Exchange, body: &[u8], last: bool) -> Result<Sent, SendError> {
        if exchange.ended {
            // Nothing of it may reach the next response.
            return Ok(Sent { taken: body.len(), full: false });
        }
        if last && body.len() > PIECE && self.can_keep(body.len()) {
            return self.send_end(exchange, body);
        }
        let piece = &body[..body.len().min(PIECE)];
        let taken = piece.len();
        let whole = last.then_some(body.len() as u64);
        let last = last && taken == body.len();
        let (from, allowed, tail) = self.frame(exchange, whole, taken, last);
        let piece = &piece[..allowed];
        let full = if allowed <= COPIED {
            let out = exchange.reply.scratch();
            out.extend_from_slice(piece);
            out.extend_from_slice(tail);
            self.write(exchange.id, [&exchange.reply.bytes()[from..], b"", b""])?
        } else {
            self.write(exchange.id, [&exchange.reply.bytes()[from..], piece, tail])?
        };
        // Who has sent all of it need not wait for the client.
        Ok(Sent { taken, full: full && !last })
    }

    /// Frame a piece of `len` bytes of the body; `whole` is the length of all of it where that is known. What goes before
    /// the piece is in the reply's bytes from the first of the results on; the second says how much of the piece may be
    /// sent, the third is what goes behind it.
    #[inline]
    pub(super) fn frame(
        &mut self,
        exchange: &mut Exchange,
        whole: Option<u64>,
        len: usize,
        last: bool,
    ) -> (usize, usize, &'static [u8]) {
        let first = !exchange.is_started();
        if first {
            self.seal(exchange, whole);
        }
        let from = if first { 0 } else { exchange.reply.head_len() };
        exchange.reply.clear_scratch();
        let Exchange { reply, encoder, .. } = exchange;
        let allowed = encoder.open(len, reply.scratch());
        let tail = encoder.close(allowed, last);
        exchange.excess |= allowed < len && exchange.encoder != Encoder::Bodyless;
        exchange.sent += allowed as u64;
        exchange.ended = last;
        (from, allowed, tail)
    }

    /// Complete the head: framing, date, and whether the connection goes on.
    fn seal(&mut self, exchange: &mut Exchange, whole: Option<u64>) {
        let semantics = *exchange.head.semantics();
        let version = exchange.head.version();
        let encoder = Encoder::choose(&mut exchange.reply, semantics.method, version, whole);
        exchange.encoder = encoder;
        let unread = match exchange.decoder {
            Decoder::Done => 0,
            Decoder::Length(left) => left,
            Decoder::Chunked(_) => self.config.limits.discard,
        };
        exchange.keep_alive &= !self.closing
            && !self.slot.board().draining()
            && !encoder.ends_with_connection()
            && !exchange.reply.wants_close()
            && !exchange.awaits_continue
            && !self.config.deadlines.idle.is_zero()
            && unread <= self.config.limits.discard;
        let connection = match (exchange.keep_alive, version) {
            (false, _) => Some("close"),
            (true, Version::Http10) => Some("keep-alive"),
            (true, Version::Http11) => None,
        };
        exchange.reply.seal(self.clock.date(), connection);
    }

    /// Write to a connection; the result says whether too much waits for the client.
    pub(super) fn write(&mut self, id: Id, parts: [&[u8]; 3]) -> Result<bool, SendError> {
        let connection = self.serving(id).ok_or(SendError)?;
        let waited = !connection.out.is_empty();
        if connection.write(parts).is_err() {
            self.abandon(id.key);
            self.wake();
            return Err(SendError);
        }
        if connection.out.is_empty() {
            return Ok(false);
        }
        if !waited {
            self.await_room(id.key);
        }
        Ok(self.note_room_wanted(id))
    }

    /// The connection of an exchange that the worker has.
    pub(super) fn serving(&mut self, id: Id) -> Option<&mut Connection> {
        self.connection(id).filter(|connection| connection.is_serving())
    }

    /// Write what waits on a connection; `true` when that ended the connection.
    pub(super) fn flush(&mut self, key: usize) -> bool {
        let Some(connection) = self.connections.get_mut(key) else { return true };
        if connection.out.is_empty() {
            return false;
        }
        let id = Id { key, generation: connection.generation };
        match connection.flush() {
            Ok(Flushed::All) => {}
            Ok(Flushed::Full { progress }) => {
                if progress {
                    self.await_room(key);
                }
                return false;
            }
            Ok(Flushed::Enough) => {
                self.await_room(key);
                self.postpone(key);
                return false;
            }
            Err(error) => {
                self.flush_failed(key, error);
                return true;
            }
        }
        connection.write_deadline = NEVER;
        match &mut connection.phase {
            Phase::Serving(serving) => {
                if std::mem::take(&mut serving.wants_room) {
                    self.pending.push_back(Event::Drained(id));
                }
            }
            Phase::Flushing(after, exchange) => {
                let (after, exchange) = (*after, exchange.take());
                if let Some(exchange) = exchange {
                    self.conclude(exchange);
                }
                self.settle(key, after);
            }
            Phase::Greeting(_)
            | Phase::Idle
            | Phase::Head(_)
            | Phase::Spooling(_)
            | Phase::Draining(..)
            | Phase::Lingering => {}
        }
        self.connections.get(key).is_none_or(|connection| connection.generation != id.generation)
    }

    /// Do the engine's work for at most `wait`, and return the event of this one exchange if there is one: for a thread
    /// that has to wait for its own client. Requests of others are kept for [`Engine::next`].
    ///
    /// # Errors
    /// When the poll itself fails.
    pub fn tend(&mut self, id: Id, wait: Duration) -> io::Result<Option<Event>> {
        if let Some(event) = self.take_event_of(id) {
            return Ok(Some(event));
        }
        if self.connection(id).is_none() {
            return Ok(Some(Event::Closed(id)));
        }
        let idle = self.ready.is_empty() && self.later.is_empty();
        self.poll_once(Some(if idle { wait } else { Duration::ZERO }))?;
        // What is put back meanwhile waits for the next call.
        for _ in 0..self.ready.len() {
            let Some(key) = self.ready.pop_front() else { break };
            if let Some(connection) = self.connections.get_mut(key) {
                connection.queued = false;
                if let Some(event) = self.advance(key) {
                    self.pending.push_back(event);
                }
            }
        }
        Ok(self.take_event_of(id))
    }

    fn take_event_of(&mut self, id: Id) -> Option<Event> {
        let mine = |event: &Event| match event {
            Event::Readable(other) | Event::Drained(other) | Event::Closed(other) => *other == id,
            Event::Request(_) | Event::Overdue(_) => false,
        };
        let at = self.pending.iter().position(mine)?;
        self.pending.remove(at)
    }

    /// What waits on a connection cannot be sent.
    pub(super) fn flush_failed(&mut self, key: usize, error: FlushError) {
        if let FlushError::File(error) = error {
            self.warn_of_file(key, &error);
        }
        self.abandon(key);
    }

    /// A connection broke: tell the worker, if it is at work for it. If it knows that the client sends no more, it may
    /// still be waiting for it to read.
    pub(super) fn abandon(&mut self, key: usize) {
        if let Some(connection) = self.connections.get(key)
            && let Phase::Serving(serving) = connection.phase
            && (!serving.told_closed || serving.wants_room)
        {
            self.pending.push_back(Event::Closed(Id { key, generation: connection.generation }));
        }
        self.close(key);
    }
}
