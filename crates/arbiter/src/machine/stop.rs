//! The way out: graceful or quick, bounded in time, with the status that the master ends with.

use super::{
    Arbiter, Phase,
    event::{Action, Exit, Millis, Request, Signal},
    notices::{Ending, Notice, Refusal},
    worker::BOOTING,
};
use crate::statuses::{APP_FAILED, BOOT_FAILED, DONE};

/// A quick stop lasts no longer.
const QUICK: Millis = 2_000;
/// SIGABRT and SIGKILL have been sent and have taken effect within this time, or the kernel is stuck.
const KILL_GRACE: Millis = 900;

/// Why the master ends by itself: gunicorn's words and exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// A worker ended at boot.
    Boot,
    /// The application was not found.
    App,
}

impl Failure {
    /// What an exit status at boot means.
    pub(super) fn from_code(code: i32) -> Option<Self> {
        match u8::try_from(code).ok()? {
            BOOT_FAILED => Some(Self::Boot),
            APP_FAILED => Some(Self::App),
            _ => None,
        }
    }

    /// What the end of a process at boot means. One that a signal ended may do better next time.
    pub(super) fn from_exit(exit: &Exit) -> Option<Self> {
        match exit {
            Exit::Code(code) => Self::from_code(*code),
            Exit::Signal(_) => None,
        }
    }

    fn status(self) -> u8 {
        match self {
            Self::Boot => BOOT_FAILED,
            Self::App => APP_FAILED,
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::Boot => "Worker failed to boot.",
            Self::App => "App failed to load.",
        }
    }
}

/// How the workers are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Graceful,
    Quick,
}

/// A stop under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stop {
    manner: Manner,
    /// When the last worker is killed.
    deadline: Millis,
    failure: Option<Failure>,
}

impl Stop {
    pub(super) fn graceful(now: Millis, graceful: Millis) -> Self {
        Self { manner: Manner::Graceful, deadline: now + graceful, failure: None }
    }

    pub(super) fn quick(now: Millis, graceful: Millis) -> Self {
        Self { manner: Manner::Quick, deadline: now + graceful.min(QUICK), failure: None }
    }

    fn failed(now: Millis, graceful: Millis, failure: Failure) -> Self {
        Self { manner: Manner::Quick, deadline: now + graceful.min(BOOTING), failure: Some(failure) }
    }

    /// What the workers are sent.
    pub(super) fn signal(&self) -> Signal {
        match self.manner {
            Manner::Graceful => Signal::Term,
            Manner::Quick => Signal::Quit,
        }
    }

    /// When the master leaves whatever the kernel says.
    pub(super) fn give_up(&self) -> Millis {
        self.deadline + KILL_GRACE
    }

    /// Whether the server ends because it could not boot.
    pub(super) fn is_boot_failure(&self) -> bool {
        self.failure.is_some()
    }
}

impl Arbiter {
    /// End because the first workers cannot boot.
    pub(super) fn fail(&mut self, failure: Failure, now: Millis) {
        self.stop(Stop::failed(now, self.serving.limits.graceful, failure), now);
    }

    /// TERM: those who should send their requests elsewhere may first be given time to notice. A second one does not wait.
    pub(super) fn stop_after_drain(&mut self, now: Millis) {
        let limits = self.serving.limits;
        if limits.drain == 0 || !matches!(self.phase, Phase::Running) {
            return self.stop(Stop::graceful(now, limits.graceful), now);
        }
        self.give_up(Refusal::Asked { request: Request::Term }, now);
        self.phase = Phase::Draining { until: now.saturating_add(limits.drain) };
        self.log(Notice::Draining { delay: limits.drain });
        self.actions.push_back(Action::Drain);
    }

    pub(super) fn end_drain(&mut self, now: Millis) {
        if matches!(self.phase, Phase::Draining { until } if now >= until) {
            self.stop(Stop::graceful(now, self.serving.limits.graceful), now);
        }
    }

    /// Begin to stop, or stop faster.
    pub(super) fn stop(&mut self, stop: Stop, now: Millis) {
        if !matches!(self.phase, Phase::Stopping(_)) {
            self.actions.push_back(Action::CloseListeners);
        }
        self.phase = Phase::Stopping(stop);
        self.serving.backoff.retire();
        self.reload = None;
        for age in self.workers.keys().copied().collect::<Vec<_>>() {
            self.dismiss(age, stop.signal(), stop.deadline, now);
        }
    }

    pub(super) fn asked_while_stopping(&mut self, request: Request, stop: Stop, now: Millis) {
        match request {
            Request::Int | Request::Quit if stop.manner == Manner::Graceful => {
                self.log(Notice::QuickShutdown);
                let quick = Stop::quick(now, self.serving.limits.graceful);
                self.stop(Stop { deadline: quick.deadline.min(stop.deadline), ..quick }, now);
            }
            Request::Usr1 => {
                self.log(Notice::HandlingSignal { request });
                self.reopen_logs();
            }
            Request::Int
            | Request::Quit
            | Request::Term
            | Request::Hup
            | Request::Ttin
            | Request::Ttou
            | Request::Usr2
            | Request::Winch => self.log(Notice::AlreadyStopping { request }),
        }
    }

    /// Wait no longer for the kernel: said after everything that ended was told.
    pub(super) fn give_up_waiting(&mut self, now: Millis) {
        if matches!(self.phase, Phase::Stopping(stop) if now >= stop.give_up()) && !self.workers.is_empty() {
            let workers = self.workers.values().filter(|worker| worker.pid.is_some()).count();
            self.log(Notice::LeftBehind { workers });
            self.workers.clear();
        }
    }

    /// End when nobody is waited for any more.
    pub(super) fn end_if_alone(&mut self) {
        let Phase::Stopping(stop) = self.phase else { return };
        if !self.workers.is_empty() {
            return;
        }
        let ending = if stop.failure.is_some() { Ending::Failed } else { Ending::Asked };
        let master = self.name();
        self.log(Notice::ShuttingDown { master, ending });
        if let Some(failure) = stop.failure {
            self.log(Notice::Reason { text: failure.reason() });
        }
        self.actions.push_back(Action::Exit(stop.failure.map_or(DONE, Failure::status)));
        self.phase = Phase::Ended;
    }
}
