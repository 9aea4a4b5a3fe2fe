//! Listening sockets that this process was started with: from systemd (`LISTEN_FDS`), from the old master of an upgrade
//! (`RGUNICORN_FD`), or from whoever the address `fd://N` trusts.
//!
//! They are used as they are, never bound and never told to listen again, which a service may not be allowed to.

use std::{
    io,
    os::fd::{BorrowedFd, FromRawFd as _, OwnedFd, RawFd},
    path::{Path, PathBuf},
    sync::Arc,
};

use nix::{errno::Errno, fcntl, libc};
use rgunicorn_settings::{Address, Settings, WireProtocol};
use socket2::{Domain, Socket as RawSocket, Type};

use super::{
    bind::resolve,
    bound::{Bound, Opened},
    files::OwnFile,
    listeners::Socket,
    unix,
};
use crate::{
    error::StartError,
    machine::notices::{Notice, Remark},
    origin::{HANDED_OVER, LISTEN_FDNAMES, LISTEN_FDS, LISTEN_PID, OLD_MASTER, Origin},
    run::log,
};

/// The first descriptor that a service manager hands over.
pub(crate) const FIRST: RawFd = 3;

/// A socket that was found, and where it listens.
#[derive(Debug)]
struct Found {
    socket: Socket,
    place: Address,
    name: Option<String>,
}

/// Take over what the environment names: the sockets of a service manager, or those of an old master that the settings
/// still ask for. The old master's others are closed.
pub(crate) fn take(origin: &Origin, settings: &Settings) -> Result<Bound, StartError> {
    if let Some(count) = origin.variable(LISTEN_FDS).filter(|_| origin.is_for_us(LISTEN_PID) == Some(true)) {
        let count = count.to_str().and_then(|count| count.parse::<RawFd>().ok()).filter(|count| *count >= 0);
        return match count {
            Some(0) => Ok(Bound::default()),
            Some(count) => from_manager(origin, settings, count),
            None => {
                Err(StartError::Variable { variable: LISTEN_FDS, reason: "it is not a number of sockets" })
            }
        };
    }
    let Some(list) = origin.variable(HANDED_OVER).filter(|_| origin.variable(OLD_MASTER).is_some()) else {
        return Ok(Bound::default());
    };
    let numbers =
        list.to_str().map(|list| list.split(',').map(str::parse).collect::<Result<Vec<RawFd>, _>>());
    let Some(Ok(mut numbers)) = numbers else {
        return Err(StartError::Variable {
            variable: HANDED_OVER,
            reason: "it is not a list of descriptors",
        });
    };
    numbers.sort_unstable();
    numbers.dedup();
    from_old_master(&numbers, settings)
}

fn from_manager(origin: &Origin, settings: &Settings, count: RawFd) -> Result<Bound, StartError> {
    let names = origin.variable(LISTEN_FDNAMES).map(|names| names.to_string_lossy().into_owned());
    let mut names = names.as_deref().unwrap_or_default().split(':').map(str::to_owned);
    let mut bound = Bound { given: true, ..Bound::default() };
    for number in FIRST..FIRST.saturating_add(count) {
        let name = names.next().filter(|name| !name.is_empty());
        let Found { socket, place, name } = find(LISTEN_FDS, number, name)?;
        let opened = Opened::new(&place, protocol_of(&place, settings), Arc::new(socket), None);
        bound.opened.push(Opened { name, ..opened.map_err(StartError::system("name a socket"))? });
    }
    let sockets: Vec<_> = bound.opened.iter().map(Opened::called).collect();
    log(&Notice::Remark(Remark::SocketsOfManager { sockets: sockets.join(", ") }));
    Ok(bound)
}

/// The sockets of a service manager, as another reading of the configuration wants them.
pub(crate) fn renewed(given: &Bound, settings: &Settings) -> Result<Bound, StartError> {
    let renewed = |opened: &Opened| opened.renewed(&opened.bind, protocol_of(&opened.bind, settings));
    let opened = given.opened.iter().map(renewed).collect::<io::Result<_>>();
    Ok(Bound { given: true, opened: opened.map_err(StartError::system("name a socket"))? })
}

/// What is spoken where a service manager has opened a socket: the settings may name the same address.
fn protocol_of(place: &Address, settings: &Settings) -> WireProtocol {
    let named = settings.network.bind.iter().find(|bind| is_at(&bind.address, place, true));
    named.and_then(|bind| bind.protocol).unwrap_or(settings.protocol.protocol)
}

fn from_old_master(numbers: &[RawFd], settings: &Settings) -> Result<Bound, StartError> {
    let found = numbers.iter().map(|number| find(HANDED_OVER, *number, None));
    let mut found = found.collect::<Result<Vec<_>, _>>()?;
    let mut bound = Bound::default();
    // An address whose port the kernel chose takes what is left after those that name theirs.
    for exact in [true, false] {
        for bind in &settings.network.bind {
            let Some(at) = found.iter().position(|found| is_at(&bind.address, &found.place, exact)) else {
                continue;
            };
            let Found { socket, place, .. } = found.remove(at);
            let file = match place {
                // It may have been removed; then there is nothing to remove.
                Address::Unix(path) => OwnFile::new(&path).ok().map(Arc::new),
                Address::Tcp { .. } | Address::Abstract(_) | Address::Inherited(_) => None,
            };
            let protocol = bind.protocol.unwrap_or(settings.protocol.protocol);
            let opened = Opened::new(&bind.address, protocol, Arc::new(socket), file);
            bound.opened.push(opened.map_err(StartError::system("name a socket"))?);
        }
    }
    bound.files().for_each(OwnFile::leave);
    Ok(bound)
}

/// What listens under a descriptor that somebody else opened; it is ours from now on.
fn find(variable: &'static str, number: RawFd, name: Option<String>) -> Result<Found, StartError> {
    let refused = |error: &io::Error| StartError::Descriptor { variable, number, reason: wrong(error) };
    if number < FIRST || !is_open(number) {
        return Err(refused(&Errno::EBADF.into()));
    }
    // SAFETY: it is open, and whoever started this process left it to us; each is taken once.
    #[allow(unsafe_code, reason = "a number is all that the environment has")]
    let fd = unsafe { OwnedFd::from_raw_fd(number) };
    let socket = check(fd).map_err(|error| refused(&error))?;
    let place = place(&socket).map_err(|error| refused(&error))?;
    Ok(Found { socket, place, name })
}

/// The socket of the address `fd://N`. The descriptor stays open beside it: an upgrade hands the number on.
pub(crate) fn open(number: u32, protocol: WireProtocol) -> io::Result<Opened> {
    let bind = Address::Inherited(number);
    let number = RawFd::try_from(number).ok().filter(|number| is_open(*number)).ok_or(Errno::EBADF)?;
    // SAFETY: it is open, and nothing of ours closes a descriptor that it was started with.
    #[allow(unsafe_code, reason = "a number is all that the address has")]
    let fd = unsafe { BorrowedFd::borrow_raw(number) };
    let socket = check(fd.try_clone_to_owned()?)?;
    fcntl::fcntl(fd, fcntl::FcntlArg::F_SETFD(fcntl::FdFlag::FD_CLOEXEC))?;
    Opened::new(&bind, protocol, Arc::new(socket), None)
}

fn is_open(number: RawFd) -> bool {
    // SAFETY: asks for flags; a number that is not open is refused by the kernel.
    #[allow(unsafe_code, reason = "safe wrappers need a descriptor that is known to be open")]
    let flags = unsafe { libc::fcntl(number, libc::F_GETFD) };
    flags >= 0
}

/// A stream socket that listens, or `EBADF`, `ENOTSOCK`, `EPROTOTYPE`, `EAFNOSUPPORT`, `ENOTCONN`.
fn check(fd: OwnedFd) -> io::Result<Socket> {
    let raw = RawSocket::from(fd);
    if raw.r#type()? != Type::STREAM {
        return Err(Errno::EPROTOTYPE.into());
    }
    let domain = raw.local_addr()?.domain();
    if !raw.is_listener()? {
        return Err(Errno::ENOTCONN.into());
    }
    raw.set_cloexec(true)?;
    raw.set_nonblocking(true)?;
    match domain {
        Domain::UNIX => Ok(Socket::Unix(raw.into())),
        Domain::IPV4 | Domain::IPV6 => {
            raw.set_tcp_nodelay(true)?;
            Ok(Socket::Tcp(raw.into()))
        }
        _ => Err(Errno::EAFNOSUPPORT.into()),
    }
}

/// What is wrong with a descriptor that [`check`] refused.
pub(crate) fn wrong(error: &io::Error) -> String {
    match Errno::from_raw(error.raw_os_error().unwrap_or(0)) {
        Errno::EBADF => "it is not open".to_owned(),
        Errno::ENOTSOCK => "it is not a socket".to_owned(),
        Errno::EPROTOTYPE => "it is not a stream socket".to_owned(),
        Errno::EAFNOSUPPORT => "it is neither a TCP nor a unix socket".to_owned(),
        Errno::ENOTCONN => "the socket does not listen".to_owned(),
        _ => error.to_string(),
    }
}

/// How the settings would call the place where a socket listens.
fn place(socket: &Socket) -> io::Result<Address> {
    Ok(match socket {
        Socket::Tcp(socket) => {
            let address = socket.local_addr()?;
            Address::Tcp { host: address.ip().to_string(), port: address.port() }
        }
        Socket::Unix(socket) => unix::place(&socket.local_addr()?),
    })
}

/// Whether a configured address means this place; not `exact`: the kernel chose the port.
fn is_at(address: &Address, place: &Address, exact: bool) -> bool {
    match (address, place) {
        (Address::Tcp { host, port }, Address::Tcp { host: ip, port: at }) if exact == (*port != 0) => {
            let port = if exact { *port } else { *at };
            resolve(host, port).is_ok_and(|found| found.ip().to_string() == *ip && found.port() == *at)
        }
        (Address::Unix(wanted), Address::Unix(path)) => exact && absolute(path) == absolute(wanted),
        (Address::Abstract(wanted), Address::Abstract(name)) => exact && name == wanted,
        _ => false,
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
