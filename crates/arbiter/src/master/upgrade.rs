//! The upgrade: starting a new master beside this one, and taking over from an old one.

use std::{
    ops::ControlFlow::{self, Continue},
    os::fd::BorrowedFd,
    path::{Path, PathBuf},
    sync::Arc,
};

use rgunicorn_scoreboard::{Millis, now};

use super::{End, Master, generations::Generation};
use crate::{
    host::Hook,
    machine::{
        event::{Event, Pid},
        notices::Notice,
    },
    os::{
        files::OwnFile,
        fork::{self, Fork, SignalsBlocked, fork},
        pidfile, process, unix,
        upgrade::{self, Excuse, Successor},
    },
    run::log,
};

/// Where the kernel does not tell when the old master ends, it is asked for this often.
const ASK: Millis = 500;

impl Master<'_> {
    /// Start a new master.
    pub(super) fn upgrade(&mut self) {
        let answer = self.begin_upgrade().map_or_else(Event::UpgradeFailed, Event::UpgradeForked);
        self.arbiter.handle(answer, now());
    }

    fn begin_upgrade(&mut self) -> Result<Pid, String> {
        let (failure, excuse) = Successor::prepare().map_err(|error| error.to_string())?;
        self.host.before_fork();
        let blocked = SignalsBlocked::new();
        match fork(&self.proof) {
            Ok(Fork::Child) => self.become_successor(excuse, blocked),
            Ok(Fork::Parent { child }) => {
                drop((blocked, excuse));
                self.host.after_fork_in_parent();
                self.successor = Some(Successor::new(child, failure));
                self.leave_files();
                Ok(child)
            }
            Err(error) => {
                drop(blocked);
                self.host.after_fork_in_parent();
                Err(fork::refusal(&error))
            }
        }
    }

    /// Execute the new master. What this process was dies with it, or at the failure.
    fn become_successor(&mut self, excuse: Excuse, blocked: SignalsBlocked) -> ! {
        let old = self.pid;
        if let Err(error) = upgrade::forget_handlers() {
            excuse.leave(&format!("cannot reset signals: {error}"));
        }
        // They are let through by now, and end this process as they would end any other.
        std::mem::forget(blocked);
        self.host.after_fork_in_child();
        self.hook(self.generations.serving_number(), Hook::PreExec);
        let bound = &self.generations.serving().bound;
        excuse.leave(&upgrade::execute(&self.origin, old, bound));
    }

    /// What the end of this process means if it is the new master. The sockets are this server's alone again.
    pub(super) fn end_of_successor(&mut self, pid: Pid) -> Option<Event> {
        let successor = self.successor.take_if(|successor| successor.pid == pid)?;
        self.claim_files();
        successor.failure().map(Event::UpgradeFailed)
    }

    /// This is the new master; the old one is what everybody else still knows.
    pub(super) fn begin_as_second(&mut self) {
        self.notifier.mute();
        self.board.abandon_files();
    }

    /// Readable when the old master has ended.
    pub(super) fn end_of_old_master(&self) -> Option<BorrowedFd<'_>> {
        self.old_master.as_ref().and_then(|old| old.end())
    }

    /// When to ask for the old master, where nothing tells of its end.
    pub(super) fn ask_for_old_master(&self) -> Option<Millis> {
        self.old_master.as_ref().filter(|old| old.end().is_none()).map(|_| now() + ASK)
    }

    pub(super) fn look_for_old_master(&mut self) -> ControlFlow<End> {
        if self.old_master.take_if(|old| old.is_gone()).is_some() {
            return self.tell(Event::ParentGone);
        }
        Continue(())
    }

    /// This is the only master now: files, name and service are its own.
    pub(super) fn promote(&mut self) {
        self.claim_files();
        for generation in self.generations.all_mut() {
            promote_pidfile(generation);
        }
        let serving = self.generations.serving();
        if let Err(error) = serving.bound.settle(&serving.settings) {
            log(&Notice::CannotStart { error: error.to_string() });
        }
        self.name();
        self.notifier.speak();
        self.notifier.ready();
    }

    /// Whether there is no other master, as far as the kernel knows: whoever has told us may have been faster.
    pub(super) fn is_alone(&self) -> bool {
        let successor = self.successor.as_ref().is_some_and(|successor| !process::has_ended(successor.pid));
        let old = self.old_master.as_ref().is_some_and(|old| !old.is_gone());
        !successor && !old
    }

    /// This master ends. Files that it has left to another are its own again if that one has ended meanwhile.
    pub(super) fn remove_what_was_left(&mut self) {
        let alone = self.is_alone();
        // Two that end together find each other alive, but the last one finds that nobody listens.
        for file in self.left.drain(..).filter(|file| alone || unix::is_deserted(file.path())) {
            // It goes when nobody here needs it any more, which is now.
            file.claim();
        }
    }

    /// Where the pid file is to be while there are two masters.
    pub(super) fn pid_path(&self, path: &Path) -> PathBuf {
        if self.old_master.is_some() { pidfile::of_second(path) } else { path.to_owned() }
    }

    fn leave_files(&self) {
        self.board.abandon_files();
        self.board.abandon_pid_file();
        self.generations.all().for_each(|generation| generation.bound.files().for_each(OwnFile::leave));
    }

    /// Nobody else has the socket files.
    pub(super) fn claim_files(&self) {
        self.board.claim_files();
        self.generations.all().for_each(|generation| generation.bound.files().for_each(OwnFile::claim));
    }
}

fn promote_pidfile(generation: &mut Generation) {
    let (Some(second), Some(path)) = (&generation.pidfile, &generation.settings.process.pidfile) else {
        return;
    };
    match pidfile::promote(second, path) {
        Ok(file) => generation.pidfile = Some(Arc::new(file)),
        Err(error) => log(&Notice::CannotStart { error: error.to_string() }),
    }
}
