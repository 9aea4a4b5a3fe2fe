//! Which workers ask for a successor, and which need one without asking.

use std::ops::ControlFlow::{self, Continue};

use rgunicorn_scoreboard::{Millis, State, Wear as Asked, now};

use super::{End, Master};
use crate::{
    machine::event::{Age, Event, Pid, Wear},
    os::memory::resident,
};

/// Memory is looked at this often.
const PACE: Millis = 1_000;

impl Master<'_> {
    /// When to look at the memory of the workers again, if any generation limits it.
    pub(super) fn next_weighing(&self) -> Option<Millis> {
        let limited = self.generations.all().any(|it| it.settings.workers.max_worker_memory.0.is_some());
        limited.then_some(self.weighed + PACE)
    }

    /// Tell the machine of workers that have grown too big.
    pub(super) fn weigh(&mut self) -> ControlFlow<End> {
        if self.next_weighing().is_none_or(|due| now() < due) {
            return Continue(());
        }
        self.weighed = now();
        for (age, bytes) in self.too_big() {
            self.tell(Event::Worn(age, Wear::Memory(bytes)))?;
        }
        Continue(())
    }

    fn too_big(&self) -> Vec<(Age, u64)> {
        let too_big = |age: &Age| {
            let child = self.children.get(age)?;
            let settings = &self.generations.get(child.generation)?.settings;
            let limit = settings.workers.max_worker_memory.0?;
            let serves = child.is_worker() && child.slot.state() == State::Ready;
            let bytes = resident(Pid(child.slot.pid())).filter(|_| serves)?;
            (bytes > limit).then_some((*age, bytes))
        };
        self.children.keys().filter_map(too_big).collect()
    }

    /// Tell the machine if this worker asks for a successor.
    pub(super) fn ask(&mut self, age: Age) -> ControlFlow<End> {
        let wear = match self.children.get(&age).and_then(|child| child.slot.wear()) {
            None => return Continue(()),
            Some(Asked::Requests) => Wear::Requests,
            Some(Asked::Stuck) => Wear::Stuck,
        };
        self.tell(Event::Worn(age, wear))
    }
}
