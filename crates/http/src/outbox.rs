//! What a connection has to send and the socket has not taken: bytes, and parts of files in between.
//!
//! Bytes are kept in memory. A part of a file is kept as that: the kernel moves it to the socket by itself
//! (`sendfile(2)`), from an offset of our own, so the file's position is nobody's concern. Small parts are read into
//! memory instead, and leave together with what stands around them; so are all parts where the kernel cannot do it.
//!
//! A read from a disk may keep the thread for its length: there is no way to be told when a file is ready.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, ErrorKind},
    os::unix::fs::FileExt,
    sync::Arc,
};

use crate::reactor::Stream;

/// Parts of files up to this size are read; and larger ones are read piece by piece where they have to be.
const PIECE: usize = 64 * 1024;
/// When so many bytes have been sent to one client, the others have their turn; a file adds at most as much at once.
const LOOK: usize = 1024 * 1024;

/// A part of a regular file.
#[derive(Debug, Clone)]
pub struct FileSlice {
    /// The file, open for reading; its position is not used.
    pub file: Arc<File>,
    /// Where the part begins, in bytes.
    pub offset: u64,
    /// How many bytes it has.
    pub length: u64,
}

/// Why a part of a file cannot be sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// The file ends before the part does.
    #[error(
        "the file became {0} bytes too short while it was sent (replace a file by renaming another over it)"
    )]
    Shrunk(u64),
    /// It cannot be read.
    #[error("the file cannot be read: {0}")]
    Unreadable(#[from] io::Error),
}

/// Why nothing more can be sent.
#[derive(Debug)]
pub(crate) enum FlushError {
    /// The client has gone.
    Gone,
    /// A file does not hold what the response has promised.
    File(FileError),
}

/// How far a flush came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flushed {
    /// Nothing is left.
    All,
    /// The socket has no room; whether it had some before.
    Full { progress: bool },
    /// There may be room, but it is the turn of others.
    Enough,
}

/// What waits to be sent.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    /// All of it, in bytes.
    pending: u64,
    bytes: Vec<u8>,
    done: usize,
    /// What follows the bytes.
    behind: VecDeque<Part>,
}

#[derive(Debug)]
enum Part {
    Bytes(Vec<u8>),
    File { slice: FileSlice, reading: bool, ours: bool },
}

impl Outbox {
    /// How many bytes wait.
    pub(crate) fn pending(&self) -> u64 {
        self.pending
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pending == 0
    }

    /// How many bytes wait in memory.
    pub(crate) fn in_memory(&self) -> usize {
        let behind = self.behind.iter().map(|part| match part {
            Part::Bytes(bytes) => bytes.len(),
            Part::File { .. } => 0,
        });
        self.waiting() + behind.sum::<usize>()
    }

    /// How many bytes wait that are kept nowhere else: in memory, or in files of our own.
    pub(crate) fn kept(&self) -> u64 {
        let behind = self.behind.iter().map(|part| match part {
            Part::File { slice, ours: true, .. } => slice.length,
            Part::Bytes(_) | Part::File { .. } => 0,
        });
        self.in_memory() as u64 + behind.sum::<u64>()
    }

    /// Whether a part of a file is among what waits.
    pub(crate) fn has_file(&self) -> bool {
        !self.behind.is_empty()
    }

    /// Keep bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.pending += bytes.len() as u64;
        match self.behind.back_mut() {
            None => self.bytes.extend_from_slice(bytes),
            Some(Part::Bytes(last)) => last.extend_from_slice(bytes),
            Some(Part::File { .. }) if bytes.is_empty() => {}
            Some(Part::File { .. }) => self.behind.push_back(Part::Bytes(bytes.to_vec())),
        }
    }

    /// Keep a part of a file; `reading` says that the kernel is not to be asked to move it.
    pub(crate) fn push_file(&mut self, slice: FileSlice, reading: bool) {
        self.push_part(slice, reading, false);
    }

    /// Keep bytes that were put into a file of our own.
    pub(crate) fn push_spilled(&mut self, slice: FileSlice, reading: bool) {
        self.push_part(slice, reading, true);
    }

    fn push_part(&mut self, slice: FileSlice, reading: bool, ours: bool) {
        if slice.length > 0 {
            self.pending += slice.length;
            let reading = reading || slice.length <= PIECE as u64;
            self.behind.push_back(Part::File { slice, reading, ours });
        }
    }

    /// Send what the socket takes, up to one look's worth.
    ///
    /// # Errors
    /// When the client has gone, or a file is not what it was.
    pub(crate) fn flush(&mut self, stream: &Stream) -> Result<Flushed, FlushError> {
        let mut sent = 0;
        while self.pending > 0 {
            if sent >= LOOK {
                return Ok(Flushed::Enough);
            }
            self.fill().map_err(FlushError::File)?;
            let step = match self.behind.front() {
                Some(Part::File { slice, .. }) if self.waiting() == 0 => {
                    let most = usize::try_from(slice.length).map_or(LOOK, |length| length.min(LOOK));
                    stream.send_file(&slice.file, slice.offset, most)
                }
                Some(_) => stream.write_more(&self.bytes[self.done..]),
                None => stream.write(&self.bytes[self.done..]),
            };
            match step {
                Ok(count) => {
                    self.take(count)?;
                    sent += count;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return Ok(Flushed::Full { progress: sent > 0 });
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => self.blame(&error)?,
            }
        }
        Ok(Flushed::All)
    }

    /// How many bytes wait in memory, before anything else.
    fn waiting(&self) -> usize {
        self.bytes.len() - self.done
    }

    /// Have in memory what is to leave from there next.
    fn fill(&mut self) -> Result<(), FileError> {
        while self.waiting() < PIECE {
            match self.behind.front_mut() {
                Some(Part::Bytes(next)) => self.bytes.append(next),
                Some(Part::File { slice, reading: true, .. }) => {
                    let length = usize::try_from(slice.length).map_or(PIECE, |length| length.min(PIECE));
                    read(slice, length, &mut self.bytes)?;
                    if slice.length > 0 {
                        continue;
                    }
                }
                Some(Part::File { reading: false, .. }) | None => break,
            }
            self.behind.pop_front();
        }
        Ok(())
    }

    /// Note that the socket has taken `count` bytes. A client may be slow enough never to take all of an endless
    /// response, so what it has taken is dropped before that.
    fn take(&mut self, count: usize) -> Result<(), FlushError> {
        self.pending -= count as u64;
        if let (0, Some(Part::File { slice, .. })) = (self.waiting(), self.behind.front_mut()) {
            if count == 0 {
                return Err(FlushError::File(FileError::Shrunk(slice.length)));
            }
            slice.offset += count as u64;
            slice.length -= count as u64;
            if slice.length == 0 {
                self.behind.pop_front();
            }
            return Ok(());
        }
        self.done += count;
        if self.waiting() == 0 {
            self.bytes = Vec::new();
            self.done = 0;
        } else if self.done > self.bytes.len() / 2 {
            self.bytes.drain(..self.done);
            self.done = 0;
        }
        Ok(())
    }

    /// An attempt to send failed. `sendfile` does not say whether file or socket is the reason: reading and writing do.
    fn blame(&mut self, error: &io::Error) -> Result<(), FlushError> {
        let left = matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset);
        match self.behind.front_mut() {
            Some(Part::File { reading: reading @ false, .. }) if !left && self.bytes.is_empty() => {
                tracing::debug!("sendfile: {error}; the file is read instead");
                *reading = true;
                Ok(())
            }
            _ => Err(FlushError::Gone),
        }
    }
}

/// Read the next `length` bytes of a part.
fn read(slice: &mut FileSlice, length: usize, into: &mut Vec<u8>) -> Result<(), FileError> {
    let start = into.len();
    into.resize(start + length, 0);
    let mut filled = 0;
    while filled < length {
        match slice.file.read_at(&mut into[start + filled..], slice.offset) {
            Ok(0) => return Err(FileError::Shrunk(slice.length)),
            Ok(count) => {
                filled += count;
                slice.offset += count as u64;
                slice.length -= count as u64;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_slow_client_has_taken_is_dropped() {
        let mut out = Outbox::default();
        for round in 0..10_000_u32 {
            out.push(&round.to_be_bytes().repeat(25));
            out.take(if round == 0 { 1 } else { 100 }).unwrap();
            assert_eq!(out.pending(), 99);
            assert!(out.bytes.capacity() < 1000);
        }
        assert_eq!(out.bytes[out.done..], 9999_u32.to_be_bytes().repeat(25)[1..]);
        out.take(99).unwrap();
        assert_eq!((out.pending(), out.bytes.capacity()), (0, 0));
    }
}
