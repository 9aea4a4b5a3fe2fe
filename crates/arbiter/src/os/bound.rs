//! What a generation listens on. Generations that bind the same address share the socket, so nothing that waits in its
//! queue is lost when one takes over from another.

use std::{io, sync::Arc};

use rgunicorn_settings::{Address, WireProtocol};

use super::{
    files::{Mark, OwnFile},
    listeners::{Listener, Socket},
};

/// An open address.
#[derive(Debug, Clone)]
pub(crate) struct Opened {
    /// What was configured.
    pub(crate) bind: Address,
    /// What is spoken there.
    pub(crate) protocol: WireProtocol,
    /// How the log calls it.
    pub(crate) address: String,
    pub(crate) socket: Arc<Socket>,
    /// The file of a unix socket.
    pub(crate) file: Option<Arc<OwnFile>>,
}

impl Opened {
    /// `socket`, to speak `protocol` on it.
    pub(crate) fn new(
        bind: &Address,
        protocol: WireProtocol,
        socket: Arc<Socket>,
        file: Option<Arc<OwnFile>>,
    ) -> io::Result<Self> {
        let address = match (&*socket, protocol) {
            (Socket::Tcp(socket), _) => format!("{protocol}://{}", socket.local_addr()?),
            (Socket::Unix(_), WireProtocol::Http) => bind.to_string(),
            (Socket::Unix(_), WireProtocol::Uwsgi) => format!("{protocol}://{bind}"),
        };
        Ok(Self { bind: bind.clone(), protocol, address, socket, file })
    }
}

/// All addresses of a generation, in the order of the settings.
#[derive(Debug, Default)]
pub(crate) struct Bound {
    pub(crate) opened: Vec<Opened>,
}

impl Bound {
    /// What the log calls them.
    pub(crate) fn addresses(&self) -> Vec<String> {
        self.opened.iter().map(|opened| opened.address.clone()).collect()
    }

    /// What removes the socket files when this process cannot.
    pub(crate) fn marks(&self) -> impl Iterator<Item = Mark> + '_ {
        self.opened.iter().filter_map(|opened| opened.file.as_ref()).map(|file| file.mark())
    }

    /// The one that is open at this address and is not among those that `taken` has already.
    pub(crate) fn at(&self, bind: &Address, taken: &[Opened]) -> Option<&Opened> {
        let free = |opened: &&Opened| !taken.iter().any(|other| Arc::ptr_eq(&other.socket, &opened.socket));
        self.opened.iter().filter(|opened| opened.bind == *bind).find(free)
    }

    /// The sockets for a worker. What other generations listen on is let go before, and is then closed here.
    pub(crate) fn into_listeners(self) -> io::Result<Vec<Listener>> {
        let listener = |opened: Opened| {
            let Opened { protocol, address, socket, .. } = opened;
            let socket = Arc::try_unwrap(socket).or_else(|shared| shared.try_clone())?;
            Ok(Listener { socket, protocol, address })
        };
        self.opened.into_iter().map(listener).collect()
    }
}
