//! The master's ear: signals as bytes on a pipe that the one loop waits on.

use std::{
    io,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
};

use nix::{
    errno::Errno,
    libc::c_int,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction},
};
use rgunicorn_scoreboard::{Millis, now};
use signal_hook::iterator::{backend::SignalDelivery, exfiltrator::SignalOnly};

use super::fork::SignalsBlocked;
use crate::{machine::event::Request, signals};

/// The signals that the master hears.
pub(crate) struct Signals {
    delivery: SignalDelivery<UnixStream, SignalOnly>,
}

/// What was heard since the last time.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// What operators ask for.
    pub(crate) requests: Vec<Request>,
    /// Whether a child may have ended.
    pub(crate) child: bool,
}

impl Signals {
    /// Take the master's signals over from whoever handled them.
    pub(crate) fn hear() -> io::Result<Self> {
        let heard =
            || signals::table().iter().filter(|row| row.request.is_some() || row.signal == Signal::SIGCHLD);
        let _blocked = SignalsBlocked::new();
        for row in heard() {
            // The handler of the interpreter would be called as well, and would raise KeyboardInterrupt at the end.
            disposition(row.signal, SigHandler::SigDfl)?;
        }
        let (read, write) = UnixStream::pair()?;
        let numbers = heard().map(|row| row.signal as c_int);
        let delivery = SignalDelivery::with_pipe(read, write, SignalOnly, numbers)?;
        delivery.get_read().set_nonblocking(true)?;
        Ok(Self { delivery })
    }

    /// What was heard since the last time.
    pub(crate) fn pending(&mut self) -> Heard {
        let mut heard = Heard::default();
        for number in self.delivery.pending() {
            let row = signals::table().iter().find(|row| row.signal as c_int == number);
            match row.and_then(|row| row.request) {
                Some(request) => heard.requests.push(request),
                None => heard.child = true,
            }
        }
        heard
    }

    /// Wait for a signal, for one of `others` to have something to read, or for `deadline`.
    pub(crate) fn wait(&self, others: &[BorrowedFd<'_>], deadline: Option<Millis>) -> io::Result<()> {
        let signal = PollFd::new(self.delivery.get_read().as_fd(), PollFlags::POLLIN);
        let others = others.iter().map(|other| PollFd::new(*other, PollFlags::POLLIN));
        let mut waited: Vec<_> = [signal].into_iter().chain(others).collect();
        match poll(&mut waited, left(deadline)) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }
}

/// Time until `deadline`, a little more rather than less, as poll counts it.
fn left(deadline: Option<Millis>) -> PollTimeout {
    let Some(deadline) = deadline else { return PollTimeout::NONE };
    let left = i32::try_from(deadline.saturating_sub(now())).unwrap_or(i32::MAX);
    PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
}

/// Set how this process takes a signal, for a way that runs no code.
pub(crate) fn disposition(signal: Signal, handler: SigHandler) -> io::Result<()> {
    debug_assert!(matches!(handler, SigHandler::SigDfl | SigHandler::SigIgn));
    let action = SigAction::new(handler, SaFlags::SA_RESTART, SigSet::empty());
    // SAFETY: the default and ignoring run no code in this process.
    #[allow(unsafe_code, reason = "a handler may run between any two instructions")]
    unsafe { sigaction(signal, &action) }?;
    Ok(())
}
