//! A worker process' own signal handlers: they turn signals into bytes on its command pipe.
//!
//! The master's handlers are inherited by a fork, together with the pipe that they write to, so they are replaced
//! before the first signal can be delivered. What the worker executes starts with the kernel's defaults, because a
//! handler, unlike "ignore", does not survive an exec.

use std::{
    io,
    os::{fd::IntoRawFd as _, unix::net::UnixStream},
    sync::atomic::{AtomicI32, Ordering::Relaxed},
};

use nix::{
    errno::Errno,
    libc::{self, c_int},
    sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction},
};

use super::{
    fork::{SignalsBlocked, this_process},
    signals::disposition,
};
use crate::signals::{self, Reaction};

/// Where the handlers write to.
static COMMANDS: AtomicI32 = AtomicI32::new(-1);
/// The process that the handlers belong to: one that it forks shares the pipe and must not write to it.
static OWNER: AtomicI32 = AtomicI32::new(0);

/// Take over the signals of this new worker process. The end of the pipe that their commands can be read from.
pub(crate) fn obey(_blocked: &SignalsBlocked) -> io::Result<UnixStream> {
    let (read, write) = UnixStream::pair()?;
    read.set_nonblocking(true)?;
    write.set_nonblocking(true)?;
    // The handlers need it for as long as the process lives.
    COMMANDS.store(write.into_raw_fd(), Relaxed);
    OWNER.store(this_process().0, Relaxed);
    for row in signals::table() {
        match row.worker_does {
            Reaction::Obey(_) => handle(row.signal, pass_on)?,
            Reaction::Nothing => handle(row.signal, nothing)?,
            Reaction::Default => disposition(row.signal, SigHandler::SigDfl)?,
        }
    }
    Ok(read)
}

/// Install a handler that only does what a handler may.
pub(super) fn handle(signal: Signal, handler: extern "C" fn(c_int)) -> io::Result<()> {
    // One at a time, and not on the alternative stack: several at once would overflow what faulthandler keeps small.
    let action = SigAction::new(SigHandler::Handler(handler), SaFlags::SA_RESTART, SigSet::all());
    // SAFETY: every handler given here reads atomics, makes system calls and keeps errno; it allocates nothing.
    #[allow(unsafe_code, reason = "a handler may run between any two instructions")]
    unsafe { sigaction(signal, &action) }?;
    Ok(())
}

extern "C" fn nothing(_signal: c_int) {}

extern "C" fn pass_on(signal: c_int) {
    let errno = Errno::last_raw();
    if OWNER.load(Relaxed) == this_process().0 {
        let row = signals::table().iter().find(|row| row.signal as c_int == signal);
        if let Some(Reaction::Obey(command)) = row.map(|row| row.worker_does) {
            write(command as u8);
        }
    } else {
        die_as_asked(signal);
    }
    Errno::set_raw(errno);
}

fn write(byte: u8) {
    // SAFETY: the byte lives through the call. A full pipe already says enough.
    #[allow(unsafe_code, reason = "safe wrappers need an owned descriptor")]
    unsafe {
        libc::write(COMMANDS.load(Relaxed), (&raw const byte).cast(), 1);
    }
}

/// A process that the application forked has no use for the pipe: it takes the signal as if there were no handler.
fn die_as_asked(signal: c_int) {
    // SAFETY: the default runs no code in this process.
    #[allow(unsafe_code, reason = "handlers have no safe interface")]
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
    }
    // SAFETY: the signal is blocked until this handler returns and takes effect then.
    #[allow(unsafe_code, reason = "handlers have no safe interface")]
    unsafe {
        libc::raise(signal);
    }
}
