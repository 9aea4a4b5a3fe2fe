//! Listening sockets: made by the master, shared by all workers.

use std::{
    io,
    net::TcpListener,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixListener,
    },
};

use rgunicorn_settings::WireProtocol;

use super::bind::beside;

/// A listening socket, what is spoken there, and how it is called in the log.
#[derive(Debug)]
pub struct Listener {
    /// The socket: non-blocking, closed on exec.
    pub socket: Socket,
    /// What its connections speak.
    pub protocol: WireProtocol,
    /// Its address as gunicorn prints it: `http://127.0.0.1:8000`, `unix:/run/site.sock`; with `uwsgi://` before it
    /// where that is spoken.
    pub address: String,
    /// What it holds is only the port: the worker listens on a socket of its own, with so much room in its queue.
    pub(crate) own_backlog: Option<i32>,
}

impl Listener {
    /// Have a socket of this worker's own where the settings ask for that. It does not listen yet: whoever calls
    /// `listen` on the descriptor that is returned opens the door.
    pub(crate) fn part(&mut self) -> io::Result<Option<(Socket, i32)>> {
        let (Some(backlog), Socket::Tcp(holder)) = (self.own_backlog.take(), &self.socket) else {
            return Ok(None);
        };
        self.socket = Socket::Tcp(beside(holder)?);
        Ok(Some((self.socket.try_clone()?, backlog)))
    }
}

/// The two kinds of stream socket.
#[derive(Debug)]
pub enum Socket {
    /// TCP over v4 or v6, with `TCP_NODELAY`, which accepted sockets inherit.
    Tcp(TcpListener),
    /// A unix socket.
    Unix(UnixListener),
}

impl Socket {
    /// The same socket under another descriptor.
    ///
    /// # Errors
    /// When the process has too many descriptors.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Tcp(socket) => Self::Tcp(socket.try_clone()?),
            Self::Unix(socket) => Self::Unix(socket.try_clone()?),
        })
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(socket) => socket.as_fd(),
            Self::Unix(socket) => socket.as_fd(),
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
