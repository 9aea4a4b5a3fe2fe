//! What a new process is given to begin with, and its private words with the master.

use std::{
    fs::OpenOptions,
    io::{self, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::PathBuf,
    sync::Arc,
};

use rgunicorn_logging::ErrorLog;
use rgunicorn_scoreboard::{Lease, Slot, State, Wear, now};
use rgunicorn_settings::Settings;
use socket2::SockRef;

use crate::{
    master::changes::Loaded,
    os::{
        listeners::{Listener, Socket},
        privileges::Privileges,
    },
};

/// Everything that a worker begins with.
pub struct WorkerBoot {
    /// Its spawn number.
    pub age: u32,
    /// The reload that its settings come from.
    pub generation: u32,
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
    /// After so many requests it asks for a successor: `max_requests` and this worker's share of the jitter.
    pub retire_after: Option<u64>,
    pub(crate) report: Report,
    pub(crate) privileges: Arc<Privileges>,
    /// Sockets of this worker's own, with the room in their queues, that do not listen before it is ready.
    pub(crate) closed: Vec<(Socket, i32)>,
}

/// Everything that a template begins with: the process that loads the application so that workers are forked from it.
pub struct TemplateBoot {
    /// Its spawn number.
    pub age: u32,
    /// The reload that its settings come from.
    pub generation: u32,
    /// Its line on the scoreboard.
    pub slot: Lease,
    /// The error log.
    pub error_log: Arc<ErrorLog>,
    /// Everything that was configured.
    pub settings: Arc<Settings>,
    pub(crate) report: Report,
    pub(crate) privileges: Arc<Privileges>,
}

/// The private words of a new process with its master.
#[derive(Clone)]
pub(crate) struct Report {
    /// A byte here wakes the master, which then reads the scoreboard.
    pub(crate) wake: Arc<UnixStream>,
    /// Holds one byte until a worker has taken the right to report why it cannot boot.
    pub(crate) excuse: Arc<UnixStream>,
    /// Whether to let go of the terminal before reporting ready.
    pub(crate) detach: bool,
    /// Where to tell what was loaded, with `--reload`.
    pub(crate) loaded: Option<Loaded>,
}

impl WorkerBoot {
    /// Become the user that was configured, before anything of the application is imported. What needs the rights of
    /// the master is done first: opening sockets of this worker's own.
    ///
    /// # Errors
    /// What the operator should read.
    pub fn drop_privileges(&mut self) -> Result<(), String> {
        for listener in &mut self.listeners {
            let parted = listener.part();
            let closed = parted.map_err(|error| format!("cannot bind `{}`: {error}", listener.address))?;
            self.closed.extend(closed);
        }
        self.privileges.assume()
    }

    /// The application is loaded and requests are accepted from now on.
    ///
    /// # Errors
    /// If a daemon cannot let go of its terminal, or a socket of this worker's own cannot listen.
    pub fn ready(&mut self) -> io::Result<()> {
        self.report.leave_terminal(&self.error_log)?;
        for (socket, backlog) in self.closed.drain(..) {
            SockRef::from(&socket).listen(backlog)?;
        }
        self.report.ready(&self.slot);
        Ok(())
    }

    /// Tell the master which files the application consists of, by their absolute paths, if it watches them for changes.
    pub fn tell_loaded(&self, files: impl FnOnce() -> Vec<PathBuf>) {
        self.report.tell_loaded(files);
    }

    /// Whether this worker should log why it could not boot: true for one worker of those that are forked together,
    /// so that a mistake in the application is shown once and not once a worker.
    #[must_use]
    pub fn may_report_failure(&self) -> bool {
        self.report.may_excuse()
    }

    /// What asks the master for a successor.
    #[must_use]
    pub fn nudge(&self) -> Nudge {
        self.report.nudge()
    }
}

impl TemplateBoot {
    /// What [`WorkerBoot::tell_loaded`] does.
    pub fn tell_loaded(&self, files: impl FnOnce() -> Vec<PathBuf>) {
        self.report.tell_loaded(files);
    }

    /// Become the user that was configured, before anything of the application is imported. Workers that are forked
    /// from here are that user, too.
    ///
    /// # Errors
    /// What the operator should read.
    pub fn drop_privileges(&self) -> Result<(), String> {
        self.privileges.assume()
    }

    /// Whether this template should log why it could not load the application, as [`WorkerBoot::may_report_failure`].
    #[must_use]
    pub fn may_report_failure(&self) -> bool {
        self.report.may_excuse()
    }

    /// The application is loaded and workers can be forked. Their errors still belong on the terminal of a daemon that
    /// starts.
    pub(crate) fn ready(&self) {
        self.report.ready(&self.slot);
    }

    /// All workers are ready.
    pub(crate) fn leave_terminal(&self) -> io::Result<()> {
        self.report.leave_terminal(&self.error_log)
    }
}

impl Report {
    fn tell_loaded(&self, files: impl FnOnce() -> Vec<PathBuf>) {
        if let Some(loaded) = &self.loaded {
            files().iter().for_each(|file| loaded.tell(file));
        }
    }

    /// Let go of the terminal, if the server is to have none.
    fn leave_terminal(&self, error_log: &ErrorLog) -> io::Result<()> {
        error_log.tee_to_stderr(false);
        if self.detach { detach_stdio() } else { Ok(()) }
    }

    fn ready(&self, slot: &Slot) {
        slot.beat(now());
        slot.enter(State::Ready);
        self.nudge().wake();
    }

    fn may_excuse(&self) -> bool {
        // What another process took, or a master that is gone, leaves nothing to read.
        matches!((&*self.excuse).read(&mut [0]), Ok(1))
    }

    fn nudge(&self) -> Nudge {
        Nudge { wake: Arc::clone(&self.wake) }
    }
}

/// Asks the master for a successor; may be used by any thread of the worker.
#[derive(Debug, Clone)]
pub struct Nudge {
    wake: Arc<UnixStream>,
}

impl Nudge {
    /// Ask for a successor, without a wait. The worker serves on until it is told to leave.
    pub fn worn(&self, slot: &Slot, wear: Wear) {
        slot.wear_out(wear);
        self.wake();
    }

    fn wake(&self) {
        // A full pipe wakes the master as well.
        let _ = (&*self.wake).write(b"r");
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
