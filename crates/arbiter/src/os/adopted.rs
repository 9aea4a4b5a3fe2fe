//! Making a process that becomes another one's child: a template forks workers that are the master's.
//!
//! The template forks a process that lives only for a moment. It forks the worker, writes the worker's pid to its slot
//! on the scoreboard and ends, which makes the worker an orphan. Orphans go to the nearest ancestor that has asked for
//! them: the master ([`adopt_orphans`]).
//!
//! Whoever is killed on the way, nothing is left over: the process in between dies with the template, and a worker
//! whose slot does not name it, or whose new parent is not the master, leaves before it has done anything. So the pid
//! on the slot decides whether there is a worker, and it is there before the master can be that worker's parent.

use std::io;

use nix::{
    errno::Errno,
    libc,
    sys::wait::{WaitStatus, waitpid},
    unistd::Pid as RawPid,
};
use rgunicorn_scoreboard::Lease;

use super::fork::{Fork, SignalsBlocked, SingleThreaded, fork, parent_process, this_process};
use crate::machine::event::Pid;

/// Become the parent of every orphan among the descendants of this process.
///
/// # Errors
/// Where the kernel has no such thing.
pub(crate) fn adopt_orphans() -> io::Result<()> {
    imp::adopt_orphans()
}

/// Make a process that owns `slot` and is a child of `master`, which is this process' parent.
///
/// In the new process this returns when the master is its parent.
pub(crate) fn fork_for(
    master: Pid,
    slot: &Lease,
    proof: &SingleThreaded,
    _blocked: &SignalsBlocked,
) -> io::Result<Fork> {
    let template = this_process();
    match fork(proof)? {
        Fork::Parent { child } => Ok(Fork::Parent { child: wait_for(child, slot)? }),
        Fork::Child => {
            let _ = imp::die_with_parent();
            if parent_process() != template {
                leave(0);
            }
            let between = this_process();
            match fork(proof) {
                Ok(Fork::Child) => {
                    become_child_of(master, between, slot);
                    Ok(Fork::Child)
                }
                Ok(Fork::Parent { child }) => {
                    slot.assign(child.0);
                    leave(0)
                }
                Err(error) => leave(error.raw_os_error().unwrap_or(libc::EAGAIN)),
            }
        }
    }
}

/// Wait for the process in between, which ends at once: the worker that it has made, or why there is none.
fn wait_for(between: Pid, slot: &Lease) -> io::Result<Pid> {
    let ended = loop {
        match waitpid(RawPid::from_raw(between.0), None) {
            Err(Errno::EINTR) => {}
            ended => break ended,
        }
    };
    match (slot.pid(), ended) {
        (0, Ok(WaitStatus::Exited(_, errno))) if errno > 0 => Err(io::Error::from_raw_os_error(errno)),
        (0, _) => Err(io::Error::other("the process that was to fork it was killed")),
        // The application may collect all children, or have none collected: the slot knows.
        (worker, _) => Ok(Pid(worker)),
    }
}

/// Wait until the process in between has ended; leave unless everything is as it should be then.
fn become_child_of(master: Pid, between: Pid, slot: &Lease) {
    if imp::wait_for_new_parent(between).is_err()
        || parent_process() != master
        || slot.pid() != this_process().0
    {
        leave(1);
    }
}

fn leave(status: i32) -> ! {
    // SAFETY: ends the process; nothing of it is needed any more.
    #[allow(unsafe_code, reason = "the exit handlers belong to the template")]
    unsafe {
        libc::_exit(status)
    }
}

#[cfg(target_os = "linux")]
mod imp {
    use std::io;

    use nix::sys::{
        prctl::{set_child_subreaper, set_pdeathsig},
        signal::{SigSet, Signal},
    };

    use super::{super::orphan, Pid, parent_process};

    pub(super) fn adopt_orphans() -> io::Result<()> {
        Ok(set_child_subreaper(true)?)
    }

    pub(super) fn die_with_parent() -> io::Result<()> {
        Ok(set_pdeathsig(Signal::SIGKILL)?)
    }

    /// The signal of a parent's death comes once there is another parent, and is blocked until here.
    pub(super) fn wait_for_new_parent(between: Pid) -> io::Result<()> {
        set_pdeathsig(orphan::SIGNAL)?;
        let mut awaited = SigSet::empty();
        awaited.add(orphan::SIGNAL);
        while parent_process() == between {
            awaited.wait()?;
        }
        Ok(())
    }
}

#[cfg(not(target_os = "linux"))]
mod imp {
    use std::io;

    use super::Pid;

    pub(super) fn adopt_orphans() -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn die_with_parent() -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn wait_for_new_parent(_between: Pid) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::{fs, thread};

    use nix::{
        sys::signal::{Signal, kill},
        unistd::pause,
    };
    use rgunicorn_scoreboard::Scoreboard;

    use super::*;

    /// A child of this process by way of another; it does `work` and ends.
    fn make(slot: &Lease, work: impl FnOnce() -> i32) -> io::Result<Pid> {
        let blocked = SignalsBlocked::new();
        // The child makes no more than system calls, so the other threads of this process do not matter.
        match fork_for(this_process(), slot, &SingleThreaded::in_spite_of(1), &blocked)? {
            Fork::Parent { child } => Ok(child),
            Fork::Child => leave(work()),
        }
    }

    fn wait(pid: Pid) -> WaitStatus {
        waitpid(RawPid::from_raw(pid.0), None).expect("it is our child")
    }

    #[test]
    fn the_new_process_is_a_child_of_the_process_that_adopts() {
        adopt_orphans().unwrap();
        let board = Scoreboard::new(1).unwrap();
        let slot = board.lease(1, 0).unwrap();
        let master = this_process();
        let worker = make(&slot, || if parent_process() == master { 7 } else { 8 }).unwrap();
        assert_eq!(slot.pid(), worker.0);
        assert_eq!(wait(worker), WaitStatus::Exited(RawPid::from_raw(worker.0), 7));
    }

    #[test]
    fn many_at_the_same_time_all_find_their_parent() {
        adopt_orphans().unwrap();
        let board = Scoreboard::new(40).unwrap();
        let forkers: Vec<_> = (0..4)
            .map(|thread| {
                let board = board.clone();
                thread::spawn(move || {
                    for age in 0..10 {
                        let slot = board.share(thread * 10 + age);
                        let worker = make(&slot, || 9).unwrap();
                        assert_eq!(wait(worker), WaitStatus::Exited(RawPid::from_raw(worker.0), 9));
                    }
                })
            })
            .collect();
        for forker in forkers {
            forker.join().unwrap();
        }
    }

    #[test]
    fn a_process_that_its_slot_does_not_name_leaves() {
        adopt_orphans().unwrap();
        let board = Scoreboard::new(1).unwrap();
        let slot = board.lease(1, 0).unwrap();
        let (proof, blocked) = (SingleThreaded::in_spite_of(1), SignalsBlocked::new());
        let master = this_process();
        let child = match fork(&proof).unwrap() {
            Fork::Parent { child } => child,
            Fork::Child => {
                become_child_of(master, Pid(0), &slot);
                leave(0)
            }
        };
        drop(blocked);
        assert_eq!(wait(child), WaitStatus::Exited(RawPid::from_raw(child.0), 1));
    }

    #[test]
    fn a_process_in_between_that_is_killed_is_no_worker() {
        let board = Scoreboard::new(1).unwrap();
        let slot = board.lease(1, 0).unwrap();
        let proof = SingleThreaded::in_spite_of(1);
        let between = match fork(&proof).unwrap() {
            Fork::Child => loop {
                pause();
            },
            Fork::Parent { child } => child,
        };
        kill(RawPid::from_raw(between.0), Signal::SIGKILL).unwrap();
        let error = wait_for(between, &slot).unwrap_err();
        assert!(error.to_string().contains("killed"), "{error}");
        assert!(!fs::exists(format!("/proc/{between}")).unwrap(), "it was reaped");
    }
}
