//! What time says about the processes: who is silent for too long, who did not leave, and when the master itself was asleep
//! and so nobody's silence means anything.

use super::{
    Arbiter,
    crew::Side,
    event::{Action, Age, Millis, Pid, Signal, Why},
    notices::{Fate, Notice, Refusal},
    reload::Reload,
    worker::{Life, Verdict, Worker},
};

/// When the processes will be looked at again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    /// Not later than this.
    due: Millis,
    /// The shortest silence that would mean something.
    patience: Millis,
}

impl Look {
    /// Often enough to tell a silent worker from a suspended machine.
    pub(super) fn next(patience: Option<Millis>, now: Millis) -> Option<Self> {
        patience.map(|patience| Self { due: now.saturating_add((patience / 4).max(50)), patience })
    }

    pub(super) fn due(self) -> Millis {
        self.due
    }
}

impl Arbiter {
    pub(super) fn tick(&mut self, now: Millis) {
        self.forgive_after_suspension(now);
        let ages: Vec<_> = self.workers.keys().copied().collect();
        for age in ages {
            self.judge(age, now);
        }
        self.judge_reload(now);
        self.end_drain(now);
        self.give_up_waiting(now);
        self.look_again(now);
    }

    /// Set the next time to look at the processes.
    pub(super) fn look_again(&mut self, now: Millis) {
        // Between two tries of a reload there may be nobody whose silence counts, but its own time goes on.
        let reload = match &self.reload {
            Some(Reload::Booting(next)) => next.crew.limits.boot,
            Some(Reload::Waiting | Reload::Rereading(_)) | None => None,
        };
        let patience = self.workers.values().filter_map(Worker::patience).chain(reload).min();
        self.look = Look::next(patience, now);
    }

    /// After the master itself was asleep, the silence of the others says nothing: they get all of their time once more.
    fn forgive_after_suspension(&mut self, now: Millis) {
        let Some(look) = self.look else { return };
        let late = now.saturating_sub(look.due);
        if late <= look.patience / 2 {
            return;
        }
        for worker in self.workers.values_mut() {
            worker.forgive(now);
        }
        if let Some(Reload::Booting(next)) = &mut self.reload {
            next.allow_another_boot(now);
        }
        if late > look.patience {
            self.log(Notice::WokeLate { late });
        }
    }

    fn judge(&mut self, age: Age, now: Millis) {
        let Some(worker) = self.workers.get_mut(&age) else { return };
        let (life, generation) = (worker.life, worker.generation);
        match worker.verdict(now) {
            Some(Verdict::Abort) => {
                self.say_abort(age);
                if life == Life::Booting && self.side(generation) == Side::Next {
                    self.give_up(Refusal::Slow, now);
                }
            }
            Some(Verdict::Overdue { allowed }) => self.say_overdue(age, allowed),
            Some(Verdict::Kill) => self.kill(age, life, now),
            Some(Verdict::Unanswered { template }) => self.abort_template(template, now),
            Some(Verdict::Old) | None => {}
        }
    }

    fn say_abort(&mut self, age: Age) {
        let Some(pid) = self.pid(age) else { return };
        self.log(Notice::Worker(pid, Fate::Timeout));
        self.actions.push_back(Action::Explain(age, Why::Silent));
        self.actions.push_back(Action::Send(pid, Signal::Abort));
    }

    /// The stacks say what it has not finished.
    fn say_overdue(&mut self, age: Age, allowed: Millis) {
        let Some(pid) = self.pid(age) else { return };
        self.log(Notice::Worker(pid, Fate::StopOverdue { allowed }));
        self.actions.push_back(Action::Explain(age, Why::Overdue));
        self.actions.push_back(Action::Send(pid, Signal::Abort));
    }

    /// End what did not obey, `life` being where it was until now.
    fn kill(&mut self, age: Age, life: Life, now: Millis) {
        self.disown(age);
        let Some(worker) = self.workers.get(&age) else { return };
        let (pid, generation) = (worker.pid, worker.generation);
        if let Life::Aborted { since, dismissed: false, .. } = life {
            self.lost(generation, since, now);
        }
        if let Some(pid) = pid {
            self.actions.push_back(Action::Send(pid, Signal::Kill));
        }
    }

    fn pid(&self, age: Age) -> Option<Pid> {
        self.workers.get(&age).and_then(|worker| worker.pid)
    }

    /// A template that does not fork what it should is treated as any silent process.
    fn abort_template(&mut self, age: Age, now: Millis) {
        if let Some(template) = self.workers.get_mut(&age).filter(|template| template.serves()) {
            template.abort(now);
            self.say_abort(age);
        }
    }

    /// What this template was asked for and has not answered will not be counted on any more.
    pub(super) fn disown(&mut self, template: Age) {
        let owed = |worker: &&mut Worker| worker.from == Some(template) && worker.pid.is_none();
        self.workers.values_mut().filter(owed).for_each(|worker| worker.life = Life::Killed);
    }

    /// A reload that takes too long is given up; the first of the processes that it waits for shows where it is.
    fn judge_reload(&mut self, now: Millis) {
        let Some(Reload::Booting(next)) = &self.reload else { return };
        if next.deadline().is_none_or(|deadline| now < deadline) {
            return;
        }
        let generation = next.crew.generation;
        let boots = |worker: &Worker| worker.generation == generation && worker.life == Life::Booting;
        if let Some((age, worker)) =
            self.workers.iter_mut().find(|(_, worker)| worker.pid.is_some() && boots(worker))
        {
            worker.abort(now);
            let age = *age;
            self.say_abort(age);
        }
        self.give_up(Refusal::Slow, now);
    }
}
