//! Listening sockets.

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc};

use mio::{
    Interest, Registry, Token,
    event::Source,
    net::{TcpListener, UnixListener},
};

use rgunicorn_settings::WireProtocol;

use super::{Stream, buffers};
use crate::client::{Local, Peer, Remote};

/// A listening, non-blocking socket.
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    /// What its connections speak.
    pub(crate) protocol: WireProtocol,
}

#[derive(Debug)]
enum Socket {
    /// TCP, version 4 or 6.
    Tcp(TcpListener, SocketAddr),
    /// A unix socket and its path.
    Unix(UnixListener, Arc<PathBuf>),
}

impl Listener {
    /// Take over a bound TCP socket, which must be non-blocking.
    ///
    /// # Errors
    /// When the socket has no address.
    pub fn tcp(socket: std::net::TcpListener) -> io::Result<Self> {
        let address = socket.local_addr()?;
        if let Err(error) = buffers::bound_unsent(&socket) {
            tracing::debug!("cannot bound what the kernel keeps of responses: {error}");
        }
        Ok(Self::new(Socket::Tcp(TcpListener::from_std(socket), address)))
    }

    /// Take over a bound unix socket, which must be non-blocking.
    ///
    /// # Errors
    /// When the socket has no address.
    pub fn unix(socket: std::os::unix::net::UnixListener) -> io::Result<Self> {
        let path = socket.local_addr()?.as_pathname().map(PathBuf::from).unwrap_or_default();
        Ok(Self::new(Socket::Unix(UnixListener::from_std(socket), Arc::new(path))))
    }

    fn new(socket: Socket) -> Self {
        Self { socket, protocol: WireProtocol::Http }
    }

    /// Say what the connections speak.
    #[must_use]
    pub fn speaking(self, protocol: WireProtocol) -> Self {
        Self { protocol, ..self }
    }

    pub(crate) fn accept(&self, index: usize) -> io::Result<(Stream, Peer)> {
        match &self.socket {
            Socket::Tcp(listener, bound) => {
                let (stream, remote) = listener.accept()?;
                let local = if bound.ip().is_unspecified() { stream.local_addr()? } else { *bound };
                let peer = Peer::new(Remote::Tcp(remote), Local::Tcp(local), index);
                Ok((Stream::Tcp(stream), peer))
            }
            Socket::Unix(listener, path) => {
                let (stream, _) = listener.accept()?;
                Ok((Stream::Unix(stream), Peer::new(Remote::Unix, Local::Unix(Arc::clone(path)), index)))
            }
        }
    }

    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        match &mut self.socket {
            Socket::Tcp(listener, _) => listener.register(registry, token, Interest::READABLE),
            Socket::Unix(listener, _) => listener.register(registry, token, Interest::READABLE),
        }
    }

    pub(crate) fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        match &mut self.socket {
            Socket::Tcp(listener, _) => listener.deregister(registry),
            Socket::Unix(listener, _) => listener.deregister(registry),
        }
    }
}
