//! Files as parts of responses, and whole responses made of files.

use std::time::SystemTime;

use super::{Engine, Event, SendError};
use crate::{
    Exchange, FileSlice, Id,
    connection::Phase,
    outbox::{FileError, Flushed},
    static_files::{Content, Piece},
};

impl Engine {
    /// Send a part of a file as a part of the response's body; `last` says that nothing follows it. Never waits: what
    /// the socket does not take now leaves while the worker does something else, and the response is counted and logged
    /// when it has. The result says whether the caller has to wait for [`Event::Drained`](crate::Event::Drained) before
    /// it sends more. More of it may have room at once: ask [`Engine::has_work`] before waiting for the descriptor.
    ///
    /// The file must be a regular one that is open for reading. If it turns out to be too short, the connection is closed.
    ///
    /// # Errors
    /// When the client has left.
    pub fn send_file(
        &mut self,
        exchange: &mut Exchange,
        slice: FileSlice,
        last: bool,
    ) -> Result<bool, SendError> {
        if exchange.ended {
            return Ok(false);
        }
        let whole = last.then_some(slice.length);
        // A file is often longer than the part of it that the response has declared.
        let length = exchange.owed().map_or(slice.length, |owed| owed.min(slice.length));
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let (from, allowed, tail) = self.frame(exchange, whole, length, last);
        if allowed == 0 {
            return self.write(exchange.id, [&exchange.reply.bytes()[from..], tail, b""]);
        }
        let reading = !self.config.sendfile;
        let Some(connection) = self.serving(exchange.id) else {
            exchange.sent -= allowed as u64;
            return Err(SendError);
        };
        let waited = !connection.out.is_empty();
        connection.out.push(&exchange.reply.bytes()[from..]);
        connection.out.push_file(FileSlice { length: allowed as u64, ..slice }, reading);
        connection.out.push(tail);
        if waited { Ok(self.note_room_wanted(exchange.id)) } else { self.begin_flush(exchange.id) }
    }

    /// Answer a request for a static file; one for something else is the worker's.
    pub(super) fn serve_file(&mut self, mut exchange: Box<Exchange>) -> Option<Event> {
        let now = (self.clock.now(), SystemTime::now());
        let Some(answer) = self.config.mounts.answer(&exchange, now) else {
            return Some(Event::Request(exchange));
        };
        let sent = match answer.write(&mut exchange.reply) {
            Content::Text(text) => self.send(&mut exchange, text.as_bytes(), true).map(drop),
            Content::File(slice) => self.send_file(&mut exchange, slice, true).map(drop),
            Content::Pieces(pieces) => self.send_pieces(&mut exchange, pieces),
        };
        if sent.is_err() {
            tracing::debug!("{}: the client disconnected", exchange.line());
        }
        self.finish(exchange);
        None
    }

    fn send_pieces(&mut self, exchange: &mut Exchange, pieces: Vec<Piece>) -> Result<(), SendError> {
        let mut left = pieces.len();
        for piece in pieces {
            left -= 1;
            match piece {
                Piece::Bytes(bytes) => self.send(exchange, &bytes, left == 0).map(drop)?,
                Piece::File(slice) => self.send_file(exchange, slice, left == 0).map(drop)?,
            }
        }
        Ok(())
    }

    /// Send the first of what waits, for a worker that has the exchange.
    fn begin_flush(&mut self, id: Id) -> Result<bool, SendError> {
        match self.connections[id.key].flush() {
            Ok(Flushed::All) => return Ok(false),
            Ok(Flushed::Full { .. }) => {}
            Ok(Flushed::Enough) => self.postpone(id.key),
            Err(error) => {
                self.flush_failed(id.key, error);
                self.wake();
                return Err(SendError);
            }
        }
        self.await_room(id.key);
        Ok(self.note_room_wanted(id))
    }

    /// Whether so much waits that the worker is to wait; if so, it will be told when to go on.
    pub(super) fn note_room_wanted(&mut self, id: Id) -> bool {
        let connection = &mut self.connections[id.key];
        let full = connection.out.pending() > self.config.limits.high_water as u64;
        if let Phase::Serving(serving) = &mut connection.phase {
            serving.wants_room |= full;
        }
        full
    }

    /// Look at a connection again in the next turn: it may have room for more, but others have waited longer, and
    /// clients that would connect as well.
    pub(super) fn postpone(&mut self, key: usize) {
        let connection = &mut self.connections[key];
        if !connection.queued {
            connection.queued = true;
            self.later.push(key);
        }
    }

    /// A file is not what it was when its length was promised.
    pub(super) fn warn_of_file(&self, key: usize, error: &FileError) {
        let connection = &self.connections[key];
        let peer = &connection.peer.remote_address;
        match &connection.phase {
            Phase::Flushing(_, Some(exchange)) => {
                tracing::error!("{}: {error}; closing the connection of ip={peer}", exchange.line());
            }
            _ => tracing::error!("closing the connection of ip={peer}: {error}"),
        }
    }
}
