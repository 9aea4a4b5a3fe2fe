//! A worker process' own signal handlers: they turn signals into bytes on its command pipe.
//!
//! The master's are inherited by a fork, together with the pipe that they write to, so they are replaced before the
//! first signal can be delivered. They stay signal-hook's, so that a worker class may add what it needs. What the
//! worker executes starts with the kernel's defaults, because a handler, unlike "ignore", does not survive an exec.

use std::{
    io,
    os::{
        fd::{AsRawFd as _, IntoRawFd as _, RawFd},
        unix::net::UnixStream,
    },
};

use nix::{
    libc::{self, c_int},
    sys::signal::{SigHandler, Signal},
};
use rgunicorn_scoreboard::Command;
use signal_hook::low_level::register;

use super::{
    fork::{SignalsBlocked, this_process},
    signals::{Signals, disposition},
};
use crate::signals::{self, Reaction};

/// Take over the signals of this new worker process. The end of the pipe that their commands can be read from.
pub(crate) fn obey(master: Signals, _blocked: &SignalsBlocked) -> io::Result<UnixStream> {
    drop(master);
    let (read, write) = UnixStream::pair()?;
    read.set_nonblocking(true)?;
    write.set_nonblocking(true)?;
    let pipe = write.as_raw_fd();
    for row in signals::table() {
        match row.worker_does {
            Reaction::Obey(command) => pass_on(row.signal, command, pipe)?,
            Reaction::Nothing => do_nothing(row.signal)?,
            Reaction::Default => disposition(row.signal, SigHandler::SigDfl)?,
        }
    }
    // The handlers need it for as long as the process lives.
    let _: RawFd = write.into_raw_fd();
    Ok(read)
}

fn pass_on(signal: Signal, command: Command, pipe: RawFd) -> io::Result<()> {
    let (number, owner) = (signal as c_int, this_process());
    let handler = move || {
        // A process that the application forks shares the pipe, and has no use for it.
        if this_process() == owner { write(pipe, command as u8) } else { die_as_asked(number) }
    };
    // SAFETY: the handler reads its own values and makes system calls; it allocates nothing.
    #[allow(unsafe_code, reason = "a handler may run between any two instructions")]
    unsafe { register(number, handler) }?;
    Ok(())
}

fn do_nothing(signal: Signal) -> io::Result<()> {
    // SAFETY: the handler does nothing.
    #[allow(unsafe_code, reason = "a handler may run between any two instructions")]
    unsafe { register(signal as c_int, || {}) }?;
    Ok(())
}

fn write(pipe: RawFd, byte: u8) {
    // SAFETY: the byte lives through the call. A full pipe already says enough.
    #[allow(unsafe_code, reason = "safe wrappers need an owned descriptor")]
    unsafe {
        libc::write(pipe, (&raw const byte).cast(), 1);
    }
}

/// Take the signal as if there were no handler.
fn die_as_asked(signal: c_int) {
    // SAFETY: the default runs no code in this process.
    #[allow(unsafe_code, reason = "handlers have no safe interface")]
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
    }
    // SAFETY: the signal is blocked until its handler returns and takes effect then.
    #[allow(unsafe_code, reason = "handlers have no safe interface")]
    unsafe {
        libc::raise(signal);
    }
}
