//! Why a server does not start, in words that say what to change.

use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use crate::statuses;

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// A listening socket cannot be had.
    #[error("cannot bind `{bind}`: {reason} ({remedy})")]
    Bind { bind: String, reason: String, remedy: &'static str },
    /// The pid file names a live server.
    #[error(
        "Already running on PID {pid}, says the pid file `{path}` (stop that server, or choose another pid file)"
    )]
    AlreadyRunning { pid: i32, path: PathBuf },
    /// The pid file cannot be written.
    #[error("cannot write the pid file `{path}`: {reason} ({remedy})")]
    PidFile { path: PathBuf, reason: String, remedy: &'static str },
    /// Something is in the place of the pid file.
    #[error("cannot take over the pid file `{path}`: {reason} (remove it or choose another path)")]
    NotAPidFile { path: PathBuf, reason: &'static str },
    /// `user` names nobody.
    #[error("there is no user `{user}` (user: create it, or give a number)")]
    NoSuchUser { user: String },
    /// `group` names no group.
    #[error("there is no group `{group}` (group: create it, or give a number)")]
    NoSuchGroup { group: String },
    /// Another user is asked for than the one that started the server, who is not root.
    #[error(
        "workers cannot run as {who}: this process may not change it (start the server as root, or leave out `user` and `group`)"
    )]
    MayNotChange { who: String },
    /// A socket file cannot be given to somebody.
    #[error(
        "cannot give the socket `{path}` to its owner: {source} (start the server as root, or leave out `socket_owner`, `user` and `group`)"
    )]
    SocketOwner { path: PathBuf, source: io::Error },
    /// A descriptor that the server was started with is of no use.
    #[error(
        "cannot use descriptor {number} of `{variable}`: {reason} (start the server without the variable, or with sockets)"
    )]
    Descriptor { variable: &'static str, number: i32, reason: String },
    /// A variable that hands over sockets makes no sense.
    #[error("cannot use `{variable}`: {reason} (start the server without the variable)")]
    Variable { variable: &'static str, reason: &'static str },
    /// The kernel refused something that every server needs.
    #[error("cannot {what}: {source} (raise the limits of this user or container; `ulimit -a` shows them)")]
    System { what: &'static str, source: io::Error },
    /// A hook that must not fail did; the host has logged its exception.
    #[error("the hook `{name}` failed (see above): the server does not start")]
    Hook { name: &'static str },
    /// The error log of a new process cannot be used.
    #[error("{0}")]
    Log(String),
    /// A signal asked to stop before everything was there.
    #[error("stopped before the start was complete")]
    Stopped,
}

impl StartError {
    pub(crate) fn system(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { what, source }
    }

    /// The pid file cannot be written, or read, at `path`.
    pub(crate) fn pid_file(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| {
            let writable = "choose a path in a directory that this user may write to";
            let (reason, remedy) = match source.kind() {
                ErrorKind::NotFound | ErrorKind::NotADirectory
                    if !path.parent().is_some_and(is_directory) =>
                {
                    ("its directory does not exist".to_owned(), "create the directory or choose another path")
                }
                ErrorKind::PermissionDenied => ("permission denied".to_owned(), writable),
                ErrorKind::IsADirectory => ("it is a directory".to_owned(), "name a file in it"),
                ErrorKind::ReadOnlyFilesystem => ("the file system is read-only".to_owned(), writable),
                ErrorKind::StorageFull => ("the disk is full".to_owned(), "make room or choose another path"),
                _ => (source.to_string(), writable),
            };
            Self::PidFile { path: path.to_owned(), reason, remedy }
        }
    }

    /// gunicorn's exit status for it.
    pub(crate) fn status(&self) -> u8 {
        match self {
            Self::Bind { .. }
            | Self::AlreadyRunning { .. }
            | Self::PidFile { .. }
            | Self::NotAPidFile { .. }
            | Self::NoSuchUser { .. }
            | Self::NoSuchGroup { .. }
            | Self::MayNotChange { .. }
            | Self::SocketOwner { .. }
            | Self::Descriptor { .. }
            | Self::Variable { .. }
            | Self::System { .. }
            | Self::Hook { .. }
            | Self::Log(_) => statuses::FAILED,
            Self::Stopped => statuses::DONE,
        }
    }
}

/// Whether a path is a directory; none at all means the current one.
fn is_directory(path: &Path) -> bool {
    path.as_os_str().is_empty() || path.is_dir()
}
