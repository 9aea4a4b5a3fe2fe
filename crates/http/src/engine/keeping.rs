//! The end of a long response, taken whole however slowly the client reads: the application is done with it, and its
//! thread is needed for others.
//!
//! What the socket does not take at once waits in memory, as far as all clients together leave room, and otherwise in a
//! file without a name: so a few hundred clients that hardly read keep neither a thread nor much memory.

use std::{fs::File, io, io::Write as _, sync::Arc};

use super::{Engine, SendError, Sent, writing::PIECE};
use crate::{Exchange, FileSlice, Id, spool::unnamed_file};

impl Engine {
    /// Whether so many bytes more may wait for clients, in memory or not.
    pub(super) fn can_keep(&self, bytes: usize) -> bool {
        let waiting: u64 = self.connections.iter().map(|(_, connection)| connection.out.kept()).sum();
        waiting + bytes as u64 <= self.config.limits.spill
    }

    /// Send the last part of a response, which is a long one.
    pub(super) fn send_end(&mut self, exchange: &mut Exchange, body: &[u8]) -> Result<Sent, SendError> {
        let whole = Some(body.len() as u64);
        let (from, allowed, tail) = self.frame(exchange, whole, body.len(), true);
        let (id, before) = (exchange.id, &exchange.reply.bytes()[from..]);
        let (before, rest) = self.send_now(id, before, &body[..allowed])?;
        // What the socket did not take of the head waits before the rest.
        self.write(id, [before, b"", b""])?;
        if !rest.is_empty() {
            self.keep(id, rest)?;
        }
        self.write(id, [tail, b"", b""])?;
        if !rest.is_empty() {
            self.await_room(id.key);
        }
        Ok(Sent { taken: body.len(), full: false })
    }

    /// Send what the socket takes at once; what is left of both parts.
    fn send_now<'a>(
        &mut self,
        id: Id,
        mut before: &'a [u8],
        mut rest: &'a [u8],
    ) -> Result<(&'a [u8], &'a [u8]), SendError> {
        let connection = self.serving(id).ok_or(SendError)?;
        while connection.out.is_empty() && !(before.is_empty() && rest.is_empty()) {
            let piece = &rest[..rest.len().min(PIECE)];
            let Ok(count) = connection.try_write([before, piece, b""]) else {
                self.abandon(id.key);
                self.wake();
                return Err(SendError);
            };
            let whole = count == before.len() + piece.len();
            let head = count.min(before.len());
            (before, rest) = (&before[head..], &rest[count - head..]);
            if !whole {
                break;
            }
        }
        Ok((before, rest))
    }

    /// Keep what the socket does not take.
    fn keep(&mut self, id: Id, rest: &[u8]) -> Result<(), SendError> {
        let kept = self.connections.iter().map(|(_, connection)| connection.out.in_memory()).sum::<usize>();
        let spilled = if kept + rest.len() <= self.config.limits.backlog {
            None
        } else {
            spill(rest)
                .inspect_err(|error| tracing::error!("cannot store a response: {error} (it stays in memory)"))
                .ok()
        };
        let reading = !self.config.sendfile;
        let connection = self.serving(id).ok_or(SendError)?;
        match spilled {
            None => connection.out.push(rest),
            Some(file) => {
                let slice = FileSlice { file: Arc::new(file), offset: 0, length: rest.len() as u64 };
                connection.out.push_spilled(slice, reading);
            }
        }
        Ok(())
    }
}

/// Bytes in a file that has no name.
fn spill(bytes: &[u8]) -> io::Result<File> {
    let mut file = unnamed_file()?;
    file.write_all(bytes)?;
    Ok(file)
}
