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

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.socket {
            Socket::Tcp(socket) => socket.as_fd(),
            Socket::Unix(socket) => socket.as_fd(),
        }
    }
}
