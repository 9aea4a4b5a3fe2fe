//! A connected socket, TCP or unix; the rest of the engine does not know which.

use std::{
    fs::File,
    io::{self, IoSlice, Read},
    net::Shutdown,
    os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd},
};

use mio::{
    Interest, Registry, Token,
    event::Source,
    net::{TcpStream, UnixStream},
};
use nix::{
    errno::Errno,
    sys::{
        sendfile::sendfile64,
        signal::{SigSet, SigmaskHow, Signal},
        signalfd::{SfdFlags, SignalFd},
        socket::{MsgFlags, UnixAddr, send, sendmsg},
    },
};

use super::buffers;

/// A connected, non-blocking socket.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    pub(crate) fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => (&*stream).read(into),
            Self::Unix(stream) => (&*stream).read(into),
        }
    }

    /// Write without raising SIGPIPE: the application may have given the signal back its deadly default.
    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        Ok(send(self.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL)?)
    }

    /// The same for several parts.
    pub(crate) fn write_vectored(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(sendmsg::<UnixAddr>(self.as_raw_fd(), parts, &[], MsgFlags::MSG_NOSIGNAL, None)?)
    }

    /// The same for bytes that more follow at once: they need not leave in a packet of their own.
    pub(crate) fn write_more(&self, bytes: &[u8]) -> io::Result<usize> {
        let more = MsgFlags::from_bits_retain(nix::libc::MSG_MORE);
        Ok(send(self.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL | more)?)
    }

    /// Send `count` bytes of a file from `offset` on, or fewer; none at the end of the file. The file's own position
    /// neither matters nor moves.
    pub(crate) fn send_file(&self, file: &File, offset: u64, count: usize) -> io::Result<usize> {
        let mut at = i64::try_from(offset).map_err(|_| io::ErrorKind::InvalidInput)?;
        // `sendfile` knows no MSG_NOSIGNAL: the signal is held back, and taken if it came. If it cannot be taken, it
        // stays held back.
        let signal = SigSet::from(Signal::SIGPIPE);
        let before = signal.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        let sent = sendfile64(self, file, Some(&mut at), count);
        if sent == Err(Errno::EPIPE) {
            SignalFd::with_flags(&signal, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?.read_signal()?;
        }
        before.thread_set_mask()?;
        Ok(sent?)
    }

    fn as_raw_fd(&self) -> RawFd {
        match self {
            Self::Tcp(stream) => stream.as_raw_fd(),
            Self::Unix(stream) => stream.as_raw_fd(),
        }
    }

    /// Say that nothing more will be written.
    pub(crate) fn end_writing(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
        }
    }

    /// How many bytes were written that the client has not taken.
    pub(crate) fn untaken(&self) -> usize {
        buffers::untaken(self)
    }

    /// Let the close throw away what the client has not taken.
    pub(crate) fn reset_on_close(&self) {
        // A socket that refuses is closed all the same.
        let _ = buffers::reset_on_close(self);
    }

    /// Watch for bytes to read. Not for room to write: a unix socket reports that whenever its client reads.
    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.register(registry, token, Interest::READABLE),
            Self::Unix(stream) => stream.register(registry, token, Interest::READABLE),
        }
    }

    /// Watch for room to write as well.
    pub(crate) fn watch_room(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        match self {
            Self::Tcp(stream) => stream.reregister(registry, token, interest),
            Self::Unix(stream) => stream.reregister(registry, token, interest),
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Unix(stream) => stream.as_fd(),
        }
    }
}
