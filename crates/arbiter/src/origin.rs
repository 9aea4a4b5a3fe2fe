//! How this server was started: what an upgrade starts again, and what a service manager or an old master left for it.

use std::{
    ffi::{OsStr, OsString},
    path::PathBuf,
};

/// The old master's process id, for the new one of an upgrade.
pub(crate) const OLD_MASTER: &str = "RGUNICORN_PID";
/// The sockets that an old master hands to the new one: descriptors, with commas between them.
pub(crate) const HANDED_OVER: &str = "RGUNICORN_FD";
/// For which process the sockets of the service manager are.
pub(crate) const LISTEN_PID: &str = "LISTEN_PID";
/// How many sockets the service manager has opened, from descriptor 3 on.
pub(crate) const LISTEN_FDS: &str = "LISTEN_FDS";
/// Their names, with colons between them.
pub(crate) const LISTEN_FDNAMES: &str = "LISTEN_FDNAMES";
/// Where the service manager is told how the server is.
pub(crate) const NOTIFY_SOCKET: &str = "NOTIFY_SOCKET";
/// After how much silence, in microseconds, the service manager gives the server up.
pub(crate) const WATCHDOG_USEC: &str = "WATCHDOG_USEC";
/// Which process the service manager wants to hear.
pub(crate) const WATCHDOG_PID: &str = "WATCHDOG_PID";

/// What this process was started with, before any setting changed it.
#[derive(Debug, Clone)]
pub struct Origin {
    /// What to execute.
    pub program: PathBuf,
    /// Its arguments, the name it goes by first.
    pub arguments: Vec<OsString>,
    /// The directory it was started in.
    pub directory: PathBuf,
    /// Its environment.
    pub environment: Vec<(OsString, OsString)>,
    /// Its process id: a daemon has another one.
    pub pid: u32,
}

impl Origin {
    /// Variables that are meant for the master alone. Neither the application nor what it executes should see them.
    pub const PRIVATE: [&str; 8] = [
        OLD_MASTER,
        HANDED_OVER,
        LISTEN_PID,
        LISTEN_FDS,
        LISTEN_FDNAMES,
        NOTIFY_SOCKET,
        WATCHDOG_USEC,
        WATCHDOG_PID,
    ];

    /// What the kernel says of this process: for a program that is executed by itself.
    #[must_use]
    pub fn of_this_process() -> Self {
        Self {
            // Without them an upgrade fails and says so; nothing else needs them.
            program: std::env::current_exe().unwrap_or_default(),
            directory: std::env::current_dir().unwrap_or_default(),
            arguments: std::env::args_os().collect(),
            environment: std::env::vars_os().collect(),
            pid: std::process::id(),
        }
    }

    /// The value that a variable had at the start; an empty one is none.
    pub(crate) fn variable(&self, name: &str) -> Option<&OsStr> {
        let mut pairs = self.environment.iter();
        pairs
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_os_str())
            .filter(|text| !text.is_empty())
    }

    /// Whether a variable says that its companions are meant for this process; `None` without the variable.
    pub(crate) fn is_for_us(&self, name: &str) -> Option<bool> {
        self.variable(name)?;
        Some(self.number(name) == Some(u64::from(self.pid)))
    }

    /// The number that a variable held at the start.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.variable(name)?.to_str()?.parse().ok()
    }
}
