//! What comes after a response: the next request, the rest of a body to drop, or an orderly end.

use super::{
    Engine, Event,
    readiness::UNCOUNTED,
    reading::{READS, SCRATCH},
};
use crate::{
    Exchange, Id, Refusal,
    access::Answered,
    connection::{After, Phase, Read},
    proto::{Decoder, Encoder},
    reactor::NEVER,
};

impl Engine {
    /// Take an exchange back. A response that is not complete ends the connection, so that the client can tell. The next
    /// request may be there already: ask [`Engine::has_work`] before waiting for the descriptor.
    pub fn finish(&mut self, mut exchange: Box<Exchange>) {
        self.slot.calls.end(exchange.number);
        if exchange.excess || (exchange.ended && exchange.missing() > 0) {
            warn_of_mismatch(&exchange);
        }
        let Some(connection) = self.serving(exchange.id) else {
            self.forget_unsent(&mut exchange);
            return self.conclude(exchange);
        };
        let was_overdue = std::mem::replace(&mut connection.serve_deadline, NEVER) == NEVER;
        let sends_file = connection.out.has_file();
        let complete = exchange.is_started() && exchange.ended && exchange.encoder.is_complete();
        let after = match exchange.decoder {
            _ if !complete || exchange.excess || !exchange.keep_alive => After::Close,
            Decoder::Done => After::Next,
            unread => After::Drain(unread),
        };
        if was_overdue && self.config.deadlines.request.is_some() {
            // Whoever has not been told yet would take it for the next request's.
            self.pending.retain(|event| !matches!(event, Event::Overdue(id) if *id == exchange.id));
        }
        let (key, sending) = (exchange.id.key, !exchange.decoder.is_done());
        if sends_file {
            self.end(key, after, sending);
            self.connections[key].phase = Phase::Flushing(after, Some(exchange));
        } else {
            self.conclude(exchange);
            self.end(key, after, sending);
        }
    }

    /// All that can be known of a response is known: count it and log it.
    pub(super) fn conclude(&mut self, exchange: Box<Exchange>) {
        let elapsed = self.clock.mark().saturating_duration_since(exchange.began);
        if exchange.number != UNCOUNTED {
            self.slot.request_ended(exchange.sent, u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX));
        }
        if let Some(log) = &mut self.access
            && exchange.is_started()
        {
            log.record(&Answered { exchange: &exchange, elapsed });
        }
        self.pool.give(exchange);
    }

    /// Count what was left to be sent, when the connection broke, as not sent.
    fn forget_unsent(&mut self, exchange: &mut Exchange) {
        if let Some(at) = self.unsent.iter().position(|(id, _)| *id == exchange.id) {
            let (_, unsent) = self.unsent.swap_remove(at);
            exchange.sent = exchange.sent.saturating_sub(unsent);
        }
    }

    /// Forget a connection, and with it its socket.
    pub(super) fn close(&mut self, key: usize) {
        let Some(connection) = self.connections.try_remove(key) else { return };
        let unsent = if connection.out.has_file() { connection.out.pending() } else { 0 };
        match connection.phase {
            Phase::Head(exchange) | Phase::Spooling(exchange) => self.pool.give(exchange),
            Phase::Flushing(_, Some(mut exchange)) => {
                exchange.sent = exchange.sent.saturating_sub(unsent);
                self.conclude(exchange);
            }
            Phase::Serving(_) if unsent > 0 => {
                self.unsent.push((Id { key, generation: connection.generation }, unsent));
            }
            Phase::Greeting(_)
            | Phase::Idle
            | Phase::Serving(_)
            | Phase::Flushing(_, None)
            | Phase::Draining(..)
            | Phase::Lingering => {}
        }
    }

    /// The response is written; `sending` says that the client may still be sending.
    fn end(&mut self, key: usize, after: After, sending: bool) {
        let connection = &mut self.connections[key];
        let quiet = !sending && !connection.readable && connection.ahead.is_empty();
        if !connection.out.is_empty() {
            connection.phase = Phase::Flushing(after, None);
            connection.deadline = NEVER;
            if connection.write_deadline == NEVER {
                self.await_room(key);
            }
        } else if matches!(after, After::Close) && quiet {
            // Nothing unread is left in the kernel, so the close is not a reset.
            self.close(key);
        } else {
            self.settle(key, after);
        }
    }

    pub(super) fn settle(&mut self, key: usize, after: After) {
        let connection = &mut self.connections[key];
        connection.untaken = usize::MAX;
        match after {
            After::Next => {
                connection.phase = Phase::Idle;
                // At the end, the kernel is asked once more: the response has promised to go on.
                connection.readable |= self.closing;
                let more = connection.readable || !connection.ahead.is_empty();
                self.set_deadline(key, self.config.deadlines.idle);
                if more {
                    self.enqueue(key);
                }
            }
            After::Drain(decoder) => {
                connection.phase = Phase::Draining(decoder, self.config.limits.discard);
                self.set_deadline(key, self.config.deadlines.body);
                self.enqueue(key);
            }
            After::Close => {
                connection.ahead = Vec::new();
                connection.readable = true;
                connection.phase = Phase::Lingering;
                if connection.stream.end_writing().is_err() {
                    return self.close(key);
                }
                self.set_deadline(key, self.config.deadlines.linger);
                self.enqueue(key);
            }
        }
    }

    /// Read and drop what a client sends that nobody wants.
    pub(super) fn discard(&mut self, key: usize) {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.resize(SCRATCH, 0);
        match self.connections[key].phase {
            Phase::Draining(decoder, left) => self.drain(key, (decoder, left), &mut scratch),
            Phase::Lingering => self.linger(key, &mut scratch),
            Phase::Greeting(_)
            | Phase::Idle
            | Phase::Head(_)
            | Phase::Spooling(_)
            | Phase::Serving(_)
            | Phase::Flushing(..) => {}
        }
        self.scratch = scratch;
    }

    fn linger(&mut self, key: usize, scratch: &mut [u8]) {
        for _ in 0..READS {
            match self.connections[key].read(scratch) {
                Read::Bytes(_) => {}
                Read::Nothing => return,
                Read::End => return self.close(key),
            }
        }
        self.enqueue(key);
    }

    fn drain(&mut self, key: usize, (mut decoder, mut left): (Decoder, u64), scratch: &mut [u8]) {
        let mut bytes = std::mem::take(&mut self.connections[key].ahead);
        loop {
            match decoder.decode(&bytes, &mut |_| {}) {
                Ok(taken) if decoder.is_done() => {
                    self.connections[key].ahead = bytes.split_off(taken);
                    return self.settle(key, After::Next);
                }
                Ok(taken) if taken as u64 <= left => left -= taken as u64,
                Ok(_) | Err(_) => return self.settle(key, After::Close),
            }
            match self.connections[key].read(scratch) {
                Read::Bytes(count) => {
                    bytes.clear();
                    bytes.extend_from_slice(&scratch[..count]);
                }
                Read::Nothing => {
                    self.connections[key].phase = Phase::Draining(decoder, left);
                    return;
                }
                Read::End => return self.close(key),
            }
        }
    }

    /// Answer a request that breaks a rule, and close: where the next one would begin is not known.
    pub(super) fn refuse(&mut self, key: usize, mut exchange: Box<Exchange>, refusal: Refusal) {
        self.answer_refusal(key, &mut exchange, refusal);
        self.pool.give(exchange);
    }

    /// The same for a request whose body turns out to break a rule while the application reads it. If its response has
    /// begun, all that is left is to close.
    pub(super) fn refuse_serving(&mut self, exchange: &mut Exchange, refusal: Refusal) {
        let key = exchange.id.key;
        if exchange.is_started() {
            warn(&self.connections[key].peer.remote_address, refusal);
            return self.end(key, After::Close, true);
        }
        self.answer_refusal(key, exchange, refusal);
    }

    fn answer_refusal(&mut self, key: usize, exchange: &mut Exchange, refusal: Refusal) {
        let connection = &mut self.connections[key];
        warn(&connection.peer.remote_address, refusal);
        let body = format!("{}: {refusal}\n", refusal.status());
        let bodyless = exchange.asks_for_head();
        let reply = &mut exchange.reply;
        reply.begin_text(refusal.status());
        let sized = reply.field(b"Content-Length", body.len().to_string().as_bytes());
        debug_assert!(sized.is_ok());
        reply.seal(self.clock.date(), Some("close"));
        let body = if bodyless { "" } else { &body };
        exchange.sent = body.len() as u64;
        exchange.ended = true;
        exchange.encoder = Encoder::Length(0);
        exchange.keep_alive = false;
        if connection.write([exchange.reply.bytes(), body.as_bytes(), b""]).is_err() {
            return self.close(key);
        }
        self.end(key, After::Close, true);
    }
}

fn warn(address: &str, refusal: Refusal) {
    tracing::warn!("Invalid request from ip={address}: {refusal}");
}

/// An application that promised another length than it sent made a mistake that clients will report as a broken server.
fn warn_of_mismatch(exchange: &Exchange) {
    let line = exchange.line();
    if exchange.missing() > 0 {
        let missing = exchange.missing();
        tracing::error!(
            "{line}: the response is {missing} bytes shorter than its Content-Length; connection closed"
        );
    } else {
        let sent = exchange.sent;
        tracing::error!(
            "{line}: the response is longer than its Content-Length {sent}; the rest was cut off, connection closed"
        );
    }
}
