//! What is logged about the settings, and about what the server found around itself, as data.

use std::fmt;

use super::notices::{Level, counted};

/// A line about a setting, or about the process, the limits and the service manager that the server has to do with.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are the blanks of the sentences below")]
pub enum Remark {
    /// A setting that does nothing.
    InVain { sentence: String },
    /// A daemon lets go of the terminal that its log goes to.
    LogEnds,
    /// What is watched for `reload`.
    Watching { directories: String, engine: &'static str },
    /// Something cannot be watched.
    NotWatched { path: String, error: String },
    /// A service manager has opened the sockets.
    SocketsOfManager { sockets: String },
    /// The service manager cannot be told anything.
    NotNotified { error: String },
    /// Forking beside threads.
    OtherThreads { threads: usize },
    /// The limit on open files is too low for the connections.
    FewOpenFiles { allowed: u64, connections: u32 },
}

impl Remark {
    /// The level, and what an operator should make of the line.
    pub(super) fn about(&self) -> (Level, &'static str) {
        match self {
            Self::InVain { .. } => {
                (Level::Warning, "A setting was given that does nothing; another one is missing.")
            }
            Self::LogEnds => (
                Level::Warning,
                "A daemon without an error log file; whatever goes wrong later is not told to anybody.",
            ),
            Self::Watching { .. } => {
                (Level::Info, "A change of the code in these directories replaces the workers (`reload`).")
            }
            Self::NotWatched { .. } => (
                Level::Warning,
                "Changes there go unnoticed. With many directories, `fs.inotify.max_user_watches` is often too low.",
            ),
            Self::SocketsOfManager { .. } => (
                Level::Info,
                "systemd has opened the sockets (`LISTEN_FDS`), and `bind` is ignored; their names are in brackets.",
            ),
            Self::NotNotified { .. } => (
                Level::Warning,
                "systemd, or whoever set `NOTIFY_SOCKET`, does not learn how the server is and may take it for dead.",
            ),
            Self::OtherThreads { .. } => (
                Level::Warning,
                "The program that embeds the server runs threads; a worker may inherit their locks.",
            ),
            Self::FewOpenFiles { .. } => {
                (Level::Warning, "A worker will run out of descriptors before it runs out of connections.")
            }
        }
    }

    /// One of each, with example values.
    pub(super) fn examples() -> [Self; 8] {
        let text = str::to_owned;
        [
            Self::InVain {
                sentence: text("the setting `max_requests_jitter` has no effect: `max_requests` is not set"),
            },
            Self::LogEnds,
            Self::Watching { directories: text("/srv/site"), engine: "inotify" },
            Self::NotWatched { path: text("/srv/site/media"), error: text("No space left on device") },
            Self::OtherThreads { threads: 2 },
            Self::FewOpenFiles { allowed: 1024, connections: 5000 },
            Self::SocketsOfManager { sockets: text("http://127.0.0.1:8000 (web)") },
            Self::NotNotified { error: text("connection refused") },
        ]
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InVain { sentence } => out.write_str(sentence),
            Self::LogEnds => out.write_str(
                "The error log ends here: a daemon has no terminal (give it a file with `--error-logfile`)",
            ),
            Self::Watching { directories, engine } => {
                write!(out, "Watching for changes in {directories} ({engine})")
            }
            Self::NotWatched { path, error } => write!(
                out,
                "cannot watch `{path}`: {error} (leave it out by `--reload-exclude`, or write `--reload-engine poll`)"
            ),
            Self::SocketsOfManager { sockets } => write!(out, "Sockets of the service manager: {sockets}"),
            Self::NotNotified { error } => {
                write!(out, "cannot notify the service manager: {error} (see `NOTIFY_SOCKET`)")
            }
            Self::OtherThreads { threads } => write!(
                out,
                "{} in this process: a forked worker may hang (start the server before other threads)",
                counted(*threads, "other thread")
            ),
            Self::FewOpenFiles { allowed, connections } => write!(
                out,
                "only {allowed} open files are allowed, too few for {connections} connections a worker: raise the hard \
                 limit (`ulimit -Hn`, systemd's LimitNOFILE) or lower `--worker-connections`"
            ),
        }
    }
}
