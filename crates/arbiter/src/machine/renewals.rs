//! Every line that is logged about a reload or an upgrade, as data.

use std::{borrow::Cow, fmt};

use super::{
    event::{Exit, Pid, Request},
    notices::{Level, MASTER, counted},
};

/// Why a reload did not happen.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are the blanks of the sentences below")]
pub enum Refusal {
    /// The configuration cannot be read, or what it binds cannot be bound.
    Config { reason: String },
    /// A worker ended with this status before it was ready.
    Boot { code: i32 },
    /// A signal ended workers before they were ready.
    Crash { signal: Cow<'static, str> },
    /// Not everything was ready in time.
    Slow,
    /// The kernel refused to make a process.
    Fork { reason: String },
    /// Another reload was asked for.
    Again,
    /// Something else was asked for.
    Asked { request: Request },
}

impl Refusal {
    /// What the end of a process says that had not booted; without one, it was killed because it hung.
    pub(super) fn boot(exit: Option<&Exit>) -> Self {
        match exit {
            Some(Exit::Code(code)) => Self::Boot { code: *code },
            Some(Exit::Signal(signal)) => Self::Crash { signal: signal.clone() },
            None => Self::Slow,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config { reason } => out.write_str(reason),
            Self::Boot { code } => write!(out, "a new worker failed to boot (exit code {code})"),
            Self::Crash { signal } => write!(out, "new workers are sent {signal} before they are ready"),
            Self::Slow => out.write_str("the new workers were not ready within `boot_timeout`"),
            Self::Fork { reason } => write!(out, "cannot fork a worker: {reason}"),
            Self::Again => out.write_str("another reload was asked for"),
            Self::Asked { request } => write!(out, "{} was asked for", request.name()),
        }
    }
}

/// A line about a reload or an upgrade.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are the blanks of the sentences below")]
pub enum Renewal {
    /// HUP, to the master of this name.
    HangUp { master: &'static str },
    /// A file was changed.
    FilesChanged { file: String },
    /// The new workers serve, and the old ones leave.
    Done { workers: u32 },
    /// The new generation is given up.
    Failed { why: Refusal },
    /// A rolling reload is given up when a part is done.
    Stopped { why: Refusal, new: usize, old: usize },
    /// A boot failed and files have to be changed.
    WaitsForChange,
    /// WINCH.
    WorkersStop,
    /// The new master was started.
    UpgradeBegun { pid: Pid },
    /// The new master could not be started.
    UpgradeFailed { reason: String },
    /// The new master has left.
    UpgradeEnded { pid: Pid, exit: Exit },
    /// There is a new master already.
    ChildExists,
    /// The old master is still there.
    ParentExists,
    /// The old master has left.
    Promoted,
}

impl Renewal {
    /// The level, and what an operator should make of the line.
    pub(super) fn about(&self) -> (Level, &'static str) {
        use Level::{Error, Info, Warning};
        match self {
            Self::HangUp { .. } => {
                (Info, "A reload begins: the configuration is read again and new workers boot.")
            }
            Self::FilesChanged { .. } => (Info, "A file of the application was changed (`reload`)."),
            Self::Done { .. } => {
                (Info, "The new workers serve with the new code; the old ones finish and leave.")
            }
            Self::Failed { why: Refusal::Again | Refusal::Asked { .. } } => {
                (Info, "A signal overtook the reload; the workers that served still do.")
            }
            Self::Stopped { why: Refusal::Again | Refusal::Asked { .. }, .. } => {
                (Info, "A signal overtook a rolling reload when a part of the workers was replaced.")
            }
            Self::Failed { .. } => (
                Error,
                "The workers that served still do, with the old code and configuration. The lines before show the \
                 traceback, if the application raised. Repair it and reload again.",
            ),
            Self::Stopped { .. } => (
                Error,
                "A rolling reload failed in the middle: old and new code serve beside each other. Repair it and reload again.",
            ),
            Self::WaitsForChange => (
                Warning,
                "The application cannot be loaded; the next try follows a change of its files (`reload`).",
            ),
            Self::WorkersStop => (Info, "The workers leave and the master stays; HUP brings them back."),
            Self::UpgradeBegun { .. } => (
                Info,
                "USR2 started a new master beside this one. QUIT ends the one that is not wanted any more.",
            ),
            Self::UpgradeFailed { .. } => (Error, "No new master was started; this one goes on as before."),
            Self::UpgradeEnded { exit: Exit::Code(0), .. } => {
                (Info, "The new master was told to stop; this one goes on as before.")
            }
            Self::UpgradeEnded { .. } => (
                Error,
                "The new master could not start, or died; its own lines say why. This one goes on as before.",
            ),
            Self::ChildExists => (Warning, "There can be one upgrade at a time."),
            Self::ParentExists => (Warning, "This master is itself an upgrade: end the old one first."),
            Self::Promoted => (Info, "The old master has left: this one is the server now."),
        }
    }

    pub(super) fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HangUp { master } => write!(out, "Hang up: {master}"),
            Self::FilesChanged { file } => write!(out, "Worker reloading: {file} modified"),
            Self::Done { workers } => {
                write!(out, "Reloaded: {} took over", counted(*workers as usize, "new worker"))
            }
            Self::Failed { why } => write!(out, "Reload given up: {why}"),
            Self::Stopped { why, new, old } => {
                let (new, old) = (counted(*new, "new worker"), counted(*old, "old worker"));
                write!(out, "Reload stopped half way, {new} and {old} serve: {why}")
            }
            Self::WaitsForChange => out.write_str("Worker failed to boot: waiting for a file to change"),
            Self::WorkersStop => out.write_str("graceful stop of workers"),
            Self::UpgradeBegun { pid } => write!(out, "Upgrading: new master with pid: {pid}"),
            Self::UpgradeFailed { reason } => write!(out, "cannot upgrade: {reason}"),
            Self::UpgradeEnded { pid, exit: Exit::Code(0) } => write!(out, "New master exiting (pid: {pid})"),
            Self::UpgradeEnded { pid, exit: Exit::Code(code) } => {
                write!(out, "New master (pid:{pid}) exited with code {code}: this one goes on")
            }
            Self::UpgradeEnded { pid, exit: Exit::Signal(signal) } => {
                write!(out, "New master (pid:{pid}) was sent {signal}: this one goes on")
            }
            Self::ChildExists => out.write_str("USR2 signal ignored. Child exists."),
            Self::ParentExists => out.write_str("USR2 signal ignored. Parent exists."),
            Self::Promoted => out.write_str("Master has been promoted."),
        }
    }

    /// One of each, in the order of a server's life, with example values.
    pub(super) fn examples() -> Vec<Self> {
        let text = str::to_owned;
        let pid = Pid(200);
        let failed = |why| Self::Failed { why };
        vec![
            Self::HangUp { master: MASTER },
            Self::FilesChanged { file: text("/srv/site/views.py") },
            Self::Done { workers: 2 },
            failed(Refusal::Config {
                reason: text("cannot read `gunicorn.conf.py`: invalid syntax (line 3)"),
            }),
            failed(Refusal::Boot { code: 3 }),
            failed(Refusal::Crash { signal: Cow::Borrowed("SIGSEGV") }),
            failed(Refusal::Slow),
            failed(Refusal::Fork { reason: text("the limit of processes is reached") }),
            failed(Refusal::Again),
            failed(Refusal::Asked { request: Request::Term }),
            Self::Stopped { why: Refusal::Boot { code: 3 }, new: 1, old: 2 },
            Self::Stopped { why: Refusal::Again, new: 1, old: 2 },
            Self::WaitsForChange,
            Self::WorkersStop,
            Self::UpgradeBegun { pid },
            Self::UpgradeFailed { reason: text("cannot run `/usr/bin/python3`: no such file") },
            Self::UpgradeEnded { pid, exit: Exit::Code(0) },
            Self::UpgradeEnded { pid, exit: Exit::Code(3) },
            Self::UpgradeEnded { pid, exit: Exit::Signal(Cow::Borrowed("SIGKILL")) },
            Self::ChildExists,
            Self::ParentExists,
            Self::Promoted,
        ]
    }
}
