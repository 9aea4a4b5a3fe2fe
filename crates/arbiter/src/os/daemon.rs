//! `--daemon`: the server goes to the background while the command waits for the outcome of its start.
//!
//! The waiting process reads from a pipe: the daemon's pid, then one verdict. The end of the pipe without a verdict
//! means that the daemon died. Error lines reach the terminal by themselves: until it is ready, the daemon shares it.

use std::{
    fs::OpenOptions,
    io::{self, Read as _, Write as _},
    os::{fd::AsFd as _, unix::net::UnixStream},
};

use nix::{libc, sys::stat, unistd::setsid};

use super::{
    fork::{self, Fork, SingleThreaded, this_process},
    signals::Signals,
};
use crate::{
    boot::detach_stdio,
    error::StartError,
    host::Host,
    machine::event::{Pid, Request},
    statuses::{DONE, FAILED, INTERRUPTED},
};

/// What the daemon owes to the command that waits for it.
#[derive(Debug)]
pub(crate) struct Promise {
    waiting: UnixStream,
}

/// Where [`detach`] returns.
pub(crate) enum Detached {
    /// In the daemon.
    Daemon(Promise),
    /// In the command, when the outcome is known: its exit status.
    Command(u8),
}

/// Go to the background. Only the command returns with an error.
pub(crate) fn detach(proof: &SingleThreaded, host: &mut dyn Host) -> Result<Detached, StartError> {
    let (waiting, promise) = UnixStream::pair().map_err(StartError::system("make a pipe"))?;
    match fork_with(proof, host).map_err(StartError::system("fork"))? {
        Fork::Parent { .. } => {
            drop(promise);
            Ok(Detached::Command(wait(waiting)?))
        }
        Fork::Child => {
            drop(waiting);
            Ok(Detached::Daemon(leave_session(proof, host, promise)))
        }
    }
}

/// Become the leader of a session, and then a child that is no leader and can never get a terminal again.
fn leave_session(proof: &SingleThreaded, host: &mut dyn Host, promise: UnixStream) -> Promise {
    let detached = setsid().map_err(io::Error::from).and_then(|_| fork_with(proof, host));
    match detached {
        Ok(Fork::Child) => {}
        // The command reads the end of the pipe, as if the daemon had died, if the fork failed.
        Ok(Fork::Parent { .. }) | Err(_) => leave_without_a_trace(),
    }
    stat::umask(stat::Mode::from_bits_truncate(0o022));
    // Nothing is read from the terminal; without /dev/null it is merely inherited.
    let _ =
        OpenOptions::new().read(true).open("/dev/null").and_then(|null| Ok(nix::unistd::dup2_stdin(&null)?));
    let mut promise = Promise { waiting: promise };
    promise.say(b'P', &this_process().0.to_le_bytes());
    promise
}

fn fork_with(proof: &SingleThreaded, host: &mut dyn Host) -> io::Result<Fork> {
    host.before_fork();
    let forked = fork::fork(proof);
    match forked {
        Ok(Fork::Child) => host.after_fork_in_child(),
        Ok(Fork::Parent { .. }) | Err(_) => host.after_fork_in_parent(),
    }
    forked
}

fn leave_without_a_trace() -> ! {
    // SAFETY: ends the process; nothing of it is needed any more.
    #[allow(unsafe_code, reason = "the exit handlers belong to the command and the daemon")]
    unsafe {
        libc::_exit(0)
    }
}

impl Promise {
    /// All workers are ready: let go of the terminal, unless it is to be kept, and let the command return.
    pub(crate) fn keep(mut self, detach: bool) -> io::Result<()> {
        if detach {
            detach_stdio()?;
        }
        self.say(b'R', &[]);
        Ok(())
    }

    /// The server ends before its workers were ready.
    pub(crate) fn break_with(mut self, status: u8) {
        self.say(b'E', &[status]);
    }

    fn say(&mut self, kind: u8, rest: &[u8]) {
        // The command may have been interrupted; then nobody wants to know.
        let _ = self.waiting.write_all(&[&[kind], rest].concat());
    }
}

/// Wait for the verdict: the exit status of the command.
fn wait(mut daemon: UnixStream) -> Result<u8, StartError> {
    let mut signals = Signals::hear().map_err(StartError::system("handle signals"))?;
    daemon.set_nonblocking(true).map_err(StartError::system("make a pipe"))?;
    let mut heard = Vec::new();
    loop {
        signals.wait(&[daemon.as_fd()], None).map_err(StartError::system("wait"))?;
        let interrupted = signals.pending().requests.into_iter().find_map(interruption);
        let ended = match daemon.read_to_end(&mut heard) {
            Ok(_) => true,
            Err(error) => error.kind() != io::ErrorKind::WouldBlock,
        };
        match heard.get(5..) {
            Some([b'R', ..]) => return Ok(DONE),
            Some([b'E', status, ..]) => return Ok(*status),
            _ if ended => {
                complain("the daemon ended before its workers were ready (its error log may say why)");
                return Ok(FAILED);
            }
            _ => {}
        }
        if let Some(status) = interrupted {
            complain(&format!("interrupted: {}", still_starting(&heard)));
            return Ok(status);
        }
    }
}

/// The exit status that says which signal ended the wait.
fn interruption(request: Request) -> Option<u8> {
    let signal = match request {
        Request::Int => libc::SIGINT,
        Request::Term => libc::SIGTERM,
        Request::Hup => libc::SIGHUP,
        Request::Quit => libc::SIGQUIT,
        Request::Ttin | Request::Ttou | Request::Usr1 | Request::Usr2 | Request::Winch => return None,
    };
    u8::try_from(signal).ok().map(|signal| INTERRUPTED + signal)
}

fn still_starting(heard: &[u8]) -> String {
    let pid = heard.get(1..5).and_then(|bytes| bytes.try_into().ok()).map(i32::from_le_bytes).map(Pid);
    match pid {
        Some(pid) => format!("the daemon (pid {pid}) goes on starting; `kill {pid}` stops it"),
        None => "the daemon goes on starting".to_owned(),
    }
}

fn complain(text: &str) {
    // Without a terminal there is nobody to tell.
    let _ = writeln!(io::stderr(), "rgunicorn: {text}");
}
