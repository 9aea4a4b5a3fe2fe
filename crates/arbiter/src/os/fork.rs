//! Forking, with a proof that it is safe and no signal in between.

use std::{io, marker::PhantomData};

use nix::{
    sys::signal::{SigSet, SigmaskHow},
    unistd::{ForkResult, Pid as RawPid},
};

use crate::machine::event::Pid;

/// Proof that this process has one thread, so that a child inherits no lock held elsewhere.
#[derive(Debug)]
pub(crate) struct SingleThreaded(PhantomData<*const ()>); // neither Send nor Sync

impl SingleThreaded {
    /// Count the threads: the proof, or how many others there are.
    pub(crate) fn prove() -> Result<Self, usize> {
        match other_threads() {
            0 => Ok(Self(PhantomData)),
            others => Err(others),
        }
    }

    /// Fork in spite of other threads, as `os.fork` does: for a program that embeds the server and was warned.
    pub(crate) fn in_spite_of(_others: usize) -> Self {
        Self(PhantomData)
    }
}

#[cfg(target_os = "linux")]
fn other_threads() -> usize {
    // Without /proc nothing is known, and nothing was started here.
    std::fs::read_dir("/proc/self/task").map_or(0, |tasks| tasks.count().saturating_sub(1))
}

#[cfg(not(target_os = "linux"))]
fn other_threads() -> usize {
    0
}

/// Where a fork returns.
#[derive(Debug)]
pub(crate) enum Fork {
    /// In the new process.
    Child,
    /// In the old one.
    Parent {
        /// The new one.
        child: Pid,
    },
}

/// Make a process.
pub(crate) fn fork(_proof: &SingleThreaded) -> io::Result<Fork> {
    // SAFETY: the proof rules out other threads (or their owner was warned); see `SingleThreaded::prove`.
    #[allow(unsafe_code, reason = "a child may only go on if nothing was held elsewhere")]
    let forked = unsafe { nix::unistd::fork() }?;
    Ok(match forked {
        ForkResult::Child => Fork::Child,
        ForkResult::Parent { child } => Fork::Parent { child: Pid(child.as_raw()) },
    })
}

/// Why there is no new process, for the log.
pub(crate) fn refusal(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::WouldBlock => {
            "the limit of processes is reached (see `ulimit -u` and the limits of the container)".to_owned()
        }
        io::ErrorKind::OutOfMemory => "there is no memory left".to_owned(),
        _ => error.to_string(),
    }
}

/// No signal is delivered to this process while the value lives.
#[derive(Debug)]
pub(crate) struct SignalsBlocked {
    before: SigSet,
}

impl SignalsBlocked {
    pub(crate) fn new() -> Self {
        let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK);
        Self { before: before.unwrap_or_else(|_| SigSet::empty()) }
    }
}

impl Drop for SignalsBlocked {
    fn drop(&mut self) {
        let restored = self.before.thread_set_mask();
        debug_assert!(restored.is_ok(), "a mask that the kernel gave is valid");
    }
}

/// This process.
pub(crate) fn this_process() -> Pid {
    Pid(RawPid::this().as_raw())
}

/// The process that made this one, or its heir.
pub(crate) fn parent_process() -> Pid {
    Pid(RawPid::parent().as_raw())
}

#[cfg(test)]
mod tests {
    use nix::errno::Errno;

    use super::*;

    #[test]
    fn a_fork_that_is_refused_says_which_limit_is_reached() {
        assert!(refusal(&Errno::EAGAIN.into()).contains("ulimit -u"));
        assert!(refusal(&Errno::ENOMEM.into()).contains("memory"));
    }
}
