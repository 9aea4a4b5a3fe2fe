//! What a generation listens on. Generations that bind the same address share the socket, so nothing that waits in its
//! queue is lost when one takes over from another.

use std::{io, net::SocketAddr, sync::Arc};

use rgunicorn_settings::{Address, Settings, WireProtocol};
use socket2::SockRef;

use super::{
    bind::{backlog, resolve},
    files::{Mark, OwnFile},
    listeners::{Listener, Socket},
    unix::{self, Access},
};
use crate::error::StartError;

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
    /// What the service manager calls it.
    pub(crate) name: Option<String>,
    /// Every worker listens on a socket of its own, and lets so many connections wait; this one only holds the port.
    pub(crate) own_backlog: Option<i32>,
}

impl Opened {
    /// `socket`, to speak `protocol` on it.
    pub(crate) fn new(
        bind: &Address,
        protocol: WireProtocol,
        socket: Arc<Socket>,
        file: Option<Arc<OwnFile>>,
    ) -> io::Result<Self> {
        let address = match &*socket {
            Socket::Tcp(socket) => format!("{protocol}://{}", socket.local_addr()?),
            Socket::Unix(socket) => {
                let place = match bind {
                    Address::Inherited(_) => unix::place(&socket.local_addr()?).to_string(),
                    Address::Tcp { .. } | Address::Unix(_) | Address::Abstract(_) => bind.to_string(),
                };
                match protocol {
                    WireProtocol::Http => place,
                    WireProtocol::Uwsgi => format!("{protocol}://{place}"),
                }
            }
        };
        Ok(Self { bind: bind.clone(), protocol, address, socket, file, name: None, own_backlog: None })
    }

    /// The same socket, as another reading of the configuration wants it.
    pub(crate) fn renewed(&self, bind: &Address, protocol: WireProtocol) -> io::Result<Self> {
        let renewed = Self::new(bind, protocol, Arc::clone(&self.socket), self.file.clone())?;
        Ok(Self { name: self.name.clone(), own_backlog: self.own_backlog, ..renewed })
    }

    /// Where a TCP socket listens.
    pub(crate) fn local(&self) -> Option<SocketAddr> {
        match &*self.socket {
            Socket::Tcp(socket) => socket.local_addr().ok(),
            Socket::Unix(_) => None,
        }
    }

    /// Whether it is what `bind` asks for, perhaps in other words: `:8000` is `0.0.0.0:8000`.
    fn is_at(&self, bind: &Address) -> bool {
        self.bind == *bind
            || match bind {
                // Port 0 is any port but that of another.
                Address::Tcp { port: 0, .. } | Address::Abstract(_) | Address::Inherited(_) => false,
                Address::Tcp { host, port } => {
                    // To resolve a name may take long; most addresses can be told apart without.
                    self.local()
                        .filter(|local| local.port() == *port)
                        .is_some_and(|local| resolve(host, *port).is_ok_and(|address| address == local))
                }
                Address::Unix(path) => {
                    let file = self.file.as_ref().map(|file| file.path());
                    std::path::absolute(path).is_ok_and(|path| file == Some(&*path))
                }
            }
    }

    /// Its address and its name, for the log.
    pub(crate) fn called(&self) -> String {
        match &self.name {
            Some(name) => format!("{} ({name})", self.address),
            None => self.address.clone(),
        }
    }
}

/// All addresses of a generation, in the order of the settings.
#[derive(Debug, Default)]
pub(crate) struct Bound {
    pub(crate) opened: Vec<Opened>,
    /// They are the service manager's: whatever the settings say, they are all that is listened on.
    pub(crate) given: bool,
}

impl Bound {
    /// What the log calls them.
    pub(crate) fn addresses(&self) -> Vec<String> {
        self.opened.iter().map(|opened| opened.address.clone()).collect()
    }

    /// What removes the socket files when this process cannot.
    pub(crate) fn marks(&self) -> impl Iterator<Item = Mark> + '_ {
        self.files().map(OwnFile::mark)
    }

    /// The socket files.
    pub(crate) fn files(&self) -> impl Iterator<Item = &OwnFile> {
        self.opened.iter().filter_map(|opened| opened.file.as_deref())
    }

    /// Have the queues, permissions and owners that these settings ask for, also where the socket was there before.
    pub(crate) fn settle(&self, settings: &Settings) -> Result<(), StartError> {
        if self.given {
            return Ok(());
        }
        let access = Access::new(settings)?;
        for opened in self.opened.iter().filter(|opened| opened.own_backlog.is_none()) {
            if matches!(opened.bind, Address::Inherited(_)) {
                continue;
            }
            let listening = SockRef::from(&*opened.socket).listen(backlog(settings));
            listening.map_err(StartError::system("listen"))?;
            if let Some(file) = &opened.file {
                access.apply(file.path())?;
            }
        }
        Ok(())
    }

    /// The one that is open at this address and is not among those that `taken` has already.
    pub(crate) fn at(&self, bind: &Address, taken: &[Opened]) -> Option<&Opened> {
        let free = |opened: &&Opened| !taken.iter().any(|other| Arc::ptr_eq(&other.socket, &opened.socket));
        self.opened.iter().filter(|opened| opened.is_at(bind)).find(free)
    }

    /// The sockets for a worker. What other generations listen on is let go before, and is then closed here.
    pub(crate) fn into_listeners(self) -> io::Result<Vec<Listener>> {
        let listener = |opened: Opened| {
            let Opened { protocol, address, socket, own_backlog, .. } = opened;
            let socket = Arc::try_unwrap(socket).or_else(|shared| shared.try_clone())?;
            Ok(Listener { socket, protocol, address, own_backlog })
        };
        self.opened.into_iter().map(listener).collect()
    }
}
