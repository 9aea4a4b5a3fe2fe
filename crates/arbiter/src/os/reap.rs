//! Collecting children that ended.

use std::{borrow::Cow, mem};

use nix::{libc, sys::signal::Signal};

use crate::machine::event::{Exit, Pid};

/// A child that has ended and was not collected yet, if there is one: its pid is its own until then.
pub(crate) fn ended() -> Option<Pid> {
    // SAFETY: zeroed memory is a valid value of a structure of numbers.
    #[allow(unsafe_code, reason = "nix refuses statuses with signals that it has no name for")]
    let mut info: libc::siginfo_t = unsafe { mem::zeroed() };
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: what is told about the child is written to a structure that lives through the call.
    #[allow(unsafe_code, reason = "nix refuses statuses with signals that it has no name for")]
    let failed = unsafe { libc::waitid(libc::P_ALL, 0, &raw mut info, options) } != 0;
    // SAFETY: the call above has filled in the fields of a child, or left the zeroes.
    #[allow(unsafe_code, reason = "the fields depend on what the structure is about")]
    let pid = unsafe { info.si_pid() };
    (!failed && pid > 0).then_some(Pid(pid))
}

/// Collect this child, which has ended. It names signals that nix's wrapper loses: realtime ones.
pub(crate) fn collect(child: Pid) -> Option<Exit> {
    let mut status = 0;
    // SAFETY: the status is written to a number that lives through the call.
    #[allow(unsafe_code, reason = "nix refuses statuses with signals that it has no name for")]
    let pid = unsafe { libc::waitpid(child.0, &raw mut status, libc::WNOHANG) };
    (pid == child.0).then(|| read(status))?
}

fn read(status: i32) -> Option<Exit> {
    if libc::WIFEXITED(status) {
        return Some(Exit::Code(libc::WEXITSTATUS(status)));
    }
    libc::WIFSIGNALED(status).then(|| Exit::Signal(name(libc::WTERMSIG(status))))
}

fn name(signal: i32) -> Cow<'static, str> {
    match Signal::try_from(signal) {
        Ok(signal) => Cow::Borrowed(signal.as_str()),
        Err(_) => Cow::Owned(format!("signal {signal}")),
    }
}
