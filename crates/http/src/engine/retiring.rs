//! A worker that leaves: it begins nothing new, and loses no request that is on its way.
//!
//! Its listeners are shared with other workers as a rule, so it goes on to accept as before until it finds nobody
//! waiting, and closes each at that moment: what waits is taken by whoever is free, and nothing is left to a socket that
//! nobody has open any more. Clients that keep connections may send at any moment; who was active just now is waited for
//! a little, and whatever is closed is closed so that the client sees an end and not a reset.

use std::time::Duration;

use rgunicorn_scoreboard::Millis;

use super::{Engine, reading::SCRATCH};
use crate::{
    Deadlines,
    connection::{Phase, Read},
    reactor::NEVER,
};

/// How long a listener at which clients never cease to wait is still accepted from, in milliseconds.
const DOORS: Millis = 1000;

impl Engine {
    /// Accept nothing more, once nobody is found waiting. Connections are closed after their response, and so says the
    /// response; idle ones once they have been silent for [`Deadlines::parting`]. No client is waited for longer than
    /// [`Deadlines::stop`]. [`Engine::is_done`] tells when all is over. A worker that is still [on hold](Engine::hold)
    /// accepts nobody.
    pub fn retire(&mut self) {
        if self.closing {
            return;
        }
        self.end = self.moment_after(self.config.deadlines.stop);
        self.closing = true;
        if self.held.is_some() {
            // It was not to be seen by any client yet, so it leaves those who wait to the others.
            (0..self.listeners.len()).for_each(|index| self.shut_door(index));
        } else {
            self.doors_close = self.end.min(self.clock.now() + DOORS);
            self.resume = self.resume.min(self.doors_close);
            for listening in &mut self.listeners {
                listening.ready = true;
                listening.resume = 0;
            }
        }
        for key in self.connections.iter().map(|(key, _)| key).collect::<Vec<_>>() {
            self.hasten(key);
        }
        self.arm();
    }

    /// Whether a worker that is leaving has nothing left to do for its clients.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.closing
            && self.connections.is_empty()
            && self.listeners.iter().all(|listening| listening.listener.is_none())
    }

    /// Wait for a client no longer than a worker may that is leaving.
    fn hasten(&mut self, key: usize) {
        let end = self.end;
        let connection = &mut self.connections[key];
        for deadline in [&mut connection.deadline, &mut connection.write_deadline] {
            if *deadline != NEVER {
                *deadline = end.min(*deadline);
            }
        }
        let next = connection.next_deadline();
        match connection.phase {
            Phase::Head(_) | Phase::Greeting(_) => self.hasten_deadline(key, self.head_patience()),
            Phase::Idle => {
                // The kernel may have a request that it has not told of yet.
                connection.readable = true;
                self.enqueue(key);
            }
            Phase::Spooling(_)
            | Phase::Serving(_)
            | Phase::Flushing(..)
            | Phase::Draining(..)
            | Phase::Lingering => {}
        }
        if next != NEVER {
            self.schedule(key, next);
        }
    }

    /// How long a head may take; a worker that is leaving waits for no slow one.
    pub(super) fn head_patience(&self) -> Duration {
        let Deadlines { head, linger, .. } = self.config.deadlines;
        if self.closing { head.min(linger) } else { head }
    }

    /// An idle connection of a worker that is leaving has nothing to read: it may still make its last request, if it was
    /// active a moment ago.
    pub(super) fn await_last(&mut self, key: usize) {
        let parting = self.config.deadlines.parting.as_millis() as Millis;
        let connection = &mut self.connections[key];
        let at = connection.since.saturating_add(parting).min(self.end);
        if at <= self.clock.now() {
            return self.part(key);
        }
        connection.deadline = connection.deadline.min(at);
        let next = connection.deadline;
        self.schedule(key, next);
    }

    /// Close an idle connection. Its client may be sending at this moment: it is told first that nothing will be
    /// written, so that it finds an end, and not a reset, whatever is still on its way.
    pub(super) fn part(&mut self, key: usize) {
        let connection = &mut self.connections[key];
        connection.ahead = Vec::new();
        if connection.stream.end_writing().is_err() {
            return self.close(key);
        }
        connection.readable = true;
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.resize(SCRATCH, 0);
        let read = connection.read(&mut scratch);
        self.scratch = scratch;
        match read {
            Read::Nothing | Read::End => self.close(key),
            Read::Bytes(_) => {
                self.connections[key].phase = Phase::Lingering;
                self.set_deadline(key, self.config.deadlines.linger.min(self.config.deadlines.parting));
                self.enqueue(key);
            }
        }
    }

    /// Nobody waits at this listener: give it up.
    pub(super) fn shut_door(&mut self, index: usize) {
        if let Some(mut listener) = self.listeners[index].listener.take() {
            // One that cannot be taken out of the poll is closed by the drop all the same.
            let _ = listener.deregister(self.poll.registry());
        }
    }

    /// Clients have not ceased to wait: take what there is room for, and give the listeners up.
    pub(super) fn shut_doors(&mut self) {
        self.doors_close = NEVER;
        for index in 0..self.listeners.len() {
            self.listeners[index].ready = true;
            self.accept_from(index, self.config.most_connections);
            self.shut_door(index);
        }
    }
}
