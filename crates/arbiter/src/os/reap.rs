//! Collecting children that ended.

use std::borrow::Cow;

use nix::{libc, sys::signal::Signal};

use crate::machine::event::{Exit, Pid};

/// One child that ended, if there is one. It names pids that nix's wrapper loses: of those killed by a realtime signal.
pub(crate) fn reap() -> Option<(Pid, Exit)> {
    loop {
        let mut status = 0;
        // SAFETY: the status is written to a number that lives through the call.
        #[allow(unsafe_code, reason = "nix refuses statuses with signals that it has no name for")]
        let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) };
        if pid <= 0 {
            return None;
        }
        if let Some(exit) = read(status) {
            return Some((Pid(pid), exit));
        }
    }
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
