//! Unix sockets: with a file, which has a mode and an owner, or abstract.

use std::{
    io,
    os::unix::{
        fs::{FileTypeExt as _, PermissionsExt as _},
        net::{SocketAddr, UnixListener},
    },
    path::Path,
};

use nix::{
    errno::Errno,
    sys::stat::{Mode, umask},
    unistd::{Gid, Uid, chown},
};
use rgunicorn_settings::{Address, Settings};
use socket2::{Domain, SockAddr, Socket as RawSocket, Type};

use super::{bind::errno, files::OwnFile, privileges};
use crate::error::StartError;

/// Who may connect to the unix sockets of a configuration.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Access {
    mode: Mode,
    owner: (Option<Uid>, Option<Gid>),
}

impl Access {
    /// What these settings say.
    pub(crate) fn new(settings: &Settings) -> Result<Self, StartError> {
        let mode = settings.network.socket_mode.map_or(!settings.process.umask.0, |mode| mode.0);
        // Anybody on the machine may connect, as with gunicorn, where nothing else is asked for.
        Ok(Self { mode: Mode::from_bits_truncate(mode & 0o777), owner: privileges::socket_owner(settings)? })
    }

    /// Have the file of a socket this way.
    pub(crate) fn apply(&self, path: &Path) -> Result<(), StartError> {
        self.give(path)?;
        let wanted = std::fs::Permissions::from_mode(self.mode.bits());
        std::fs::set_permissions(path, wanted).map_err(refused(path))
    }

    fn give(&self, path: &Path) -> Result<(), StartError> {
        let (user, group) = self.owner;
        if user.is_none() && group.is_none() {
            return Ok(());
        }
        chown(path, user, group).map_err(io::Error::from).map_err(refused(path))
    }
}

fn refused(path: &Path) -> impl FnOnce(io::Error) -> StartError {
    move |source| StartError::SocketOwner { path: path.to_owned(), source }
}

/// Why there is no socket.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The kernel refused to bind it.
    Bind(io::Error),
    /// Anything else.
    Start(StartError),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Bind(error)
    }
}

/// Listen at a path. Whom it belongs to and who may connect is settled before anybody can.
pub(crate) fn bind(path: &Path, backlog: i32, access: Access) -> Result<(UnixListener, OwnFile), Failure> {
    make_room(path)?;
    let socket = RawSocket::new(Domain::UNIX, Type::STREAM, None)?;
    let before = umask(!access.mode & Mode::from_bits_truncate(0o777));
    let bound = SockAddr::unix(path).and_then(|address| socket.bind(&address));
    umask(before);
    bound?;
    let file = OwnFile::new(path)?;
    access.give(path).map_err(Failure::Start)?;
    socket.listen(backlog)?;
    socket.set_nonblocking(true)?;
    Ok((socket.into(), file))
}

/// Listen at an abstract name.
pub(crate) fn bind_abstract(name: &str, backlog: i32) -> io::Result<UnixListener> {
    let socket = RawSocket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(format!("\0{name}"))?)?;
    socket.listen(backlog)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Remove the socket file of a server that is gone; one that answers is in use.
fn make_room(path: &Path) -> io::Result<()> {
    let metadata = match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        metadata => metadata?,
    };
    if !metadata.file_type().is_socket() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    match knock(path) {
        Err(error) if errno(&error) == Errno::ECONNREFUSED => std::fs::remove_file(path),
        Err(error) if errno(&error) == Errno::ENOENT => Ok(()),
        Err(error) if errno(&error) == Errno::EACCES => Err(error),
        Ok(()) | Err(_) => Err(Errno::EADDRINUSE.into()),
    }
}

/// Whether the socket file is one that nobody listens at any more.
pub(crate) fn is_deserted(path: &Path) -> bool {
    knock(path).is_err_and(|error| errno(&error) == Errno::ECONNREFUSED)
}

fn knock(path: &Path) -> io::Result<()> {
    let probe = RawSocket::new(Domain::UNIX, Type::STREAM, None)?;
    // A full queue must not make this wait.
    probe.set_nonblocking(true)?;
    probe.connect(&SockAddr::unix(path)?)
}

/// How the settings would call the place where a socket listens.
pub(crate) fn place(address: &SocketAddr) -> Address {
    match (address.as_pathname(), abstract_name(address)) {
        (Some(path), _) => Address::Unix(path.to_owned()),
        (None, name) => Address::Abstract(name.unwrap_or_default()),
    }
}

#[cfg(target_os = "linux")]
fn abstract_name(address: &SocketAddr) -> Option<String> {
    use std::os::linux::net::SocketAddrExt as _;
    address.as_abstract_name().map(|name| String::from_utf8_lossy(name).into_owned())
}

#[cfg(not(target_os = "linux"))]
fn abstract_name(_address: &SocketAddr) -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(settings: &Settings) -> Access {
        Access::new(settings).unwrap()
    }

    fn mode_of(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn the_mode_is_what_the_umask_leaves_unless_it_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("site.sock");
        let mut settings = Settings::default();
        let mut seen = Vec::new();
        for (mask, mode) in [("0", None), ("027", None), ("0777", Some("620"))] {
            settings.process.umask = mask.parse().unwrap();
            settings.network.socket_mode = mode.map(|mode| mode.parse().unwrap());
            let (_socket, file) = bind(&path, 16, access(&settings)).unwrap();
            seen.push(mode_of(&path));
            drop(file);
        }
        assert_eq!(seen, [0o777, 0o750, 0o620]);
    }

    #[test]
    fn a_socket_that_is_there_gets_the_mode_of_another_configuration() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("site.sock");
        let mut settings = Settings::default();
        let (_socket, _file) = bind(&path, 16, access(&settings)).unwrap();
        settings.network.socket_mode = Some("600".parse().unwrap());
        access(&settings).apply(&path).unwrap();
        assert_eq!(mode_of(&path), 0o600);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_abstract_name_is_taken_once_and_has_no_file() {
        let name = format!("rgunicorn-unix-{}", std::process::id());
        let socket = bind_abstract(&name, 16).unwrap();
        assert_eq!(place(&socket.local_addr().unwrap()), Address::Abstract(name.clone()));
        assert_eq!(errno(&bind_abstract(&name, 16).unwrap_err()), Errno::EADDRINUSE);
        drop(socket);
        assert!(bind_abstract(&name, 16).is_ok());
    }
}
