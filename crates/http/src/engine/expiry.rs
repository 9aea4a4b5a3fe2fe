//! What happens when a wait has lasted too long.

use super::Engine;
use crate::{Refusal, connection::Phase, reactor::NEVER};

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
            if connection.deadline <= now {
                connection.deadline = NEVER;
                self.overdue(key);
            } else if connection.deadline != NEVER {
                connection.scheduled = connection.deadline;
                self.timers.schedule(connection.deadline, key, generation);
            }
        }
    }

    fn overdue(&mut self, key: usize) {
        let connection = &mut self.connections[key];
        match std::mem::replace(&mut connection.phase, Phase::Idle) {
            Phase::Head(exchange) => self.refuse(key, exchange, Refusal::HeadTimeout),
            Phase::Spooling(exchange) => self.refuse(key, exchange, Refusal::BodyTimeout),
            Phase::Serving(serving) => {
                let peer = &connection.peer.remote_address;
                if serving.wants_body {
                    tracing::warn!("Closing the connection of ip={peer}: {}", Refusal::BodyTimeout);
                } else {
                    tracing::warn!(
                        "Closing the connection of ip={peer}: the client does not read the response"
                    );
                }
                connection.phase = Phase::Serving(serving);
                self.abandon(key);
            }
            Phase::Idle | Phase::Flushing(_) | Phase::Draining(..) | Phase::Lingering => self.close(key),
        }
    }
}
