//! Every line that the master logs, as data: its level, its words (gunicorn's, where gunicorn has the line), and what
//! an operator should make of it. The reference page of log lines is made from [`table`].

use std::fmt;

use super::event::{Millis, Pid, Request};
pub use super::{
    fates::Fate,
    remarks::Remark,
    renewals::{Refusal, Renewal},
};

/// How grave a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Ordinary life.
    Info,
    /// Something to look at.
    Warning,
    /// Something failed.
    Error,
    /// Requests were lost.
    Critical,
}

impl Level {
    /// The name as the log writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
            Self::Critical => "CRITICAL",
        }
    }
}

/// What the log calls the master.
pub const MASTER: &str = "Master";
/// What the log calls the new master of an upgrade until the old one is gone.
pub const SECOND_MASTER: &str = "Master.2";

/// Whether a stop has a failure behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Somebody asked for it.
    Asked,
    /// The server cannot go on.
    Failed,
}

/// A log line of the master.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are the blanks of the sentences below")]
pub enum Notice {
    /// First line of all.
    Starting { version: &'static str },
    /// The sockets are bound.
    ListeningAt { addresses: String, pid: Pid },
    /// The worker class.
    UsingWorker { class: String },
    /// Something about one worker.
    Worker(Pid, Fate),
    /// A signal was received.
    HandlingSignal { request: Request },
    /// Something about a reload or an upgrade.
    Renewal(Renewal),
    /// Something about a setting, or what surrounds the server.
    Remark(Remark),
    /// TERM, and the stop is to begin after a while.
    Draining { delay: Millis },
    /// A signal came when the master was already stopping.
    AlreadyStopping { request: Request },
    /// INT or QUIT during a graceful stop.
    QuickShutdown,
    /// Last line of all.
    ShuttingDown { master: &'static str, ending: Ending },
    /// Why the master stops by itself.
    Reason { text: &'static str },
    /// A worker could not boot and another will be tried.
    BootRetry { wait: Millis },
    /// Workers die as soon as they are ready.
    DyingYoung { wait: Millis },
    /// The kernel refused a process.
    ForkFailed { reason: String, wait: Millis },
    /// Processes that even SIGKILL did not end.
    LeftBehind { workers: usize },
    /// The master noticed that it was itself asleep.
    WokeLate { late: Millis },
    /// Someone else has the address.
    ConnectionInUse { bind: String },
    /// The server cannot start.
    CannotStart { error: String },
    /// The log files could not be opened again.
    ReopenFailed { error: String },
    /// A file of ours could not be removed.
    NotRemoved { path: String, error: String },
}

impl Notice {
    /// How grave the line is.
    #[must_use]
    pub fn level(&self) -> Level {
        self.about().0
    }

    /// The level, and what an operator should make of the line.
    #[must_use]
    pub fn about(&self) -> (Level, &'static str) {
        use Level::{Error, Info, Warning};
        match self {
            Self::Starting { .. } => (Info, "The master begins."),
            Self::ListeningAt { .. } => {
                (Info, "The sockets are bound; the number is the master's process id.")
            }
            Self::UsingWorker { .. } => (Info, "The worker class that will serve."),
            Self::Worker(_, fate) => fate.about(),
            Self::HandlingSignal { .. } => (Info, "The master received a signal."),
            Self::Renewal(renewal) => renewal.about(),
            Self::Remark(remark) => remark.about(),
            Self::Draining { .. } => (
                Info,
                "TERM: workers go on serving and answer `readiness_path` with 503, then the graceful stop begins \
                 (`drain_delay`). Another TERM begins it at once.",
            ),
            Self::AlreadyStopping { .. } => (Info, "The signal was ignored: a stop is under way."),
            Self::QuickShutdown => (Info, "INT or QUIT turned a graceful stop into a quick one."),
            Self::ShuttingDown { ending: Ending::Asked, .. } => {
                (Info, "All workers are gone and the master ends.")
            }
            Self::ShuttingDown { ending: Ending::Failed, .. } => {
                (Error, "The master ends by itself; see the reason.")
            }
            Self::Reason { .. } => (Error, "Why the master ends by itself."),
            Self::BootRetry { .. } => {
                (Warning, "A worker died before it was ready, for the reason above; the next try is delayed.")
            }
            Self::DyingYoung { .. } => {
                (Warning, "Workers keep dying right after they became ready; the next one is delayed.")
            }
            Self::ForkFailed { .. } => (
                Error,
                "The kernel refused to make a process (the limit of processes or memory); the next try is delayed.",
            ),
            Self::LeftBehind { .. } => {
                (Error, "Workers stuck in the kernel outlive SIGKILL; they end when the kernel lets them.")
            }
            Self::WokeLate { .. } => {
                (Info, "The machine or the master was suspended, so silent workers are not blamed for it.")
            }
            Self::ConnectionInUse { .. } => {
                (Warning, "Another process has the address; the master tries again for a moment.")
            }
            Self::CannotStart { .. } => (Error, "The server cannot start; the line says what to change."),
            Self::ReopenFailed { .. } => {
                (Error, "The log files could not be opened again; the old ones are still used.")
            }
            Self::NotRemoved { .. } => (Warning, "A socket or pid file of this server could not be removed."),
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starting { version } => write!(out, "Starting rgunicorn {version}"),
            Self::ListeningAt { addresses, pid } => write!(out, "Listening at: {addresses} ({pid})"),
            Self::UsingWorker { class } => write!(out, "Using worker: {class}"),
            Self::Worker(pid, fate) => fate.fmt(*pid, out),
            Self::HandlingSignal { request } => write!(out, "Handling signal: {}", request.name()),
            Self::Renewal(renewal) => renewal.fmt(out),
            Self::Remark(remark) => remark.fmt(out),
            Self::Draining { delay } => write!(out, "Draining: the stop begins in {}", Seconds(*delay)),
            Self::AlreadyStopping { request } => {
                write!(out, "Ignoring signal: {} (already stopping)", request.name())
            }
            Self::QuickShutdown => out.write_str("Quick shutdown requested"),
            Self::ShuttingDown { master, .. } => write!(out, "Shutting down: {master}"),
            Self::Reason { text } => write!(out, "Reason: {text}"),
            Self::BootRetry { wait } => {
                write!(out, "Worker failed to boot: trying again in {}", Seconds(*wait))
            }
            Self::DyingYoung { wait } => {
                write!(out, "Workers die as soon as they are ready: trying again in {}", Seconds(*wait))
            }
            Self::ForkFailed { reason, wait } => {
                write!(out, "cannot fork a worker: {reason}: trying again in {}", Seconds(*wait))
            }
            Self::LeftBehind { workers } => {
                write!(out, "{} did not end even after SIGKILL", counted(*workers, "worker"))
            }
            Self::WokeLate { late } => {
                write!(out, "Woke up {} late: workers get one more timeout", Seconds(*late))
            }
            Self::ConnectionInUse { bind } => write!(out, "Connection in use: {bind} (trying again)"),
            Self::CannotStart { error } => out.write_str(error),
            Self::ReopenFailed { error } => write!(out, "cannot reopen the log files: {error}"),
            Self::NotRemoved { path, error } => write!(out, "cannot remove `{path}`: {error}"),
        }
    }
}

/// `1 worker`, `2 workers`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// A time as people read it: `20 ms`, `0.5 s`, `31 s`.
pub(super) struct Seconds(pub(super) Millis);

impl fmt::Display for Seconds {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            millis if millis < 100 => write!(out, "{millis} ms"),
            millis if millis % 1000 < 100 || millis >= 100_000 => write!(out, "{} s", millis / 1000),
            millis => write!(out, "{}.{} s", millis / 1000, millis % 1000 / 100),
        }
    }
}

/// One row of the reference page of log lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The level.
    pub level: Level,
    /// The line, with example values.
    pub line: String,
    /// What to make of it.
    pub meaning: &'static str,
}

/// Every line the master can log, with example values, in the order of a server's life.
#[must_use]
pub fn table() -> Vec<Row> {
    let row = |notice: &Notice| {
        let (level, meaning) = notice.about();
        Row { level, line: notice.to_string(), meaning }
    };
    examples().iter().map(row).collect()
}

fn examples() -> Vec<Notice> {
    let text = str::to_owned;
    let general = [
        Notice::Starting { version: env!("CARGO_PKG_VERSION") },
        Notice::ListeningAt { addresses: text("http://127.0.0.1:8000"), pid: Pid(100) },
        Notice::UsingWorker { class: text("asgi") },
        Notice::ConnectionInUse { bind: text("127.0.0.1:8000") },
        Notice::CannotStart { error: text("cannot bind `127.0.0.1:80`: permission denied") },
        Notice::BootRetry { wait: 500 },
        Notice::DyingYoung { wait: 500 },
        Notice::ForkFailed { reason: text("the limit of processes is reached"), wait: 500 },
        Notice::WokeLate { late: 600_000 },
        Notice::HandlingSignal { request: Request::Term },
        Notice::Draining { delay: 5_000 },
        Notice::ReopenFailed { error: text("permission denied") },
        Notice::AlreadyStopping { request: Request::Ttin },
        Notice::QuickShutdown,
        Notice::LeftBehind { workers: 1 },
        Notice::NotRemoved { path: text("/run/site.sock"), error: text("permission denied") },
        Notice::ShuttingDown { master: MASTER, ending: Ending::Asked },
        Notice::ShuttingDown { master: MASTER, ending: Ending::Failed },
        Notice::Reason { text: "Worker failed to boot." },
    ];
    let remarks = Remark::examples().map(Notice::Remark);
    let renewals = Renewal::examples().into_iter().map(Notice::Renewal);
    let fates = Fate::examples().map(|fate| Notice::Worker(Pid(101), fate));
    general.into_iter().chain(remarks).chain(renewals).chain(fates).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_that_operators_grep_for_are_gunicorns() {
        let lines: Vec<_> = table().into_iter().map(|row| row.line).collect();
        for known in [
            "Listening at: http://127.0.0.1:8000 (100)",
            "Using worker: asgi",
            "Booting worker with pid: 101",
            "WORKER TIMEOUT (pid:101)",
            "Worker (pid:101) was sent SIGKILL! Perhaps out of memory?",
            "Worker (pid:101) exited with code 3.",
            "Handling signal: term",
            "Worker exiting (pid: 101)",
            "Shutting down: Master",
            "Reason: Worker failed to boot.",
            "Hang up: Master",
            "graceful stop of workers",
            "USR2 signal ignored. Child exists.",
            "USR2 signal ignored. Parent exists.",
            "Master has been promoted.",
        ] {
            assert!(lines.iter().any(|line| line == known), "{known} is missing");
        }
    }

    #[test]
    fn nouns_are_counted() {
        assert_eq!([counted(1, "worker"), counted(2, "worker")], ["1 worker", "2 workers"]);
    }

    #[test]
    fn seconds_read_well() {
        let read = |millis| Seconds(millis).to_string();
        assert_eq!([read(0), read(99), read(100)], ["0 ms", "99 ms", "0.1 s"]);
        assert_eq!(
            [read(500), read(31_000), read(31_250), read(600_400)],
            ["0.5 s", "31 s", "31.2 s", "600 s"]
        );
    }
}
