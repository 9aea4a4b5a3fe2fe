//! What the death of a worker means: a stop that is done, a crash to be made good, or a boot that failed.

use super::{
    Arbiter, Phase,
    event::{Action, Exit, Millis, Pid, Why},
    notices::{Fate, Notice},
    stop::Failure,
    worker::{Life, Worker},
};

/// So many rounds of crashes at the very first start and the server gives up.
const FIRST_ROUNDS: u32 = 4;

impl Arbiter {
    pub(super) fn exited(&mut self, pid: Pid, exit: Exit, now: Millis) {
        let found = self.workers.iter().find(|(_, worker)| worker.pid == Some(pid)).map(|(age, _)| *age);
        let Some((age, worker)) = found.and_then(|age| self.workers.remove_entry(&age)) else {
            // An orphan that the kernel gave to us, or a child of the program that embeds the server.
            return;
        };
        self.report(pid, &exit, &worker);
        if matches!(worker.life, Life::Serving { .. }) {
            self.actions.push_back(Action::Explain(age, Why::Died));
        }
        self.actions.push_back(Action::Release(age));
        if matches!(self.phase, Phase::Stopping(_)) {
            return;
        }
        match worker.life {
            Life::Booting => self.died_at_boot(&exit, now),
            Life::Serving { .. } | Life::Aborted { .. } => self.lost(worker.ready_since(), now),
            Life::Stopping { .. } | Life::Killed => {}
        }
    }

    /// A worker that filled a place is gone (or as good as gone): fill it at once, later, or not at all.
    pub(super) fn lost(&mut self, ready_since: Option<Millis>, now: Millis) {
        if matches!(self.phase, Phase::Stopping(_)) {
            return;
        }
        match ready_since {
            None => self.boot_crashed(now),
            Some(since) => {
                if !self.backoff.forgives(now.saturating_sub(since), now)
                    && let Some(wait) = self.backoff.failed(now)
                {
                    self.log(Notice::DyingYoung { wait });
                }
            }
        }
    }

    fn died_at_boot(&mut self, exit: &Exit, now: Millis) {
        let failure = match exit {
            Exit::Code(code) => Failure::from_code(*code),
            Exit::Signal(_) => None,
        };
        match failure {
            Some(failure) if matches!(self.phase, Phase::Booting) => self.fail(failure, now),
            Some(_) | None => self.boot_crashed(now),
        }
    }

    fn boot_crashed(&mut self, now: Millis) {
        let Some(wait) = self.backoff.failed(now) else { return };
        if matches!(self.phase, Phase::Booting) && self.backoff.failures() >= FIRST_ROUNDS {
            self.fail(Failure::Boot, now);
        } else {
            self.log(Notice::BootRetry { wait });
        }
    }

    fn report(&mut self, pid: Pid, exit: &Exit, worker: &Worker) {
        let fate = match exit {
            Exit::Code(0) => match worker.life {
                Life::Booting => Fate::ExitedWithCode { code: 0 },
                Life::Serving { .. } => Fate::LeftUnasked,
                Life::Stopping { .. } | Life::Aborted { .. } | Life::Killed => return,
            },
            // When the first boot fails, every worker fails alike: once is enough.
            Exit::Code(code) if self.fails_alike(*code) => return,
            Exit::Code(code) => Fate::ExitedWithCode { code: *code },
            Exit::Signal(name) if name != "SIGKILL" => Fate::WasSent { signal: name.clone() },
            Exit::Signal(_) if worker.life == Life::Killed => Fate::WasKilled,
            Exit::Signal(_) => Fate::PerhapsOutOfMemory,
        };
        self.log(Notice::Worker(pid, fate));
    }

    fn fails_alike(&self, code: i32) -> bool {
        match self.phase {
            Phase::Stopping(stop) => stop.is_boot_failure() && Failure::from_code(code).is_some(),
            Phase::Booting | Phase::Running | Phase::Ended => false,
        }
    }
}
