//! What the master decides, without a system call, a clock or a log: events go in ([`Arbiter::handle`], with the time),
//! actions come out ([`Arbiter::poll_action`]), and [`Arbiter::next_deadline`] says when to come back at the latest.
//!
//! The caller performs the actions in order before it hands in the next event. Invariant: a signal is only ever sent
//! to a pid that was forked and not reaped, because the kernel may have given a reaped one to somebody else.

mod backoff;
mod crew;
pub mod event;
mod fates;
pub mod notices;
mod reaping;
mod recycling;
mod reload;
mod remarks;
mod renewals;
#[cfg(test)]
mod sim;
mod stop;
#[cfg(test)]
mod tests;
mod upgrade;
mod watch;
mod worker;

use std::collections::{BTreeMap, VecDeque};

use rgunicorn_settings::WorkerCount;

use self::{
    crew::{Crew, Side},
    event::{Action, Age, Event, Generation, Limits, Millis, Pid, Request, Role, Signal, Stage},
    notices::{Notice, Refusal},
    reload::Reload,
    stop::Stop,
    upgrade::Kin,
    watch::Look,
    worker::{Life, Worker},
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
    /// The same, and a graceful stop follows.
    Draining {
        /// When it follows.
        until: Millis,
    },
    /// Workers are told to leave.
    Stopping(Stop),
    /// The last action is out.
    Ended,
}

/// The machine.
#[derive(Debug)]
pub struct Arbiter {
    clock: Millis,
    phase: Phase,
    serving: Crew,
    reload: Option<Reload>,
    last_generation: Generation,
    workers: BTreeMap<Age, Worker>,
    last_age: u32,
    kin: Kin,
    announced: bool,
    look: Option<Look>,
    actions: VecDeque<Action>,
}

impl Arbiter {
    /// A server that begins now: its first actions are the spawns.
    #[must_use]
    pub fn new(limits: Limits, now: Millis) -> Self {
        let mut arbiter = Self {
            clock: now,
            phase: Phase::Booting,
            serving: Crew::new(Generation(0), limits),
            reload: None,
            last_generation: Generation(0),
            workers: BTreeMap::new(),
            last_age: 0,
            kin: Kin::Alone,
            announced: false,
            look: None,
            actions: VecDeque::new(),
        };
        arbiter.balance(now);
        arbiter.look_again(now);
        arbiter
    }

    /// The same for a server that an older master has started by an upgrade, and that is the second until
    /// [`Event::ParentGone`].
    #[must_use]
    pub fn successor(limits: Limits, now: Millis) -> Self {
        Self { kin: Kin::Parent, ..Self::new(limits, now) }
    }

    /// Take in what happened at `now`. A clock that goes back is not believed.
    pub fn handle(&mut self, event: Event, now: Millis) {
        if matches!(self.phase, Phase::Ended) {
            return;
        }
        self.clock = self.clock.max(now);
        let now = self.clock;
        match event {
            Event::Forked(age, pid) => self.forked(age, pid, now),
            Event::ForkFailed(age, reason) => self.fork_failed(age, reason, now),
            Event::Seen(age, stage, beat) => {
                if !self.seen(age, stage, beat.min(now), now) {
                    return;
                }
            }
            Event::Exited(pid, exit) => self.exited(pid, exit, now),
            Event::Asked(request) => self.asked(request, now),
            Event::Reread(generation, answer) => self.reread(generation, answer, now),
            Event::Worn(age, wear) => self.worn(age, wear),
            Event::UpgradeForked(pid) => self.upgrade_forked(pid),
            Event::UpgradeFailed(reason) => self.upgrade_failed(reason),
            Event::ParentGone => self.parent_gone(),
            Event::FilesChanged(file) => self.files_changed(file, now),
            Event::Tick => self.tick(now),
        }
        match self.phase {
            Phase::Booting | Phase::Running | Phase::Draining { .. } => {
                self.balance(now);
                self.announce();
            }
            Phase::Stopping(_) => self.end_if_alone(),
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
        let phase = match &self.phase {
            Phase::Stopping(stop) => Some(stop.give_up()),
            Phase::Draining { until } => Some(*until),
            Phase::Ended => return None,
            Phase::Booting | Phase::Running => None,
        };
        let (reload, retry) = match &self.reload {
            Some(Reload::Booting(next)) => (next.deadline(), next.crew.backoff.deadline()),
            Some(Reload::Waiting | Reload::Rereading(_)) | None => (None, None),
        };
        let workers = self.workers.values().filter_map(Worker::deadline).min();
        let look = self.look.map(Look::due);
        [workers, phase, reload, retry, self.serving.backoff.deadline(), look].into_iter().flatten().min()
    }

    fn forked(&mut self, age: Age, pid: Pid, now: Millis) {
        let Some(worker) = self.workers.get_mut(&age) else { return };
        worker.forked(pid, now);
        // It may have been told to leave before it was there to hear it.
        match worker.life {
            Life::Stopping { .. } => {
                let signal =
                    if let Phase::Stopping(stop) = self.phase { stop.signal() } else { Signal::Term };
                self.actions.push_back(Action::Send(pid, signal));
            }
            Life::Killed => self.actions.push_back(Action::Send(pid, Signal::Kill)),
            Life::Booting | Life::Serving { .. } | Life::Aborted { .. } => {}
        }
    }

    fn fork_failed(&mut self, age: Age, reason: String, now: Millis) {
        let Some(worker) = self.workers.remove(&age) else { return };
        if worker.life != Life::Booting {
            return;
        }
        let side = self.side(worker.generation);
        let crew = self.crew(side);
        let wait = crew.backoff.failed(now);
        if side == Side::Next && crew.backoff.gives_up() {
            self.give_up(Refusal::Fork { reason }, now);
        } else if let Some(wait) = wait {
            self.log(Notice::ForkFailed { reason, wait });
        }
    }

    /// Take in what the scoreboard says; true if it is more than a sign of life.
    fn seen(&mut self, age: Age, stage: Stage, beat: Millis, now: Millis) -> bool {
        let Some(worker) = self.workers.get_mut(&age) else { return false };
        if !worker.advance(stage, beat, now) {
            return false;
        }
        let (role, generation) = (worker.role, worker.generation);
        let side = self.side(generation);
        self.crew(side).backoff.succeeded();
        if side == Side::Next {
            self.next_advanced(role, now);
        }
        if matches!(self.phase, Phase::Booting) && role == Role::Worker {
            self.phase = Phase::Running;
        }
        true
    }

    fn asked(&mut self, request: Request, now: Millis) {
        if request == Request::Winch && !self.serving.limits.daemon {
            // A terminal that changes its size sends it as well.
            return;
        }
        match self.phase {
            Phase::Stopping(stop) => return self.asked_while_stopping(request, stop, now),
            Phase::Draining { .. } if matches!(request, Request::Hup | Request::Usr2 | Request::Winch) => {
                return self.log(Notice::AlreadyStopping { request });
            }
            Phase::Booting | Phase::Running | Phase::Draining { .. } | Phase::Ended => {}
        }
        self.log(Notice::HandlingSignal { request });
        match request {
            Request::Term => self.stop_after_drain(now),
            Request::Int | Request::Quit => self.stop(Stop::quick(now, self.serving.limits.graceful), now),
            Request::Ttin => self.resize(|target| MOST_WORKERS.min(target + 1)),
            Request::Ttou => self.resize(|target| if target > 1 { target - 1 } else { target }),
            Request::Usr1 => self.reopen_logs(),
            Request::Hup => self.hang_up(now),
            Request::Usr2 => self.upgrade(),
            Request::Winch => self.stop_workers(request, now),
        }
    }

    fn reopen_logs(&mut self) {
        self.actions.push_back(Action::ReopenLogs);
        let pids: Vec<_> = self.workers.values().filter_map(|worker| worker.pid).collect();
        self.actions.extend(pids.into_iter().map(|pid| Action::Send(pid, Signal::Usr1)));
    }

    /// Say once that all of the first workers are ready.
    fn announce(&mut self) {
        if !self.announced && self.ready(Side::Serving) >= self.serving.target.max(1) as usize {
            self.announced = true;
            self.actions.push_back(Action::AllReady);
        }
    }

    fn log(&mut self, notice: Notice) {
        self.actions.push_back(Action::Log(notice));
    }
}
