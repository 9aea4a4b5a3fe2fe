//! The words between the machine and the kernel side: what happened, and what to do about it.

use std::{borrow::Cow, fmt, time::Duration};

use super::notices::Notice;

/// Milliseconds of a clock that never goes back.
pub type Millis = u64;

/// A worker's spawn number; names it from before its fork until after it was reaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Age(pub u32);

/// A process id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pid(pub i32);

impl fmt::Display for Pid {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// The settings that the machine decides by.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How many workers to keep.
    pub workers: u32,
    /// Silence allowed before a worker is aborted; `None` turns the watchdog off.
    pub timeout: Option<Millis>,
    /// Time that a worker has to finish after a graceful stop.
    pub graceful: Millis,
}

impl Limits {
    /// Read the limits off settings given as durations.
    #[must_use]
    pub fn new(workers: u32, timeout: Option<Duration>, graceful: Duration) -> Self {
        Self { workers, timeout: timeout.map(millis), graceful: millis(graceful) }
    }
}

fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX / 4)
}

/// A signal that an operator sent to the master.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Request {
    /// Reload.
    Hup,
    /// Quick stop (Ctrl-C).
    Int,
    /// Quick stop.
    Quit,
    /// Graceful stop.
    Term,
    /// One worker more.
    Ttin,
    /// One worker fewer.
    Ttou,
    /// Open the log files again.
    Usr1,
    /// Upgrade.
    Usr2,
    /// Stop the workers of a daemon.
    Winch,
}

impl Request {
    /// The name as gunicorn's log writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hup => "hup",
            Self::Int => "int",
            Self::Quit => "quit",
            Self::Term => "term",
            Self::Ttin => "ttin",
            Self::Ttou => "ttou",
            Self::Usr1 => "usr1",
            Self::Usr2 => "usr2",
            Self::Winch => "winch",
        }
    }
}

/// A signal that the master sends to a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signal {
    /// Stop gracefully.
    Term,
    /// Stop quickly.
    Quit,
    /// Open the log files again.
    Usr1,
    /// Write the Python stacks and die.
    Abort,
    /// Die.
    Kill,
}

/// How far a worker has come, as it says itself on the scoreboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The application is not loaded yet.
    Booting,
    /// Requests are accepted.
    Ready,
    /// No new requests are accepted.
    Stopping,
}

/// Why people will ask what a worker was doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It gives no sign of life.
    Silent,
    /// It was told to stop and is still there.
    Overdue,
    /// It served and is gone.
    Died,
}

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// It returned this status.
    Code(i32),
    /// A signal of this name ended it.
    Signal(Cow<'static, str>),
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The spawn that was asked for is done.
    Forked(Age, Pid),
    /// The spawn that was asked for failed for this reason.
    ForkFailed(Age, String),
    /// What the scoreboard says of a worker: how far it is and when it last gave a sign of life.
    Seen(Age, Stage, Millis),
    /// A child was reaped: perhaps a worker, perhaps an orphan that the kernel gave us.
    Exited(Pid, Exit),
    /// An operator sent a signal.
    Asked(Request),
    /// All workers were looked at and time has passed. Comes after the other events of a turn.
    Tick,
}

/// What to do, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Fork a worker; answer with [`Event::Forked`] or [`Event::ForkFailed`].
    Spawn(Age),
    /// Send a signal to a worker that was not reaped yet.
    Send(Pid, Signal),
    /// Log what the worker is, or was, busy with, for the people who will ask.
    Explain(Age, Why),
    /// The worker is reaped: its place on the scoreboard is free.
    Release(Age),
    /// Stop listening and remove the socket files.
    CloseListeners,
    /// Open the log files again.
    ReopenLogs,
    /// All of the first workers are ready (said once).
    AllReady,
    /// Log a line.
    Log(Notice),
    /// End the master with this exit status. Nothing follows.
    Exit(u8),
}
