//! What the arbiter asks of the language that serves, and what a worker is given to serve with.

use std::{
    fs::OpenOptions,
    io::{self, Read as _, Write as _},
    os::unix::net::UnixStream,
    sync::Arc,
};

use rgunicorn_logging::ErrorLog;
use rgunicorn_scoreboard::{Lease, State, now};
use rgunicorn_settings::Settings;

use crate::os::listeners::Listener;

/// What the master needs of the interpreter that the application runs in.
///
/// The three fork duties surround every fork of the process, as `os.fork` surrounds its own.
pub trait Host {
    /// Just before a fork.
    fn before_fork(&mut self);
    /// After a fork, or an attempt, in the process that forked.
    fn after_fork_in_parent(&mut self);
    /// After a fork, in the new process.
    fn after_fork_in_child(&mut self);
    /// Load the application and serve until told to stop. The exit status of the worker process.
    fn run_worker(&mut self, boot: WorkerBoot) -> u8;
    /// `--check-config`: load the application and say what is wrong with it. The exit status.
    fn check(&mut self) -> u8;
}

/// Everything that a worker begins with.
pub struct WorkerBoot {
    /// Its spawn number.
    pub age: u32,
    /// Its line on the scoreboard.
    pub slot: Lease,
    /// Where connections come from.
    pub listeners: Vec<Listener>,
    /// Bytes of [`rgunicorn_scoreboard::Command`], written by this process' own signal handlers; does not block.
    pub commands: UnixStream,
    /// The error log.
    pub error_log: Arc<ErrorLog>,
    /// Everything that was configured.
    pub settings: Arc<Settings>,
    pub(crate) report: Report,
}

/// The worker's private words with its master.
pub(crate) struct Report {
    /// A byte here wakes the master, which then reads the scoreboard.
    pub(crate) wake: UnixStream,
    /// Holds one byte until a worker has taken the right to report why it cannot boot.
    pub(crate) excuse: UnixStream,
    /// Whether to let go of the terminal before reporting ready.
    pub(crate) detach: bool,
}

impl WorkerBoot {
    /// The application is loaded and requests are accepted from now on.
    ///
    /// # Errors
    /// If a daemon cannot let go of its terminal.
    pub fn ready(&mut self) -> io::Result<()> {
        self.error_log.tee_to_stderr(false);
        if self.report.detach {
            detach_stdio()?;
        }
        self.slot.beat(now());
        self.slot.enter(State::Ready);
        // A full pipe wakes the master as well.
        let _ = self.report.wake.write(b"r");
        Ok(())
    }

    /// Whether this worker should log why it could not boot: true for one worker of those that are forked together,
    /// so that a mistake in the application is shown once and not once a worker.
    #[must_use]
    pub fn may_report_failure(&self) -> bool {
        // What another worker took, or a master that is gone, leaves nothing to read.
        matches!((&self.report.excuse).read(&mut [0]), Ok(1))
    }
}

/// Point the standard streams to nowhere, so that whoever waits for their end can go on.
pub(crate) fn detach_stdio() -> io::Result<()> {
    let nowhere = OpenOptions::new().read(true).write(true).open("/dev/null")?;
    nix::unistd::dup2_stdin(&nowhere)?;
    nix::unistd::dup2_stdout(&nowhere)?;
    nix::unistd::dup2_stderr(&nowhere)?;
    Ok(())
}
