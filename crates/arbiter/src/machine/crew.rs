//! Who fills the places: a crew is a generation that may spawn. There is the one that serves, and during a reload the next
//! one. What an earlier generation, or a reload that stopped half way, has left counts among those that serve.

use super::{
    Arbiter, MOST_WORKERS,
    backoff::Backoff,
    event::{Action, Age, Generation, Limits, Millis, Role, Signal, Spawn},
    reload::Reload,
    worker::Worker,
};

/// A generation that may spawn.
#[derive(Debug)]
pub(super) struct Crew {
    pub(super) generation: Generation,
    pub(super) limits: Limits,
    /// How many workers there should be; 0 while the workers of a daemon are stopped.
    pub(super) target: u32,
    pub(super) backoff: Backoff,
}

impl Crew {
    pub(super) fn new(generation: Generation, limits: Limits) -> Self {
        let target = limits.workers.clamp(1, MOST_WORKERS);
        Self { generation, limits, target, backoff: Backoff::new() }
    }
}

/// Which crew a process belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The one that serves.
    Serving,
    /// The one that a reload has begun.
    Next,
}

impl Arbiter {
    pub(super) fn side(&self, generation: Generation) -> Side {
        match &self.reload {
            Some(Reload::Booting(next)) if next.crew.generation == generation => Side::Next,
            Some(_) | None => Side::Serving,
        }
    }

    /// The crew of a side. A side that is named has one.
    pub(super) fn crew(&mut self, side: Side) -> &mut Crew {
        match (side, &mut self.reload) {
            (Side::Next, Some(Reload::Booting(next))) => &mut next.crew,
            _ => &mut self.serving,
        }
    }

    /// The workers of a side, oldest first.
    pub(super) fn members(&self, side: Side) -> impl Iterator<Item = (Age, &Worker)> {
        let of_side =
            move |worker: &Worker| worker.role == Role::Worker && self.side(worker.generation) == side;
        self.workers.iter().filter(move |(_, worker)| of_side(worker)).map(|(age, worker)| (*age, worker))
    }

    /// How many workers of a side serve.
    pub(super) fn ready(&self, side: Side) -> usize {
        self.members(side).filter(|(_, worker)| worker.serves()).count()
    }

    /// Another number of workers, for those that serve and for those that will.
    pub(super) fn resize(&mut self, change: impl Fn(u32) -> u32) {
        let old = self.serving.target;
        let new = change(old);
        self.serving.target = new;
        if let Some(Reload::Booting(next)) = &mut self.reload {
            next.crew.target = change(next.crew.target).max(1);
        }
        if new != old {
            self.actions.push_back(Action::Resized { new, old });
        }
    }

    /// Spawn and retire until every side has the workers that it should have.
    pub(super) fn balance(&mut self, now: Millis) {
        self.begin_reload();
        self.adopt_if_ready(now);
        let places = self.places();
        self.recycle(places, now);
        let serving = places + self.replacing();
        self.fill(Side::Serving, serving, now);
        self.time_step(now);
        if let Some(next) = self.places_of_next() {
            self.fill(Side::Next, next, now);
        }
    }

    fn fill(&mut self, side: Side, places: usize, now: Millis) {
        let alive = self.members(side).filter(|(_, worker)| worker.fills_a_place()).count();
        let crew = self.crew(side);
        let held = crew.backoff.held(now) as usize;
        let (generation, preload) = (crew.generation, crew.limits.preload);
        if alive > places {
            self.retire(side, alive - places, places, now);
        }
        let from = match preload.then(|| self.template(generation)) {
            None => None,
            Some(Some((age, template))) if template.serves() => Some(age),
            Some(Some(_)) => return,
            Some(None) => {
                if held == 0 && places > 0 {
                    self.spawn(side, Role::Template, None, now);
                }
                return;
            }
        };
        for _ in alive + held..places {
            self.spawn(side, Role::Worker, from, now);
        }
    }

    /// The template of a generation, if there is one to count on.
    fn template(&self, generation: Generation) -> Option<(Age, &Worker)> {
        let counts = |worker: &Worker| {
            worker.role == Role::Template && worker.generation == generation && worker.fills_a_place()
        };
        self.workers.iter().find(|(_, worker)| counts(worker)).map(|(age, worker)| (*age, worker))
    }

    fn spawn(&mut self, side: Side, role: Role, from: Option<Age>, now: Millis) {
        self.last_age += 1;
        let age = Age(self.last_age);
        let crew = self.crew(side);
        let spawn = Spawn { age, generation: crew.generation, role, from };
        let worker = Worker::new(&spawn, &crew.limits, now);
        self.workers.insert(age, worker);
        self.actions.push_back(Action::Spawn(spawn));
    }

    /// Tell the surplus to leave: who is worn, and then the oldest. One that serves waits until enough others do. While a
    /// reload boots their successors, who does not serve yet goes first: nobody needs it any more.
    fn retire(&mut self, side: Side, surplus: usize, places: usize, now: Millis) {
        let spare = self.ready(side).saturating_sub(places);
        let renewed = matches!(self.reload, Some(Reload::Booting(_)));
        let mut alive: Vec<_> = self
            .members(side)
            .filter(|(_, worker)| worker.fills_a_place())
            .map(|(age, worker)| (renewed && worker.serves(), worker.wear.is_none(), age, worker.serves()))
            .collect();
        alive.sort_unstable();
        let (serving, others): (Vec<_>, Vec<_>) =
            alive.into_iter().take(surplus).partition(|(.., serves)| *serves);
        for (_, _, age, _) in others.into_iter().chain(serving.into_iter().take(spare)) {
            self.dismiss_gracefully(age, now);
        }
    }

    /// Tell a process to finish what it does and leave.
    pub(super) fn dismiss_gracefully(&mut self, age: Age, now: Millis) {
        self.dismiss(age, Signal::Term, now + self.serving.limits.graceful, now);
    }

    /// Tell a process to leave until `deadline`.
    pub(super) fn dismiss(&mut self, age: Age, signal: Signal, deadline: Millis, now: Millis) {
        let Some(worker) = self.workers.get_mut(&age) else { return };
        if worker.dismiss(signal, deadline, now)
            && let Some(pid) = worker.pid
        {
            self.actions.push_back(Action::Send(pid, signal));
        }
    }
}
