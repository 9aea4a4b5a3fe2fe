//! What happens when a wait has lasted too long.

use std::time::Duration;

use rgunicorn_scoreboard::Millis;

use super::{Engine, Event, token_of};
use crate::{
    Deadlines, Id, Refusal,
    connection::{Connection, Phase},
    reactor::NEVER,
};

/// Timer entries of connections that have gone are dropped when there are this many more than connections.
const STALE: usize = 1024;
/// Why a connection is reset.
const NOT_READ: &str = "the client does not read the response";

impl Engine {
    /// Look at the connections whose time has come.
    pub(super) fn expire(&mut self) {
        let now = self.clock.now();
        while let Some((at, key, generation)) = self.timers.pop(now) {
            let Some(connection) = self.connections.get_mut(key) else { continue };
            if connection.generation != generation || connection.scheduled != at {
                continue;
            }
            connection.scheduled = NEVER;
            if connection.serve_deadline <= now {
                connection.serve_deadline = NEVER;
                if connection.is_serving() {
                    self.pending.push_back(Event::Overdue(Id { key, generation }));
                }
            }
            let due = connection.next_deadline();
            if due <= now && (self.end <= now || !connection.acted_in_time()) {
                self.overdue(key, now);
                self.schedule_next(key, generation);
            } else if due != NEVER {
                let next = due.max(now + 1);
                connection.scheduled = next;
                self.timers.schedule(next, key, generation);
            }
        }
        if self.timers.len() > 2 * self.connections.len() + STALE {
            let counts = |at, key, generation| {
                self.connections.get(key).is_some_and(|connection| {
                    connection.generation == generation && connection.scheduled == at
                })
            };
            self.timers.retain(counts);
        }
    }

    /// One deadline of a connection has been dealt with: wait for the others.
    fn schedule_next(&mut self, key: usize, generation: u32) {
        let Some(connection) = self.connections.get(key) else { return };
        let next = connection.next_deadline();
        if connection.generation == generation && next != NEVER {
            self.schedule(key, next);
        }
    }

    fn overdue(&mut self, key: usize, now: Millis) {
        if self.connections[key].write_deadline <= now {
            if self.end <= now {
                return self.reset(key, "the worker leaves before the client has read the response");
            }
            // The kernel tells of room only when there is a lot of it, which takes a slow client a while.
            if !self.is_taking(key) {
                return self.reset(key, NOT_READ);
            }
            self.await_room(key);
            if self.connections[key].deadline > now {
                return;
            }
        }
        let connection = &mut self.connections[key];
        connection.deadline = NEVER;
        match std::mem::replace(&mut connection.phase, Phase::Idle) {
            Phase::Head(exchange) => self.refuse(key, exchange, Refusal::HeadTimeout),
            Phase::Greeting(_) if !connection.ahead.is_empty() => {
                let exchange = self.pool.take();
                self.refuse(key, exchange, Refusal::HeadTimeout);
            }
            Phase::Spooling(exchange) => self.refuse(key, exchange, Refusal::BodyTimeout),
            Phase::Serving(mut serving) if serving.wants_body => {
                // Who waits for the body answers, if there is no answer yet.
                serving.wants_body = false;
                serving.overdue = true;
                let id = Id { key, generation: connection.generation };
                connection.phase = Phase::Serving(serving);
                self.pending.push_back(Event::Readable(id));
            }
            other @ (Phase::Serving(_) | Phase::Flushing(..)) => {
                connection.phase = other;
                self.reset(key, NOT_READ);
            }
            other @ (Phase::Greeting(_) | Phase::Idle) if self.closing => {
                connection.phase = other;
                self.part(key);
            }
            other @ (Phase::Greeting(_) | Phase::Idle | Phase::Draining(..) | Phase::Lingering) => {
                connection.phase = other;
                self.close_unless_taking(key);
            }
        }
    }

    /// Close a connection that is idle, unless its client is still taking the last response from the kernel: then it is
    /// as late, or not, as one for which the response still waits here.
    fn close_unless_taking(&mut self, key: usize) {
        // What a worker leaves behind, the kernel delivers.
        if self.closing || self.connections[key].stream.untaken() == 0 {
            self.close(key);
        } else if self.is_taking(key) {
            self.set_deadline(key, self.config.deadlines.write);
        } else {
            self.reset(key, NOT_READ);
        }
    }

    /// Whether the client has taken so much from the kernel since this was asked last, or since there was no more room,
    /// that it may go on: as much a second as the sender of a body owes.
    fn is_taking(&mut self, key: usize) -> bool {
        let Deadlines { write, body_rate, .. } = self.config.deadlines;
        let due = u128::from(body_rate) * write.as_millis() / 1000;
        let due = usize::try_from(due).unwrap_or(usize::MAX).max(1);
        let connection = &mut self.connections[key];
        let untaken = connection.stream.untaken();
        let before = std::mem::replace(&mut connection.untaken, untaken);
        untaken <= before.saturating_sub(due)
    }

    /// Close a connection whose client has not read all of the response, and let the kernel forget what it has for it.
    fn reset(&mut self, key: usize, why: &str) {
        let connection = &self.connections[key];
        let peer = &connection.peer.remote_address;
        tracing::warn!("Closing the connection of ip={peer}: {why}");
        connection.stream.reset_on_close();
        self.abandon(key);
    }

    /// Wait for the client to send, or to close, so long.
    pub(super) fn set_deadline(&mut self, key: usize, wait: Duration) {
        let at = self.moment_after(wait);
        if let Some(connection) = self.connections.get_mut(key) {
            connection.deadline = at;
            connection.since = self.clock.now();
            self.schedule(key, at);
        }
    }

    /// Let the worker be at work for a request that is handed out now no longer than that.
    pub(super) fn limit_work(&mut self, key: usize, limit: Duration) {
        let at = self.clock.now().saturating_add(limit.as_millis() as Millis);
        self.connections[key].serve_deadline = at;
        self.schedule(key, at);
    }

    /// Wait no longer than that for the client to send, and not longer than before.
    pub(super) fn hasten_deadline(&mut self, key: usize, wait: Duration) {
        if self.moment_after(wait) < self.connections[key].deadline {
            self.set_deadline(key, wait);
        }
    }

    /// Wait for the client to take response bytes.
    pub(super) fn await_room(&mut self, key: usize) {
        let at = self.moment_after(self.config.deadlines.write);
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.write_deadline = at;
        connection.untaken = connection.stream.untaken();
        connection.since = self.clock.now();
        if !connection.watches_room {
            let token = token_of(key, connection.generation);
            match connection.stream.watch_room(self.poll.registry(), token) {
                Ok(()) => connection.watches_room = true,
                Err(error) => tracing::error!("cannot watch a connection that is slow to read: {error}"),
            }
        }
        self.schedule(key, at);
    }

    pub(super) fn clear_deadline(&mut self, key: usize) {
        if let Some(connection) = self.connections.get_mut(key) {
            connection.deadline = NEVER;
        }
    }

    pub(super) fn moment_after(&self, wait: Duration) -> Millis {
        self.clock.now().saturating_add(u64::try_from(wait.as_millis()).unwrap_or(NEVER)).min(self.end)
    }

    pub(super) fn schedule(&mut self, key: usize, at: Millis) {
        let connection = &mut self.connections[key];
        if at < connection.scheduled {
            connection.scheduled = at;
            self.timers.schedule(at, key, connection.generation);
            if self.timers.precedes_alarm(at) {
                self.arm();
            }
        }
    }

    /// Wake the poll at once, for something that was found between turns by someone who is not told of it.
    pub(super) fn wake(&mut self) {
        let now = self.clock.now();
        if let Err(error) = self.timers.arm(now, now) {
            tracing::error!("cannot set the timer of the engine: {error}");
        }
    }

    /// Wake the poll for the next deadline, or for a heartbeat. A host that watches the descriptor takes no turn before
    /// that, so this is done whenever the moment comes nearer, not only before the engine itself waits.
    pub(super) fn arm(&mut self) {
        let now = self.clock.now();
        let beat = now + self.config.beat.as_millis() as Millis;
        if let Err(error) = self.timers.arm(beat.min(self.resume), now) {
            tracing::error!("cannot set the timer of the engine: {error} (deadlines will be late)");
        }
    }
}

impl Connection {
    /// When something of it has lasted too long.
    pub(super) fn next_deadline(&self) -> Millis {
        self.deadline.min(self.write_deadline).min(self.serve_deadline)
    }

    /// Whether something is known to have happened that has not been looked at. It came in time: what is late is our
    /// look at it, because the application kept the thread.
    fn acted_in_time(&self) -> bool {
        self.queued && !matches!(self.phase, Phase::Lingering)
    }
}
