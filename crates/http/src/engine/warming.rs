//! Before the first client: connections of the worker's own, while nobody else's are accepted.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    os::unix::net::UnixStream,
    time::Duration,
};

use rgunicorn_logging::AccessLog;

use super::Engine;
use crate::{
    client::{Local, Peer, Remote},
    connection::Connection,
    reactor::{NEVER, Stream},
};

/// The two ends that the application is shown of a connection that has none.
const HERE: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 80);

/// What holds for clients only.
pub(super) struct Held {
    log: Option<AccessLog>,
    request: Option<Duration>,
}

impl Engine {
    /// Accept nothing, write no access log and leave requests their time until [`Engine::open`].
    pub fn hold(&mut self) {
        self.pause();
        self.held = Some(Held { log: self.access.take(), request: self.config.deadlines.request.take() });
    }

    /// Accept from now on. What was served before counts for nothing.
    pub fn open(&mut self) {
        self.resume();
        if let Some(Held { log, request }) = self.held.take() {
            self.access = log;
            self.config.deadlines.request = request;
        }
        self.requests = 0;
    }

    /// Accept nothing until [`Engine::resume`].
    pub fn pause(&mut self) {
        for listening in &mut self.listeners {
            listening.resume = NEVER;
        }
    }

    /// Accept again.
    pub fn resume(&mut self) {
        for listening in &mut self.listeners {
            listening.resume = 0;
        }
    }

    /// Take over a connection that was not accepted; it must not block. The application is shown 127.0.0.1 as its client.
    ///
    /// # Errors
    /// When it cannot be watched.
    pub fn adopt(&mut self, socket: UnixStream) -> io::Result<()> {
        let stream = Stream::Unix(mio::net::UnixStream::from_std(socket));
        let (address, port) = HERE;
        let (client, server) = (SocketAddr::from((address, 0)), SocketAddr::from((address, port)));
        let peer = Peer::new(Remote::Tcp(client), Local::Tcp(server), 0);
        let connection = Connection::new(stream, peer, false, self.generation);
        self.add(connection)
    }
}
