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

/// The number of a reload: 0 is what the server started with, the first reload makes 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub u32);

/// The settings that the machine decides by. Every generation has its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many workers to keep.
    pub workers: u32,
    /// Silence allowed before a worker is aborted; `None` turns the watchdog off.
    pub timeout: Option<Millis>,
    /// Time that a worker has to become ready, counted from its fork; `None` for any time.
    pub boot: Option<Millis>,
    /// Time that a worker has to finish after a graceful stop.
    pub graceful: Millis,
    /// How long to go on serving after TERM, as "not ready", before the graceful stop begins.
    pub drain: Millis,
    /// A reload replaces one worker at a time instead of starting all new ones first.
    pub rolling: bool,
    /// Workers are forked from a template process that has loaded the application.
    pub preload: bool,
    /// The longest life of a worker, and how much less (at random) it may be; `None` for any length.
    pub lifetime: Option<(Millis, Millis)>,
    /// Spreads the lifetimes.
    pub seed: u64,
    /// A boot that fails waits for changed files (`--reload`).
    pub waits_for_changes: bool,
    /// The server has no terminal, so WINCH means something.
    pub daemon: bool,
}

impl Limits {
    /// The limits of a server that keeps `workers`, with nothing special about them. The boot is bounded by `timeout`.
    #[must_use]
    pub fn new(workers: u32, timeout: Option<Duration>, graceful: Duration) -> Self {
        Self {
            workers,
            timeout: timeout.map(millis),
            boot: timeout.map(millis),
            graceful: millis(graceful),
            drain: 0,
            rolling: false,
            preload: false,
            lifetime: None,
            seed: 0,
            waits_for_changes: false,
            daemon: false,
        }
    }
}

impl Limits {
    /// The longest life of this worker: spread by its age and the seed, so that siblings do not leave together.
    pub(super) fn lifetime_of(&self, age: Age) -> Option<Millis> {
        let (most, jitter) = self.lifetime?;
        Some(most - spread(self.seed, age) % (jitter.min(most) + 1))
    }
}

/// A number that looks random and is the same for the same age and seed (`SplitMix64`).
pub(crate) fn spread(seed: u64, age: Age) -> u64 {
    let mixed = seed.wrapping_add(u64::from(age.0).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A duration in milliseconds. What is too long for them is cut off, with room left for sums.
#[must_use]
pub fn millis(duration: Duration) -> Millis {
    const MOST: Millis = Millis::MAX / 4;
    Millis::try_from(duration.as_millis()).map_or(MOST, |millis| millis.min(MOST))
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

/// Why a worker should be replaced though it serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wear {
    /// It has answered as many requests as it should.
    Requests,
    /// It occupies so many bytes.
    Memory(u64),
    /// It has lived for long enough. The machine knows by itself.
    Lifetime,
    /// One of its threads does not return from a request.
    Stuck,
}

/// What a child process is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It serves.
    Worker,
    /// It has loaded the application and forks workers.
    Template,
}

/// A process to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spawn {
    /// What to call it.
    pub age: Age,
    /// Whose settings, listeners and environment it gets.
    pub generation: Generation,
    /// What it is for.
    pub role: Role,
    /// The loaded template that it is forked from; `None` for the master.
    pub from: Option<Age>,
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
    /// The spawn that was asked for is done. May come later: the template answers for what is forked from it.
    Forked(Age, Pid),
    /// The spawn that was asked for failed for this reason.
    ForkFailed(Age, String),
    /// What the scoreboard says of a worker: how far it is and when it last gave a sign of life.
    Seen(Age, Stage, Millis),
    /// A child was reaped: perhaps a worker, perhaps an orphan that the kernel gave us.
    Exited(Pid, Exit),
    /// An operator sent a signal.
    Asked(Request),
    /// The answer to [`Action::Reread`] of this generation: its limits, or why there will be none of it.
    Reread(Generation, Result<Limits, String>),
    /// A worker should be replaced. May be said more than once.
    Worn(Age, Wear),
    /// The answer to [`Action::Upgrade`]: the process that becomes the new master.
    UpgradeForked(Pid),
    /// The answer to [`Action::Upgrade`]: it failed for this reason.
    UpgradeFailed(String),
    /// The master that started this one by an upgrade is gone.
    ParentGone,
    /// Code of the application was changed: which file (`--reload`).
    FilesChanged(String),
    /// All workers were looked at and time has passed. Comes after the other events of a turn.
    Tick,
}

/// What to do, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Make a process; answer with [`Event::Forked`] or [`Event::ForkFailed`].
    Spawn(Spawn),
    /// Send a signal to a worker that was not reaped yet.
    Send(Pid, Signal),
    /// Log what the worker is, or was, busy with, for the people who will ask.
    Explain(Age, Why),
    /// The worker is reaped: its place on the scoreboard is free.
    Release(Age),
    /// Read the configuration, the environment and the logging again for this new generation, and open what it binds
    /// beside what is open; answer with [`Event::Reread`].
    Reread(Generation),
    /// This generation serves now: close what only older ones needed.
    Adopt(Generation),
    /// This generation is given up: close what only it needed and forget its settings.
    Discard(Generation),
    /// Start a new master beside this one; answer with [`Event::UpgradeForked`] or [`Event::UpgradeFailed`].
    Upgrade,
    /// The old master is gone: this is the server now.
    Promote,
    /// The number of workers to keep is another one.
    Resized {
        /// The number from now on.
        new: u32,
        /// The number until now.
        old: u32,
    },
    /// Workers say from now on that they are not ready, and go on serving.
    Drain,
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
