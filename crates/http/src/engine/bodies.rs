//! Request bodies that the application reads while it runs: every body under ASGI, awaited ones under WSGI.

use super::{Engine, SendError, reading::SCRATCH};
use crate::{
    BodyRead, Exchange, Refusal,
    connection::{Phase, Read},
    spool::Body,
};

/// What a client that waits for it is told (RFC 9110 15.2.1).
pub(super) const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

impl Engine {
    /// Read some more of the request's body into [`Exchange::chunk`], from the socket if need be: that, and nothing
    /// else, is what paces the client. The first call answers an expected `100 Continue`.
    pub fn read_body(&mut self, exchange: &mut Exchange) -> BodyRead {
        if whole(exchange) {
            return BodyRead::Data { more: false };
        }
        if exchange.decoder.is_done() {
            return BodyRead::End;
        }
        if self.connection(exchange.id).is_none() || self.invite(exchange).is_err() {
            return BodyRead::Gone;
        }
        let key = exchange.id.key;
        if let Phase::Serving(serving) = &mut self.connections[key].phase
            && std::mem::take(&mut serving.overdue)
        {
            self.refuse_serving(exchange, Refusal::BodyTimeout);
            return self.give_up(exchange);
        }
        loop {
            let ahead = std::mem::take(&mut self.connections[key].ahead);
            if !ahead.is_empty() && !self.decode(exchange, &ahead) {
                return self.give_up(exchange);
            }
            if !exchange.chunk().is_empty() || exchange.decoder.is_done() {
                self.clear_deadline(key);
                return BodyRead::Data { more: !exchange.decoder.is_done() };
            }
            let mut scratch = std::mem::take(&mut self.scratch);
            scratch.resize(SCRATCH, 0);
            let read = self.connections[key].read(&mut scratch);
            let well_formed = match read {
                Read::Bytes(count) => self.decode(exchange, &scratch[..count]),
                Read::Nothing | Read::End => true,
            };
            self.scratch = scratch;
            match read {
                Read::Bytes(count) if well_formed => self.earn(key, count),
                Read::Bytes(_) => return self.give_up(exchange),
                Read::End => {
                    self.refuse_serving(exchange, Refusal::Incomplete);
                    return self.give_up(exchange);
                }
                Read::Nothing => {
                    if let Phase::Serving(serving) = &mut self.connections[key].phase {
                        serving.wants_body = true;
                    }
                    // Who was never told to continue is not late.
                    if !exchange.awaits_continue {
                        let wait = self.connections[key].pace.wait(self.clock.now());
                        self.set_deadline(key, wait);
                    }
                    return BodyRead::Wait;
                }
            }
        }
    }

    fn invite(&mut self, exchange: &mut Exchange) -> Result<(), SendError> {
        if exchange.awaits_continue && !exchange.is_started() {
            exchange.awaits_continue = false;
            self.write(exchange.id, [CONTINUE, b"", b""])?;
        }
        Ok(())
    }

    /// Decode bytes of the body; `false` when they are malformed, which is answered if nothing else has been.
    fn decode(&mut self, exchange: &mut Exchange, bytes: &[u8]) -> bool {
        let mut decoder = exchange.decoder;
        let chunk = exchange.own_chunk();
        let taken = decoder.decode(bytes, &mut |piece| chunk.extend_from_slice(piece));
        exchange.decoder = decoder;
        exchange.received += exchange.chunk().len() as u64;
        match taken {
            Ok(_) if exchange.received > self.config.limits.body => {
                self.refuse_serving(exchange, Refusal::BodyTooLarge);
                false
            }
            Ok(taken) => {
                self.connections[exchange.id.key].ahead.extend_from_slice(&bytes[taken..]);
                true
            }
            Err(refusal) => {
                self.refuse_serving(exchange, refusal);
                false
            }
        }
    }

    /// The body cannot be completed: the client is as good as gone.
    fn give_up(&mut self, exchange: &mut Exchange) -> BodyRead {
        exchange.keep_alive = false;
        if let Some(connection) = self.connection(exchange.id)
            && let Phase::Serving(serving) = &mut connection.phase
        {
            serving.told_closed = true;
        }
        BodyRead::Gone
    }
}

/// Make a body that is there already the chunk; `false` where there is none.
fn whole(exchange: &mut Exchange) -> bool {
    match exchange.take_body() {
        Body::Empty => exchange.own_chunk().clear(),
        Body::Behind(start, len) => {
            exchange.chunk_behind(start, len);
            return true;
        }
        Body::Memory(bytes) => {
            *exchange.own_chunk() = bytes;
            return true;
        }
        // Not read here: who has bodies spooled takes them whole.
        file @ Body::File(..) => {
            exchange.own_chunk().clear();
            exchange.body = file;
        }
    }
    false
}
