//! What the master decides, without a system call, a clock or a log: events go in ([`Arbiter::handle`], with the time),
//! actions come out ([`Arbiter::poll_action`]), and [`Arbiter::next_deadline`] says when to come back at the latest.
//!
//! The caller performs the actions in order before it hands in the next event. Invariant: a signal is only ever sent
//! to a pid that was forked and not reaped, because the kernel may have given a reaped one to somebody else.

mod backoff;
pub mod event;
mod fates;
pub mod notices;
mod reaping;
#[cfg(test)]
mod sim;
mod stop;
#[cfg(test)]
mod tests;
mod worker;

use std::collections::{BTreeMap, VecDeque};

use rgunicorn_settings::WorkerCount;

use self::{
    backoff::Backoff,
    event::{Action, Age, Event, Generation, Limits, Millis, Pid, Request, Role, Signal, Spawn, Stage, Why},
    notices::{Fate, Notice},
    stop::Stop,
    worker::{Life, Verdict, Worker},
};

/// More workers than this are a mistake.
const MOST_WORKERS: u32 = WorkerCount::MOST;

/// Where the server is in its life.
#[derive(Debug)]
enum Phase {
    /// No worker was ever ready, so a failure is reported instead of repaired.
    Booting,
    /// Workers are kept at their number.
    Running,
    /// Workers are told to leave.
    Stopping(Stop),
    /// The last action is out.
    Ended,
}

/// The machine.
#[derive(Debug)]
pub struct Arbiter {
    limits: Limits,
    target: u32,
    phase: Phase,
    workers: BTreeMap<Age, Worker>,
    last_age: u32,
    backoff: Backoff,
    announced: bool,
    ticked: Millis,
    actions: VecDeque<Action>,
}

impl Arbiter {
    /// A server that begins now: its first actions are the spawns.
    #[must_use]
    pub fn new(limits: Limits, now: Millis) -> Self {
        let mut arbiter = Self {
            limits,
            target: limits.workers.clamp(1, MOST_WORKERS),
            phase: Phase::Booting,
            workers: BTreeMap::new(),
            last_age: 0,
            backoff: Backoff::new(),
            announced: false,
            ticked: now,
            actions: VecDeque::new(),
        };
        arbiter.balance(now);
        arbiter
    }

    /// Take in what happened at `now`.
    pub fn handle(&mut self, event: Event, now: Millis) {
        if matches!(self.phase, Phase::Ended) {
            return;
        }
        match event {
            Event::Forked(age, pid) => self.forked(age, pid, now),
            Event::ForkFailed(age, reason) => self.fork_failed(age, reason, now),
            Event::Seen(age, stage, beat) => self.seen(age, stage, beat.min(now), now),
            Event::Exited(pid, exit) => self.exited(pid, exit, now),
            Event::Asked(request) => self.asked(request, now),
            Event::Tick => self.tick(now),
            Event::Reread(_)
            | Event::Worn(..)
            | Event::UpgradeForked(_)
            | Event::UpgradeFailed(_)
            | Event::ParentGone
            | Event::FilesChanged(_) => {}
        }
        match self.phase {
            Phase::Booting | Phase::Running => {
                self.balance(now);
                self.announce();
            }
            Phase::Stopping(_) => self.end_if_alone(now),
            Phase::Ended => {}
        }
    }

    /// The next thing to do.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When to hand in an [`Event::Tick`] at the latest.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Millis> {
        let workers = self.workers.values().filter_map(|worker| worker.deadline(self.limits.timeout)).min();
        let stop = match &self.phase {
            Phase::Stopping(stop) => Some(stop.give_up()),
            Phase::Ended => return None,
            Phase::Booting | Phase::Running => None,
        };
        let look = self.limits.timeout.map(|timeout| self.ticked + pace(timeout));
        [workers, stop, self.backoff.deadline(), look].into_iter().flatten().min()
    }

    #[cfg(test)]
    fn is_stopping(&self) -> bool {
        matches!(self.phase, Phase::Stopping(_))
    }

    fn forked(&mut self, age: Age, pid: Pid, now: Millis) {
        let Some(worker) = self.workers.get_mut(&age) else { return };
        worker.pid = Some(pid);
        worker.hear(now);
        if let Phase::Stopping(stop) = self.phase {
            self.dismiss(age, stop.signal(), stop.booting_deadline(now), now);
        }
    }

    fn fork_failed(&mut self, age: Age, reason: String, now: Millis) {
        if self.workers.remove(&age).is_none() || matches!(self.phase, Phase::Stopping(_)) {
            return;
        }
        if let Some(wait) = self.backoff.failed(now) {
            self.log(Notice::ForkFailed { reason, wait });
        }
    }

    fn seen(&mut self, age: Age, stage: Stage, beat: Millis, now: Millis) {
        let Some(worker) = self.workers.get_mut(&age) else { return };
        worker.hear(beat);
        if !worker.advance(stage, now) {
            return;
        }
        self.backoff.succeeded();
        if matches!(self.phase, Phase::Booting) {
            self.phase = Phase::Running;
        }
    }

    fn asked(&mut self, request: Request, now: Millis) {
        if let Phase::Stopping(stop) = self.phase {
            return self.asked_while_stopping(request, stop, now);
        }
        self.log(Notice::HandlingSignal { request });
        match request {
            Request::Term => self.stop(Stop::graceful(now, self.limits.graceful), now),
            Request::Int | Request::Quit => self.stop(Stop::quick(now, self.limits.graceful), now),
            Request::Ttin => self.target = MOST_WORKERS.min(self.target + 1),
            Request::Ttou => self.target = 1.max(self.target - 1),
            Request::Usr1 => self.reopen_logs(),
            Request::Hup => self.log(Notice::NotAvailable { request, what: "reload" }),
            Request::Usr2 => self.log(Notice::NotAvailable { request, what: "upgrade" }),
            Request::Winch => self.log(Notice::NotAvailable { request, what: "stopping only the workers" }),
        }
    }

    fn reopen_logs(&mut self) {
        self.actions.push_back(Action::ReopenLogs);
        let pids: Vec<_> = self.workers.values().filter_map(|worker| worker.pid).collect();
        self.actions.extend(pids.into_iter().map(|pid| Action::Send(pid, Signal::Usr1)));
    }

    fn tick(&mut self, now: Millis) {
        self.forgive_after_suspension(now);
        let ages: Vec<_> = self.workers.keys().copied().collect();
        for age in ages {
            self.judge(age, now);
        }
    }

    /// After the master itself was asleep, the silence of the others says nothing: they get one more timeout.
    fn forgive_after_suspension(&mut self, now: Millis) {
        let gap = now.saturating_sub(self.ticked);
        self.ticked = now;
        let Some(timeout) = self.limits.timeout else { return };
        if gap <= pace(timeout) + timeout / 2 {
            return;
        }
        for worker in self.workers.values_mut() {
            worker.hear(now);
        }
        if gap > timeout {
            self.log(Notice::WokeLate { late: gap });
        }
    }

    fn judge(&mut self, age: Age, now: Millis) {
        let Some(worker) = self.workers.get_mut(&age) else { return };
        let (life, ready_since) = (worker.life, worker.ready_since());
        let (Some(verdict), Some(pid)) = (worker.verdict(now, self.limits.timeout), worker.pid) else {
            return;
        };
        match verdict {
            Verdict::Abort => {
                self.log(Notice::Worker(pid, Fate::Timeout));
                self.actions.push_back(Action::Explain(age, Why::Silent));
                self.actions.push_back(Action::Send(pid, Signal::Abort));
            }
            Verdict::Kill { allowed } => {
                if matches!(life, Life::Aborted { .. }) {
                    self.lost(ready_since, now);
                } else {
                    self.log(Notice::Worker(pid, Fate::StopOverdue { allowed }));
                    self.actions.push_back(Action::Explain(age, Why::Overdue));
                }
                self.actions.push_back(Action::Send(pid, Signal::Kill));
            }
        }
    }

    /// Spawn or retire until the number of workers is the configured one.
    fn balance(&mut self, now: Millis) {
        let alive: Vec<_> =
            self.workers.iter().filter(|(_, worker)| worker.fills_a_place()).map(|(age, _)| *age).collect();
        let held = self.backoff.held(now) as usize;
        let target = self.target as usize;
        for _ in alive.len() + held..target {
            self.last_age += 1;
            let age = Age(self.last_age);
            self.workers.insert(age, Worker::new(now));
            let spawn = Spawn { age, generation: Generation(0), role: Role::Worker, from: None };
            self.actions.push_back(Action::Spawn(spawn));
        }
        let surplus = alive.len().saturating_sub(target);
        for age in alive.into_iter().take(surplus) {
            self.dismiss(age, Signal::Term, now + self.limits.graceful, now);
        }
    }

    /// Say once that all of the first workers are ready.
    fn announce(&mut self) {
        let serves = |worker: &&Worker| matches!(worker.life, Life::Serving { .. });
        if !self.announced && self.workers.values().filter(serves).count() >= self.target as usize {
            self.announced = true;
            self.actions.push_back(Action::AllReady);
        }
    }

    /// Tell one worker to leave until `deadline`.
    fn dismiss(&mut self, age: Age, signal: Signal, deadline: Millis, now: Millis) {
        let Some(worker) = self.workers.get_mut(&age) else { return };
        let Some(pid) = worker.pid else { return };
        if worker.dismiss(now, deadline) {
            self.actions.push_back(Action::Send(pid, signal));
        }
    }

    fn log(&mut self, notice: Notice) {
        self.actions.push_back(Action::Log(notice));
    }
}

/// How often the master looks at the scoreboard: often enough to tell a silent worker from a suspended machine.
fn pace(timeout: Millis) -> Millis {
    (timeout / 4).max(50)
}
