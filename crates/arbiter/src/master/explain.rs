//! What the scoreboard says about a worker: for the machine in every turn, and for the people who will ask.

use std::ops::ControlFlow::{self, Continue};

use rgunicorn_scoreboard::{Millis, State, Wear, now};

use super::{End, Master};
use crate::{
    machine::{
        event::{Age, Event, Pid, Stage, Why},
        notices::{Fate, Notice},
    },
    os::process,
    run::log,
};

impl Master<'_> {
    /// Tell the machine what the scoreboard says about a worker.
    pub(super) fn look(&mut self, age: Age) -> ControlFlow<End> {
        self.meet(age);
        let Some(child) = self.children.get(&age) else { return Continue(()) };
        let stage = match child.slot.state() {
            State::Free | State::Booting => Stage::Booting,
            State::Ready => Stage::Ready,
            State::Stopping => Stage::Stopping,
        };
        let beat = child.slot.heartbeat();
        self.tell(Event::Seen(age, stage, beat))
    }

    /// Log what a worker is, or was, busy with.
    pub(super) fn explain(&self, age: Age, why: Why) {
        let Some(child) = self.children.get(&age) else { return };
        let slot = &child.slot;
        let pid = Pid(slot.pid());
        let since = |began: Millis| now().saturating_sub(began);
        if why == Why::Silent && slot.state() == State::Booting {
            return log(&Notice::Worker(pid, Fate::HungAtBoot { since: since(slot.heartbeat()) }));
        }
        let calls = slot.calls.unfinished();
        // A request that was given up is none any more, but may be what holds the worker.
        let held = calls.is_empty() && slot.wear() == Some(Wear::Stuck);
        let fate = match why {
            Why::Silent if process::is_stopped(pid) => Some(Fate::Suspended),
            Why::Silent | Why::Overdue if held => Some(Fate::Held),
            Why::Silent if calls.is_empty() => Some(Fate::HungIdle),
            Why::Overdue if calls.is_empty() && slot.state() != State::Booting => Some(Fate::Lingers),
            Why::Silent | Why::Overdue | Why::Died => None,
        };
        if let Some(fate) = fate {
            log(&Notice::Worker(pid, fate));
        }
        for (began, line) in calls {
            let since = since(began);
            let fate = match why {
                Why::Silent | Why::Overdue => Fate::Unfinished { line, since },
                Why::Died => Fate::DiedWorking { line, since },
            };
            log(&Notice::Worker(pid, fate));
        }
    }
}
