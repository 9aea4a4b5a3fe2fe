//! What the death of a process means: a stop that is done, a crash to be made good, or a boot that failed.

use super::{
    Arbiter, Phase,
    crew::Side,
    event::{Action, Exit, Generation, Millis, Pid, Role, Why},
    notices::{Fate, Notice, Renewal},
    stop::Failure,
    worker::{Life, Worker},
};

impl Arbiter {
    pub(super) fn exited(&mut self, pid: Pid, exit: Exit, now: Millis) {
        let found = self.workers.iter().find(|(_, worker)| worker.pid == Some(pid)).map(|(age, _)| *age);
        let Some((age, worker)) = found.and_then(|age| self.workers.remove_entry(&age)) else {
            // Or an orphan that the kernel gave to us, or a child of the program that embeds the server.
            return self.upgrade_exited(pid, exit);
        };
        self.report(pid, &exit, &worker);
        match worker.role {
            Role::Worker if worker.serves() => self.actions.push_back(Action::Explain(age, Why::Died)),
            Role::Template => self.disown(age),
            Role::Worker => {}
        }
        self.actions.push_back(Action::Release(age));
        if matches!(self.phase, Phase::Stopping(_)) {
            return;
        }
        match worker.life {
            Life::Booting => self.failed_to_boot(worker.generation, Some(&exit), now),
            Life::Serving { .. } | Life::Aborted { dismissed: false, .. } => {
                self.lost(worker.generation, worker.ready_since(), now);
            }
            Life::Stopping { .. } | Life::Aborted { .. } | Life::Killed => {}
        }
    }

    /// A process that filled a place is gone (or as good as gone): fill it at once, later, or not at all.
    pub(super) fn lost(&mut self, generation: Generation, ready_since: Option<Millis>, now: Millis) {
        if matches!(self.phase, Phase::Stopping(_)) {
            return;
        }
        let Some(since) = ready_since else { return self.failed_to_boot(generation, None, now) };
        let side = self.side(generation);
        let backoff = &mut self.crew(side).backoff;
        if !backoff.forgives(now.saturating_sub(since), now)
            && let Some(wait) = backoff.failed(now)
        {
            self.log(Notice::DyingYoung { wait });
        }
    }

    /// A process was gone before it was ready; without an exit status it is killed because it hung.
    fn failed_to_boot(&mut self, generation: Generation, exit: Option<&Exit>, now: Millis) {
        if self.side(generation) == Side::Next {
            return self.next_failed(exit, now);
        }
        let backoff = &mut self.serving.backoff;
        if self.serving.limits.waits_for_changes {
            if backoff.failed_for_good() {
                self.renewal(Renewal::WaitsForChange);
            }
            return;
        }
        let first = matches!(self.phase, Phase::Booting);
        if first && let Some(failure) = exit.and_then(Failure::from_exit) {
            return self.fail(failure, now);
        }
        let Some(wait) = backoff.failed(now) else { return };
        if first && backoff.gives_up() {
            self.fail(Failure::Boot, now);
        } else {
            self.log(Notice::BootRetry { wait });
        }
    }

    fn report(&mut self, pid: Pid, exit: &Exit, worker: &Worker) {
        let boots = worker.life == Life::Booting;
        if boots && self.side(worker.generation) == Side::Next && Failure::from_exit(exit).is_some() {
            // The line about the reload says it.
            return;
        }
        if !worker.booted && matches!(worker.life, Life::Stopping { .. } | Life::Killed) {
            // It was told to leave before it was ready: however it did, nothing is lost.
            return;
        }
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
            Phase::Booting | Phase::Running | Phase::Draining { .. } | Phase::Ended => false,
        }
    }
}
