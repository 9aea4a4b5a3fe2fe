//! The upgrade (USR2), seen from both sides: the old master starts the command again and hands its sockets over, the new
//! one notices when the old one has gone.
//!
//! The new master is a child of the old one, started as the old one was: with its program, arguments, directory and
//! environment. What it needs to know comes by `RGUNICORN_PID` and `RGUNICORN_FD`, or by `LISTEN_FDS` where a service
//! manager has opened the sockets.

use std::{
    ffi::OsString,
    io::{self, Read as _, Write as _},
    os::{
        fd::{AsFd, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd},
        unix::{net::UnixStream, process::CommandExt as _},
    },
    process::Command,
};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, FdFlag, fcntl},
    libc,
    sys::signal::{SigHandler, SigSet},
};
use rgunicorn_settings::Address;

use super::{
    bound::{Bound, Opened},
    fork::{parent_process, this_process},
    inherited::FIRST,
    signals::disposition,
};
use crate::{
    machine::event::Pid,
    origin::{HANDED_OVER, LISTEN_FDNAMES, LISTEN_FDS, LISTEN_PID, OLD_MASTER, Origin, WATCHDOG_PID},
    signals, statuses,
};

/// The new master, as the old one knows it.
#[derive(Debug)]
pub(crate) struct Successor {
    /// Its process.
    pub(crate) pid: Pid,
    failure: UnixStream,
}

/// The child's end of the pipe by which it says why it could not execute anything.
#[derive(Debug)]
pub(crate) struct Excuse(UnixStream);

impl Successor {
    /// The pipe of a process that is about to be forked.
    pub(crate) fn prepare() -> io::Result<(UnixStream, Excuse)> {
        let (read, write) = UnixStream::pair()?;
        read.set_nonblocking(true)?;
        Ok((read, Excuse(write)))
    }

    /// The child that was forked.
    pub(crate) fn new(pid: Pid, failure: UnixStream) -> Self {
        Self { pid, failure }
    }

    /// Why nothing was executed, once the child has ended; `None` if the new master has run.
    pub(crate) fn failure(mut self) -> Option<String> {
        let mut text = String::new();
        // What the child wrote is there; a child of the new master may hold the other end.
        let _ = self.failure.read_to_string(&mut text);
        (!text.is_empty()).then_some(text)
    }
}

impl Excuse {
    /// Say why, and end.
    pub(crate) fn leave(mut self, error: &str) -> ! {
        // Without a reader there is nobody to tell.
        let _ = self.0.write_all(error.as_bytes());
        // SAFETY: ends the process; nothing of it is needed any more.
        #[allow(unsafe_code, reason = "the exit handlers belong to the old master")]
        unsafe {
            libc::_exit(i32::from(statuses::FAILED))
        }
    }
}

/// Take signals as a process does that was just started; the handlers of the old master write to its own pipe.
pub(crate) fn forget_handlers() -> io::Result<()> {
    signals::table().iter().try_for_each(|row| disposition(row.signal, SigHandler::SigDfl))?;
    Ok(SigSet::empty().thread_set_mask()?)
}

/// Become the new master. Returns only why that failed.
pub(crate) fn execute(origin: &Origin, old: Pid, bound: &Bound) -> String {
    let told = if bound.given { place(&bound.opened) } else { keep_open(&bound.opened) };
    let told = match told {
        Ok(told) => told,
        Err(error) => return format!("cannot hand over the sockets: {error}"),
    };
    let replaced = [OLD_MASTER, HANDED_OVER, LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES, WATCHDOG_PID];
    let kept = origin.environment.iter().filter(|(name, _)| !replaced.iter().any(|other| name == other));
    let error = Command::new(&origin.program)
        .arg0(origin.arguments.first().unwrap_or(&origin.program.clone().into_os_string()))
        .args(origin.arguments.iter().skip(1))
        .env_clear()
        .envs(kept.map(|(name, value)| (name, value)))
        .env(OLD_MASTER, old.to_string())
        .envs(told)
        .current_dir(&origin.directory)
        .exec();
    let (program, directory) = (origin.program.display(), origin.directory.display());
    format!("cannot execute `{program}` in `{directory}`: {error}")
}

type Variables = Vec<(&'static str, OsString)>;

/// Leave the sockets open under the numbers that they have.
fn keep_open(opened: &[Opened]) -> io::Result<Variables> {
    let mut numbers = Vec::new();
    for opened in opened {
        let number = opened.socket.as_fd().as_raw_fd();
        match opened.bind {
            // The address names a number, under which it is open as well.
            Address::Inherited(named) => survive_exec(RawFd::try_from(named).unwrap_or(number))?,
            // The new workers open their own.
            Address::Tcp { .. } if opened.own_backlog.is_some() => {}
            Address::Tcp { .. } | Address::Unix(_) | Address::Abstract(_) => {
                survive_exec(number)?;
                numbers.push(number.to_string());
            }
        }
    }
    Ok(vec![(HANDED_OVER, numbers.join(",").into())])
}

/// Leave the sockets open from descriptor 3 on, as a service manager does.
fn place(opened: &[Opened]) -> io::Result<Variables> {
    let end = FIRST + RawFd::try_from(opened.len()).unwrap_or(RawFd::MAX - FIRST);
    // First out of the way of each other.
    let aside = opened.iter().map(|opened| {
        let number = fcntl(opened.socket.as_fd(), FcntlArg::F_DUPFD_CLOEXEC(end))?;
        // SAFETY: the kernel has just made it for us.
        #[allow(unsafe_code, reason = "nix returns a number")]
        Ok(unsafe { OwnedFd::from_raw_fd(number) })
    });
    let aside = aside.collect::<io::Result<Vec<_>>>()?;
    for (number, socket) in (FIRST..).zip(&aside) {
        // SAFETY: what had this number belonged to the old master, of which nothing but this call goes on.
        #[allow(unsafe_code, reason = "the number is prescribed")]
        let placed = unsafe { libc::dup2(socket.as_raw_fd(), number) };
        Errno::result(placed)?;
    }
    let names: Vec<_> = opened.iter().map(|opened| opened.name.as_deref().unwrap_or_default()).collect();
    Ok(vec![
        (LISTEN_PID, this_process().to_string().into()),
        (LISTEN_FDS, opened.len().to_string().into()),
        (LISTEN_FDNAMES, names.join(":").into()),
    ])
}

fn survive_exec(number: RawFd) -> io::Result<()> {
    // SAFETY: the caller has it open, through this call and the exec that follows.
    #[allow(unsafe_code, reason = "the descriptor of an address is known by its number")]
    let fd = unsafe { BorrowedFd::borrow_raw(number) };
    fcntl(fd, FcntlArg::F_SETFD(FdFlag::empty()))?;
    Ok(())
}

/// The old master, as the new one knows it.
#[derive(Debug)]
pub(crate) struct OldMaster {
    /// Its process.
    pub(crate) pid: Pid,
    end: Option<OwnedFd>,
}

impl OldMaster {
    /// The process that this one was started by for an upgrade, if it is still there.
    pub(crate) fn new(origin: &Origin) -> Option<Self> {
        let pid = Pid(i32::try_from(origin.number(OLD_MASTER)?).ok()?);
        let old = Self { pid, end: imp::end_of(pid) };
        (!old.is_gone()).then_some(old)
    }

    /// Whether it has ended.
    pub(crate) fn is_gone(&self) -> bool {
        parent_process() != self.pid
    }

    /// Readable when it has ended; `None` where the kernel cannot tell and one has to ask.
    pub(crate) fn end(&self) -> Option<BorrowedFd<'_>> {
        self.end.as_ref().map(AsFd::as_fd)
    }
}

#[cfg(target_os = "linux")]
mod imp {
    use std::os::fd::{FromRawFd as _, OwnedFd, RawFd};

    use nix::libc;

    use crate::machine::event::Pid;

    pub(super) fn end_of(pid: Pid) -> Option<OwnedFd> {
        // SAFETY: takes two numbers. The descriptor is closed on exec.
        #[allow(unsafe_code, reason = "neither nix nor libc has a wrapper")]
        let number = unsafe { libc::syscall(libc::SYS_pidfd_open, pid.0, 0) };
        let number = RawFd::try_from(number).ok().filter(|number| *number >= 0)?;
        // SAFETY: the kernel has just made it for us.
        #[allow(unsafe_code, reason = "a system call returns a number")]
        Some(unsafe { OwnedFd::from_raw_fd(number) })
    }
}

#[cfg(not(target_os = "linux"))]
mod imp {
    use std::os::fd::OwnedFd;

    use crate::machine::event::Pid;

    pub(super) fn end_of(_pid: Pid) -> Option<OwnedFd> {
        None
    }
}
