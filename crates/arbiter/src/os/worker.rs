//! A worker's, or a template's, own signal handlers: they turn signals into bytes on its command pipe.
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
use signal_hook::{
    SigId,
    low_level::{register, unregister},
};

use super::{
    fork::{SignalsBlocked, this_process},
    signals::disposition,
};
use crate::signals::{self, Reaction};

/// The handlers of this process and the pipe that they write to.
#[derive(Debug)]
pub(crate) struct Obedience {
    commands: UnixStream,
    pipe: UnixStream,
    handlers: Vec<SigId>,
}

/// Take over the signals of this new process. Whoever had them before is gone by now.
pub(crate) fn obey(_blocked: &SignalsBlocked) -> io::Result<Obedience> {
    let (commands, pipe) = UnixStream::pair()?;
    commands.set_nonblocking(true)?;
    pipe.set_nonblocking(true)?;
    let mut handlers = Vec::new();
    for row in signals::table() {
        match row.worker_does {
            Reaction::Obey(command) => handlers.push(pass_on(row.signal, command, pipe.as_raw_fd())?),
            Reaction::Nothing => handlers.push(do_nothing(row.signal)?),
            Reaction::Default => disposition(row.signal, SigHandler::SigDfl)?,
        }
    }
    Ok(Obedience { commands, pipe, handlers })
}

impl Obedience {
    /// Where the commands are read from.
    pub(crate) fn commands(&self) -> &UnixStream {
        &self.commands
    }

    /// Obey for as long as the process lives. Where the commands are read from.
    pub(crate) fn for_good(self) -> UnixStream {
        let _: RawFd = self.pipe.into_raw_fd();
        self.commands
    }

    /// Obey no more: this is another process by now, and it will take over the signals itself.
    pub(crate) fn end(self, _blocked: &SignalsBlocked) {
        for handler in self.handlers {
            unregister(handler);
        }
    }
}

fn pass_on(signal: Signal, command: Command, pipe: RawFd) -> io::Result<SigId> {
    let (number, owner) = (signal as c_int, this_process());
    let handler = move || {
        // A process that the application forks shares the pipe, and has no use for it.
        if this_process() == owner { write(pipe, command as u8) } else { die_as_asked(number) }
    };
    // SAFETY: the handler reads its own values and makes system calls; it allocates nothing.
    #[allow(unsafe_code, reason = "a handler may run between any two instructions")]
    unsafe {
        register(number, handler)
    }
}

fn do_nothing(signal: Signal) -> io::Result<SigId> {
    // SAFETY: the handler does nothing.
    #[allow(unsafe_code, reason = "a handler may run between any two instructions")]
    unsafe {
        register(signal as c_int, || {})
    }
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

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use nix::{
        errno::Errno,
        sys::{
            signal::kill,
            wait::{WaitStatus, waitpid},
        },
        unistd::{Pid as RawPid, pause},
    };

    use super::{
        super::fork::{Fork, SingleThreaded, fork},
        *,
    };

    #[test]
    fn a_signal_for_a_process_that_the_application_forked_is_its_own() {
        // One that no other test of this process uses.
        let signal = Signal::SIGUSR2;
        let (mut read, write) = UnixStream::pair().unwrap();
        write.set_nonblocking(true).unwrap();
        pass_on(signal, Command::ReopenLogs, write.as_raw_fd()).unwrap();
        // The child makes no more than a system call, so the other threads of this process do not matter.
        let child = match fork(&SingleThreaded::in_spite_of(1)).unwrap() {
            Fork::Child => loop {
                pause();
            },
            Fork::Parent { child } => RawPid::from_raw(child.0),
        };
        kill(child, signal).unwrap();
        assert_eq!(waitpid(child, None), Ok(WaitStatus::Signaled(child, signal, false)));

        let mut byte = [0];
        read.set_nonblocking(true).unwrap();
        let nothing = read.read(&mut byte).unwrap_err();
        assert_eq!(nothing.raw_os_error(), Some(Errno::EAGAIN as i32), "no command for this process");
        read.set_nonblocking(false).unwrap();
        kill(RawPid::this(), signal).unwrap();
        read.read_exact(&mut byte).unwrap();
        assert_eq!(byte[0], Command::ReopenLogs as u8);
    }
}
