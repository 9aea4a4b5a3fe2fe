//! The life of a reload: read again, boot beside those that serve, take over or be given up. Nothing that serves is touched
//! before what replaces it is ready.

use std::mem;

use super::{
    Arbiter, Phase,
    crew::{Crew, Side},
    event::{Action, Age, Exit, Generation, Limits, Millis, Request, Role, Signal},
    notices::{Notice, Refusal, Renewal},
    stop::Failure,
    worker::{Life, Worker},
};

/// How long workers may go on with requests after a change of their code (`reload`): longer than connections are kept for a
/// last request, and not longer than a person likes to wait.
const HURRY: Millis = 2_000;

/// A reload under way.
#[derive(Debug)]
pub(super) enum Reload {
    /// What the last one has booted has to leave first, so that reload upon reload does not fill the machine.
    Waiting,
    /// The configuration of this generation is being read.
    Rereading(Generation),
    /// Its workers boot beside the others.
    Booting(Box<Next>),
}

/// The generation that will serve.
#[derive(Debug)]
pub(super) struct Next {
    pub(super) crew: Crew,
    /// When patience ends with what boots now.
    deadline: Option<Millis>,
    /// Whether the next step had to wait for somebody who leaves.
    waited: bool,
}

impl Next {
    fn new(generation: Generation, limits: Limits, now: Millis) -> Self {
        let mut next = Self { crew: Crew::new(generation, limits), deadline: None, waited: false };
        next.allow_another_boot(now);
        next
    }

    pub(super) fn deadline(&self) -> Option<Millis> {
        self.deadline
    }

    /// A step is done, or time did not count: the next boot gets all of its time.
    pub(super) fn allow_another_boot(&mut self, now: Millis) {
        self.deadline = self.crew.limits.boot.map(|boot| now.saturating_add(boot));
    }
}

impl Arbiter {
    /// HUP: everything is read again, the log files are opened again, new workers take over.
    pub(super) fn hang_up(&mut self, now: Millis) {
        self.renewal(Renewal::HangUp { master: self.name() });
        self.reopen_logs();
        self.reload(now);
    }

    /// Code was changed (`--reload`).
    pub(super) fn files_changed(&mut self, file: String, now: Millis) {
        if matches!(self.phase, Phase::Booting | Phase::Running) {
            self.renewal(Renewal::FilesChanged { file });
            self.reload(now);
        }
    }

    fn reload(&mut self, now: Millis) {
        if self.reload.is_some() {
            self.give_up(Refusal::Again, now);
        }
        self.reload = Some(Reload::Waiting);
    }

    /// Begin the reload that waits, if nothing is in its way: who booted for an earlier one is given a moment to leave.
    pub(super) fn begin_reload(&mut self) {
        let serving = self.serving.generation;
        let leaves =
            |worker: &Worker| worker.generation > serving && !worker.booted && worker.life != Life::Killed;
        if !matches!(self.reload, Some(Reload::Waiting)) || self.workers.values().any(leaves) {
            return;
        }
        self.last_generation = Generation(self.last_generation.0 + 1);
        self.reload = Some(Reload::Rereading(self.last_generation));
        self.actions.push_back(Action::Reread(self.last_generation));
    }

    pub(super) fn reread(&mut self, generation: Generation, answer: Result<Limits, String>, now: Millis) {
        if !matches!(self.reload, Some(Reload::Rereading(expected)) if expected == generation) {
            // Given up while it was read.
            return self.actions.push_back(Action::Discard(generation));
        }
        match answer {
            Ok(limits) => {
                self.reload = Some(Reload::Booting(Box::new(Next::new(generation, limits, now))));
            }
            Err(reason) => {
                self.reload = None;
                self.actions.push_back(Action::Discard(generation));
                self.renewal(Renewal::Failed { why: Refusal::Config { reason } });
            }
        }
    }

    /// A process of the next generation has become ready.
    pub(super) fn next_advanced(&mut self, role: Role, now: Millis) {
        if let Some(Reload::Booting(next)) = &mut self.reload
            && (role == Role::Template || next.crew.limits.rolling)
        {
            next.allow_another_boot(now);
        }
    }

    /// How many places those that serve have to fill.
    pub(super) fn places(&self) -> usize {
        let target = self.serving.target as usize;
        match &self.reload {
            Some(Reload::Booting(next)) if next.crew.limits.rolling => {
                target.saturating_sub(self.ready(Side::Next))
            }
            Some(_) | None => target,
        }
    }

    /// How many the next generation has to fill: all, or one more than are ready once whoever was told to leave has left.
    pub(super) fn places_of_next(&self) -> Option<usize> {
        let Some(Reload::Booting(next)) = &self.reload else { return None };
        let target = next.crew.target as usize;
        if !next.crew.limits.rolling {
            return Some(target);
        }
        let step = usize::from(!self.step_waits());
        Some(target.min(self.ready(Side::Next) + step))
    }

    /// Whether the next step of a rolling reload has to wait until somebody has left, who still occupies memory.
    fn step_waits(&self) -> bool {
        let leaves = |worker: &Worker| match worker.life {
            Life::Stopping { .. } | Life::Aborted { dismissed: true, .. } => worker.role == Role::Worker,
            Life::Booting | Life::Serving { .. } | Life::Aborted { .. } | Life::Killed => false,
        };
        let begun = self.members(Side::Next).any(|(_, worker)| worker.fills_a_place() && !worker.serves());
        !begun && self.workers.values().any(|worker| worker.pid.is_some() && leaves(worker))
    }

    /// The time of a step begins when nothing is in its way any more.
    pub(super) fn time_step(&mut self, now: Millis) {
        let waits = self.step_waits();
        if let Some(Reload::Booting(next)) = &mut self.reload
            && next.crew.limits.rolling
        {
            if waits || next.waited {
                next.allow_another_boot(now);
            }
            next.waited = waits;
        }
    }

    /// The next generation takes over once all of it is ready.
    pub(super) fn adopt_if_ready(&mut self, now: Millis) {
        let Some(Reload::Booting(next)) = &self.reload else { return };
        let workers = next.crew.target;
        if self.ready(Side::Next) < workers as usize {
            return;
        }
        let Some(Reload::Booting(next)) = self.reload.take() else { return };
        let old = mem::replace(&mut self.serving, next.crew);
        // The master lets go of a socket first: whoever closes it last empties its queue.
        self.actions.push_back(Action::Adopt(self.serving.generation));
        self.actions.push_back(Action::Resized { new: self.serving.target, old: old.target });
        let mut allowed = old.limits.graceful;
        if self.serving.limits.waits_for_changes {
            // Requests that are short are finished; nobody waits long to see what they have changed.
            allowed = allowed.min(HURRY);
        }
        let generation = self.serving.generation;
        for age in self.staff(|worker| worker.generation != generation) {
            self.dismiss(age, Signal::Term, now + allowed, now);
        }
        self.renewal(Renewal::Done { workers });
    }

    /// The chosen among the workers and templates that were not told to leave yet.
    fn staff(&self, chosen: impl Fn(&Worker) -> bool) -> Vec<Age> {
        let found = self.workers.iter().filter(|(_, worker)| worker.fills_a_place() && chosen(worker));
        found.map(|(age, _)| *age).collect()
    }

    /// The next generation will not serve. What of it already does, finishes; in the middle of a rolling reload, it stays.
    pub(super) fn give_up(&mut self, why: Refusal, now: Millis) {
        let next = match self.reload.take() {
            Some(Reload::Booting(next)) => next,
            Some(Reload::Waiting | Reload::Rereading(_)) => return self.renewal(Renewal::Failed { why }),
            None => return,
        };
        let (generation, rolling) = (next.crew.generation, next.crew.limits.rolling);
        let serves = |worker: &Worker| worker.role == Role::Worker && worker.serves();
        let staff = self.staff(|worker| worker.generation == generation);
        let stays = |age: &Age| rolling && self.workers.get(age).is_some_and(serves);
        let (stay, leave): (Vec<_>, Vec<_>) = staff.into_iter().partition(stays);
        for age in leave {
            // Not quickly: it may have become ready a moment ago, and have got a request.
            self.dismiss(age, Signal::Term, now + next.crew.limits.graceful, now);
        }
        let stay = stay.len();
        self.actions.push_back(Action::Discard(generation));
        if stay == 0 {
            return self.renewal(Renewal::Failed { why });
        }
        let old = self.ready(Side::Serving) - stay;
        self.renewal(Renewal::Stopped { why, new: stay, old });
    }

    /// A process of the next generation died, or was killed, before it was ready.
    pub(super) fn next_failed(&mut self, exit: Option<&Exit>, now: Millis) {
        let why = Refusal::boot(exit);
        let crew = self.crew(Side::Next);
        if exit.and_then(Failure::from_exit).is_some() || crew.limits.waits_for_changes {
            return self.give_up(why, now);
        }
        let wait = crew.backoff.failed(now);
        if crew.backoff.gives_up() {
            self.give_up(why, now);
        } else if let Some(wait) = wait {
            self.log(Notice::BootRetry { wait });
        }
    }

    /// The workers of a daemon are stopped; HUP brings them back.
    pub(super) fn stop_workers(&mut self, request: Request, now: Millis) {
        if self.reload.is_some() {
            self.give_up(Refusal::Asked { request }, now);
        }
        self.renewal(Renewal::WorkersStop);
        self.resize(|_| 0);
        for age in self.staff(|_| true) {
            self.dismiss_gracefully(age, now);
        }
    }
}
