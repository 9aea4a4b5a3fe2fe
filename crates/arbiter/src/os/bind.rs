//! Binding the listening sockets: all of them, or none and a clear word why.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs as _},
    sync::Arc,
};

use nix::errno::Errno;
use rgunicorn_scoreboard::{Millis, now};
use rgunicorn_settings::{Address, Bind, Settings};
use socket2::{Domain, SockRef, Socket as RawSocket, Type};

use super::{
    bound::{Bound, Opened},
    inherited,
    listeners::Socket,
    signals::Signals,
    unix::{self, Access, Failure},
};
use crate::{
    error::StartError,
    machine::{event::Request, notices::Notice},
};

/// So often an address that is in use is tried: the server that we replace may be about to leave.
const TRIES: u32 = 5;
/// Time between two tries; the operator should know within two seconds.
const PAUSE: Millis = 300;

/// How long an address that is in use is waited for.
pub(crate) enum Patience<'a> {
    /// At the start the server that we replace may be about to leave.
    Retry(&'a mut Signals),
    /// While the server runs it waits for nothing.
    Once,
}

/// Bind everything that is configured, except for what `others` have open under the same address. Where a service manager
/// has given the sockets, nothing is bound. `log` hears of addresses that are in use.
pub(crate) fn bind_all(
    settings: &Settings,
    others: &[&Bound],
    mut patience: Patience<'_>,
    log: &mut dyn FnMut(Notice),
) -> Result<Bound, StartError> {
    if let Some(given) = others.iter().find(|other| other.given) {
        return inherited::renewed(given, settings);
    }
    let access = Access::new(settings)?;
    let mut bound = Bound::default();
    let mut tries = TRIES;
    for bind in &settings.network.bind {
        let opened = loop {
            match (bind_one(bind, settings, others, &bound, access), &mut patience) {
                (Ok(opened), _) => break opened,
                (Err(Failure::Bind(error)), Patience::Retry(signals)) if in_use(&error) && tries > 1 => {
                    tries -= 1;
                    log(Notice::ConnectionInUse { bind: bind.to_string() });
                    pause(signals)?;
                }
                (Err(Failure::Bind(error)), _) => {
                    return Err(overlap(bind, &error, others).unwrap_or_else(|| refusal(bind, &error)));
                }
                (Err(Failure::Start(error)), _) => return Err(error),
            }
        };
        bound.opened.push(opened);
    }
    Ok(bound)
}

fn pause(signals: &mut Signals) -> Result<(), StartError> {
    let deadline = now() + PAUSE;
    while now() < deadline {
        signals.wait(&[], Some(deadline)).map_err(StartError::system("wait"))?;
        let stops = |request: &Request| matches!(request, Request::Term | Request::Int | Request::Quit);
        if signals.pending().requests.iter().any(stops) {
            return Err(StartError::Stopped);
        }
    }
    Ok(())
}

fn bind_one(
    bind: &Bind,
    settings: &Settings,
    others: &[&Bound],
    bound: &Bound,
    access: Access,
) -> Result<Opened, Failure> {
    let protocol = bind.protocol.unwrap_or(settings.protocol.protocol);
    if let Some(open) = others.iter().find_map(|other| other.at(&bind.address, &bound.opened)) {
        return Ok(open.renewed(&bind.address, protocol)?);
    }
    let backlog = backlog(settings);
    // With a template all workers are given its sockets.
    let own = settings.network.reuse_port && !settings.workers.preload_app;
    let (socket, file) = match &bind.address {
        Address::Tcp { host, port } => {
            let address = resolve(host, *port)?;
            let socket = raw_tcp(address, only_v6(address, &settings.network.bind), own)?;
            if !own {
                socket.listen(backlog)?;
            }
            (Socket::Tcp(socket.into()), None)
        }
        Address::Unix(path) => {
            let (socket, file) = unix::bind(path, backlog, access)?;
            (Socket::Unix(socket), Some(Arc::new(file)))
        }
        Address::Abstract(name) => (Socket::Unix(unix::bind_abstract(name, backlog)?), None),
        Address::Inherited(number) => return Ok(inherited::open(*number, protocol)?),
    };
    let opened = Opened::new(&bind.address, protocol, Arc::new(socket), file)?;
    let own_backlog = (own && matches!(bind.address, Address::Tcp { .. })).then_some(backlog);
    Ok(Opened { own_backlog, ..opened })
}

/// The length of the kernel's queue.
pub(crate) fn backlog(settings: &Settings) -> i32 {
    i32::try_from(settings.network.backlog.0).unwrap_or(i32::MAX)
}

/// A socket of this worker's own on the port that `holder` holds. Nobody can connect before it listens.
pub(crate) fn beside(holder: &TcpListener) -> io::Result<TcpListener> {
    let address = holder.local_addr()?;
    let only_v6 = address.is_ipv6() && SockRef::from(holder).only_v6()?;
    Ok(raw_tcp(address, only_v6, true)?.into())
}

/// One address for a host: v4 before v6, as gunicorn has it.
pub(crate) fn resolve(host: &str, port: u16) -> io::Result<SocketAddr> {
    if host.is_empty() {
        return Ok(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)));
    }
    let found: Vec<_> = (host, port).to_socket_addrs()?.collect();
    let first = found.iter().find(|address| address.is_ipv4()).or_else(|| found.first());
    first.copied().ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// `[::]` takes v4 connections too, as everywhere on Linux, unless they have an address of their own.
fn only_v6(address: SocketAddr, binds: &[Bind]) -> bool {
    let takes_v4 = |bind: &Bind| match &bind.address {
        Address::Tcp { host, port } => {
            let v4 = host.is_empty() || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_ipv4());
            v4 && *port == address.port()
        }
        Address::Unix(_) | Address::Abstract(_) | Address::Inherited(_) => false,
    };
    address.ip() != IpAddr::V6(Ipv6Addr::UNSPECIFIED) || binds.iter().any(takes_v4)
}

/// A bound socket; one that is the worker's `own` may share the port with those of the others.
fn raw_tcp(address: SocketAddr, only_v6: bool, own: bool) -> io::Result<RawSocket> {
    let socket = RawSocket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(own)?;
    socket.set_tcp_nodelay(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(only_v6)?;
    }
    socket.bind(&address.into())?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

pub(crate) fn errno(error: &io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(0))
}

fn in_use(error: &io::Error) -> bool {
    errno(error) == Errno::EADDRINUSE
}

/// What to say if it is this very server that has the port, on other addresses of the machine.
fn overlap(bind: &Bind, error: &io::Error, others: &[&Bound]) -> Option<StartError> {
    let Address::Tcp { port, .. } = bind.address else { return None };
    let on_port = |opened: &&Opened| opened.local().is_some_and(|local| local.port() == port);
    let ours = others.iter().flat_map(|other| &other.opened).find(on_port).filter(|_| in_use(error))?;
    Some(StartError::Bind {
        bind: bind.to_string(),
        reason: format!("this server listens at `{}`, which overlaps", ours.address),
        remedy: "reload by way of another port, or start the server anew",
    })
}

/// The error in the operator's words.
fn refusal(bind: &Bind, error: &io::Error) -> StartError {
    let (reason, remedy) = match (&bind.address, errno(error)) {
        (_, Errno::EADDRINUSE) => {
            ("the address is in use", "stop the other server or choose another address")
        }
        (Address::Tcp { .. }, Errno::EACCES) => {
            ("permission denied", "run as root or choose a port above 1023")
        }
        (Address::Unix(_), Errno::EACCES | Errno::EPERM | Errno::EROFS) => {
            ("permission denied", "choose a path in a directory that this user may write to")
        }
        (_, Errno::EADDRNOTAVAIL) => {
            ("this machine does not have the address", "write 0.0.0.0 for all addresses of this machine")
        }
        (Address::Tcp { .. }, Errno::EAFNOSUPPORT) => {
            ("this machine has no IPv6", "write 0.0.0.0 for all IPv4 addresses")
        }
        (Address::Unix(_), Errno::ENOENT | Errno::ENOTDIR) => {
            ("its directory does not exist", "create the directory or choose another path")
        }
        (Address::Unix(_), _) if error.kind() == io::ErrorKind::AlreadyExists => {
            ("a file that is not a socket is in its place", "remove the file or choose another path")
        }
        (Address::Tcp { .. }, _) if error.raw_os_error().is_none() => {
            ("the host name is not known", "write an address of this machine")
        }
        (Address::Inherited(_), _) => {
            let remedy = "start the server with a listening socket under this number";
            return StartError::Bind { bind: bind.to_string(), reason: inherited::wrong(error), remedy };
        }
        (Address::Tcp { .. } | Address::Unix(_) | Address::Abstract(_), _) => {
            let remedy = "choose another address";
            return StartError::Bind { bind: bind.to_string(), reason: error.to_string(), remedy };
        }
    };
    StartError::Bind { bind: bind.to_string(), reason: reason.to_owned(), remedy }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use rgunicorn_settings::WireProtocol;

    use super::*;

    fn settings(binds: &[&str]) -> Settings {
        let mut settings = Settings::default();
        settings.network.bind = binds.iter().map(|bind| bind.parse().unwrap()).collect();
        settings
    }

    fn bind(binds: &[&str]) -> Result<Bound, String> {
        bind_by(&settings(binds))
    }

    fn bind_by(settings: &Settings) -> Result<Bound, String> {
        bind_all(settings, &[], Patience::Once, &mut |_| {}).map_err(|error| error.to_string())
    }

    #[test]
    fn port_0_prints_the_port_that_the_kernel_chose() {
        let bound = bind(&["127.0.0.1:0", "[::1]:0"]).unwrap();
        let addresses = bound.addresses();
        assert!(
            addresses[0].starts_with("http://127.0.0.1:") && !addresses[0].ends_with(":0"),
            "{addresses:?}"
        );
        assert!(addresses[1].starts_with("http://[::1]:") && !addresses[1].ends_with(":0"), "{addresses:?}");
    }

    #[test]
    fn an_address_is_logged_with_what_is_spoken_there() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| format!("unix:{}/{name}", directory.path().display());
        let binds = ["uwsgi://127.0.0.1:0", "127.0.0.1:0"].map(str::to_owned);
        let binds = [binds.to_vec(), vec![format!("uwsgi://{}", path("a")), path("b")]].concat();
        let mut settings = settings(&binds.iter().map(String::as_str).collect::<Vec<_>>());
        let bound = bind_by(&settings).unwrap();
        let address = |at: usize| bound.opened[at].address.as_str();
        assert!(address(0).starts_with("uwsgi://127.0.0.1:"), "{}", address(0));
        assert!(address(1).starts_with("http://127.0.0.1:"), "{}", address(1));
        assert_eq!((address(2), address(3)), (binds[2].as_str(), binds[3].as_str()));
        let spoken: Vec<_> = bound.opened.iter().map(|opened| opened.protocol).collect();
        let (http, uwsgi) = (WireProtocol::Http, WireProtocol::Uwsgi);
        assert_eq!(spoken, [uwsgi, http, uwsgi, http]);
        drop(bound);

        settings.protocol.protocol = uwsgi;
        let bound = bind_by(&settings).unwrap();
        assert!(bound.opened.iter().all(|opened| opened.protocol == uwsgi));
        assert_eq!(bound.opened[3].address, format!("uwsgi://{}", path("b")));
    }

    #[test]
    fn a_host_name_is_resolved_to_v4_first() {
        assert!(bind(&["localhost:0"]).unwrap().opened[0].address.starts_with("http://127.0.0.1:"));
    }

    #[test]
    fn the_v6_wildcard_takes_v4_too_unless_v4_has_its_own_address() {
        let any = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 8000));
        assert!(!only_v6(any, &settings(&["[::]:8000"]).network.bind));
        assert!(only_v6(any, &settings(&["[::]:8000", "0.0.0.0:8000"]).network.bind));
        assert!(!only_v6(any, &settings(&["[::]:8000", "0.0.0.0:8001"]).network.bind));
    }

    #[test]
    fn refusals_name_the_address_and_the_remedy() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let taken = taken.local_addr().unwrap().to_string();
        let said = bind(&[&taken]).unwrap_err();
        assert!(said.starts_with(&format!("cannot bind `{taken}`: the address is in use (")), "{said}");
        let said = bind(&["192.0.2.1:0"]).unwrap_err();
        assert!(said.contains("does not have the address"), "{said}");
        let said = bind(&["unix:/nonexistent/site.sock"]).unwrap_err();
        assert!(said.contains("its directory does not exist"), "{said}");
        let said = bind(&["no-such-host.invalid:0"]).unwrap_err();
        assert!(said.contains("the host name is not known"), "{said}");
    }

    #[test]
    fn what_another_generation_has_open_is_shared_and_the_rest_is_opened() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("site.sock");
        let unix = format!("unix:{}", path.display());
        let serving = bind(&[&unix, "127.0.0.1:0"]).unwrap();
        let next = settings(&["127.0.0.1:0", "127.0.0.1:0", &format!("uwsgi://{unix}")]);
        let next = bind_all(&next, &[&serving], Patience::Once, &mut |_| ()).unwrap();
        let (old, new) = (serving.addresses(), next.addresses());
        assert_eq!(new[0], old[1]);
        assert_ne!(new[1], old[1], "every bind has a socket of its own");
        assert_eq!(new[2], format!("uwsgi://{unix}"), "what is spoken belongs to the generation");
        drop(serving);
        assert!(path.exists(), "the file stays as long as somebody needs it");
        drop(next);
        assert!(!path.exists());
    }

    #[test]
    fn an_address_in_other_words_is_the_same_socket() {
        let serving = bind(&["127.0.0.1:0"]).unwrap();
        let port = serving.opened[0].local().unwrap().port();
        let next = settings(&[&format!("localhost:{port}")]);
        let next = bind_all(&next, &[&serving], Patience::Once, &mut |_| ()).unwrap();
        assert!(Arc::ptr_eq(&next.opened[0].socket, &serving.opened[0].socket));
        assert_eq!(next.opened[0].bind.to_string(), format!("localhost:{port}"));
        let unlike = settings(&[&format!("0.0.0.0:{port}")]);
        let refused = bind_all(&unlike, &[&serving], Patience::Once, &mut |_| ()).unwrap_err().to_string();
        assert!(refused.contains(&format!("this server listens at `http://127.0.0.1:{port}`")), "{refused}");
    }

    #[test]
    fn a_reload_does_not_wait_for_an_address_in_use() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let settings = settings(&[&taken.local_addr().unwrap().to_string()]);
        let mut tries = 0;
        let refused = bind_all(&settings, &[], Patience::Once, &mut |_| tries += 1).unwrap_err();
        assert!(refused.to_string().contains("the address is in use"), "{refused}");
        assert_eq!(tries, 0);
    }

    #[test]
    fn a_stale_socket_file_is_taken_over_and_a_live_one_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("site.sock");
        let address = format!("unix:{}", path.display());
        drop(UnixListener::bind(&path).unwrap());
        let bound = bind(&[&address]).unwrap();
        assert!(bind(&[&address]).unwrap_err().contains("the address is in use"));
        drop(bound);
        assert!(!path.exists(), "the file goes with its owner");
        std::fs::write(&path, "precious").unwrap();
        assert!(bind(&[&address]).unwrap_err().contains("not a socket"));
    }
}
