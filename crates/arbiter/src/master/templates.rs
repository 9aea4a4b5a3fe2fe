//! Workers that templates fork: orders go out, answers come in.
//!
//! A worker's slot says whether there is one: its pid is there before the worker can be a child of the master, and so
//! before it can be reaped. What a template answers only makes the master look.

use std::{io, os::fd::BorrowedFd};

use rgunicorn_scoreboard::now;

use super::{
    Master,
    spawn::{Child, Kind},
};
use crate::{
    machine::event::{Age, Event, Pid},
    os::{
        fork,
        template::{Answer, Order},
    },
};

impl Child {
    /// Whether it forks workers.
    pub(super) fn is_template(&self) -> bool {
        matches!(self.kind, Kind::Template(_))
    }

    /// Whether it is a worker that lives.
    pub(super) fn is_worker(&self) -> bool {
        matches!(self.kind, Kind::Worker)
    }

    /// Where a template's answers come from.
    pub(super) fn answers(&self) -> Option<BorrowedFd<'_>> {
        match &self.kind {
            Kind::Template(link) => link.descriptor(),
            Kind::Worker | Kind::Ordered => None,
        }
    }

    /// Tell a template that all workers are ready.
    pub(super) fn leave_terminal(&self) {
        if let Kind::Template(link) = &self.kind {
            link.leave_terminal();
        }
    }
}

impl Master<'_> {
    /// Have a worker forked by this template.
    pub(super) fn order(&mut self, age: Age, worker: Child, template: Age) {
        let order = Order { age, slot: worker.slot.index() };
        match self.children.get_mut(&template).map(|child| &mut child.kind) {
            Some(Kind::Template(link)) => {
                link.order(order);
                self.children.insert(age, worker);
            }
            Some(Kind::Worker | Kind::Ordered) | None => {
                worker.slot.release();
                self.fork_failed(age, "its template has gone".to_owned());
            }
        }
    }

    /// Read what the templates answer.
    pub(super) fn hear_templates(&mut self) {
        for child in self.children.keys().copied().collect::<Vec<_>>() {
            while let Some(Answer { age, outcome }) = self.answer_of(child) {
                self.meet(age);
                if let Err(errno) = outcome {
                    self.miss(age, &io::Error::from_raw_os_error(errno));
                }
            }
        }
    }

    fn answer_of(&mut self, template: Age) -> Option<Answer> {
        match &mut self.children.get_mut(&template)?.kind {
            Kind::Template(link) => link.answer(),
            Kind::Worker | Kind::Ordered => None,
        }
    }

    /// Tell the machine that a worker is there which was ordered, once it is.
    pub(super) fn meet(&mut self, age: Age) {
        let Some(child) = self.children.get_mut(&age) else { return };
        let pid = child.slot.pid();
        if matches!(child.kind, Kind::Ordered) && pid != 0 {
            child.kind = Kind::Worker;
            self.arbiter.handle(Event::Forked(age, Pid(pid)), now());
        }
    }

    /// A worker that was ordered and is not there will not come any more.
    fn miss(&mut self, age: Age, why: &io::Error) {
        if !self.children.get(&age).is_some_and(|child| matches!(child.kind, Kind::Ordered)) {
            return;
        }
        self.release(age);
        self.fork_failed(age, fork::refusal(why));
    }

    /// This child has ended. If it is a template, what it owes will not come.
    pub(super) fn settle_debts(&mut self, template: Age) {
        let Some(child) = self.children.get_mut(&template) else { return };
        let Kind::Template(link) = &mut child.kind else { return };
        for age in link.owed() {
            self.meet(age);
            self.miss(age, &io::Error::other("its template has died"));
        }
    }
}
