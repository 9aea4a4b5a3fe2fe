//! A worker whose master was killed leaves at once, even when it is stuck in Python or C code, and removes the files
//! that the master can no longer remove.
//!
//! The kernel sends the worker a signal when its parent dies. It is one that no program uses.

use std::{
    io, ptr,
    sync::{
        Arc,
        atomic::{
            AtomicI32, AtomicPtr,
            Ordering::{Acquire, Relaxed, Release},
        },
    },
};

use nix::libc::{self, c_int};
use rgunicorn_scoreboard::Scoreboard;

use super::{
    files::Mark,
    fork::{SignalsBlocked, parent_process},
};
use crate::machine::event::Pid;

/// What to clean up.
pub(crate) struct Remains {
    /// Pid files, which a new master takes over when the old one ends.
    pub(crate) files: Vec<Mark>,
    /// Files of sockets, which another server may have as well.
    pub(crate) sockets: Vec<Mark>,
    /// It knows whether they belong to somebody else by now.
    pub(crate) board: Arc<Scoreboard>,
}

static REMAINS: AtomicPtr<Remains> = AtomicPtr::new(ptr::null_mut());
static MASTER: AtomicI32 = AtomicI32::new(0);

/// Arrange that this new worker process does not outlive `master`.
pub(crate) fn follow(master: Pid, remains: Remains, _blocked: &SignalsBlocked) -> io::Result<()> {
    MASTER.store(master.0, Relaxed);
    // The handler needs it for as long as the process lives.
    REMAINS.store(Box::into_raw(Box::new(remains)), Release);
    imp::ask_for_signal()?;
    // It may have died before it could be asked for.
    leave_if_orphaned();
    Ok(())
}

/// Do so after this process has changed its user, which makes the kernel forget it.
pub(crate) fn follow_on() -> io::Result<()> {
    if MASTER.load(Relaxed) == 0 {
        return Ok(());
    }
    imp::ask_for_signal()?;
    leave_if_orphaned();
    Ok(())
}

extern "C" fn orphaned(_signal: c_int) {
    leave_if_orphaned();
}

/// Runs in a signal handler.
fn leave_if_orphaned() {
    if parent_process() == Pid(MASTER.load(Relaxed)) {
        return;
    }
    let remains = REMAINS.load(Acquire);
    // SAFETY: null, or stored once by `follow` and never freed.
    #[allow(unsafe_code, reason = "a signal handler has no other way to its data")]
    let remains = unsafe { remains.as_ref() };
    if let Some(remains) = remains {
        // The new master puts its own file there at this very moment, and nothing removes a file only if it is the old one.
        if !remains.board.pid_file_abandoned() {
            remains.files.iter().for_each(Mark::remove);
        }
        if !remains.board.files_abandoned() {
            remains.sockets.iter().for_each(Mark::remove);
        }
    }
    if let Some(remains) = remains {
        wake(&remains.board);
    }
    // SAFETY: ends the process; nothing of it is needed any more.
    #[allow(unsafe_code, reason = "exit handlers must not run inside a signal handler")]
    unsafe {
        libc::_exit(1)
    }
}

/// A worker that somebody has stopped takes no signal, not even that of its master's death, before it goes on.
fn wake(board: &Scoreboard) {
    for slot in board.occupied().filter(|slot| slot.pid() > 0) {
        // SAFETY: touches no memory; who has got the number of a worker that is gone goes on, as it would anyway.
        #[allow(unsafe_code, reason = "safe wrappers are not promised to be safe in a signal handler")]
        unsafe {
            libc::kill(slot.pid(), libc::SIGCONT);
        }
    }
}

#[cfg(target_os = "linux")]
pub(super) use imp::SIGNAL;

#[cfg(target_os = "linux")]
mod imp {
    use std::io;

    use nix::sys::{
        prctl::set_pdeathsig,
        signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction},
    };

    use super::orphaned;

    /// Meant for coprocessors that no longer exist; the kernel never sends it.
    pub(in super::super) const SIGNAL: Signal = Signal::SIGSTKFLT;

    pub(super) fn ask_for_signal() -> io::Result<()> {
        let action = SigAction::new(SigHandler::Handler(orphaned), SaFlags::SA_RESTART, SigSet::all());
        // SAFETY: the handler reads atomics, makes system calls and does not return to a process without a master.
        #[allow(unsafe_code, reason = "a handler may run between any two instructions")]
        unsafe { sigaction(SIGNAL, &action) }?;
        set_pdeathsig(SIGNAL)?;
        Ok(())
    }
}

#[cfg(not(target_os = "linux"))]
mod imp {
    use std::io;

    use super::orphaned;

    /// There is no such signal here.
    pub(super) fn ask_for_signal() -> io::Result<()> {
        let _ = orphaned as extern "C" fn(_);
        Ok(())
    }
}
