//! What the machine has promised: the book that a simulated world keeps of its decisions, apart from what it believes.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    super::event::{Action, Age, Generation, Limits, Millis, Role, Spawn},
    chance::Code,
};

/// A reload that neither serves nor is given up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pending {
    pub(super) generation: Generation,
    /// Its limits, once they are read.
    pub(super) limits: Option<Limits>,
    pub(super) target: u32,
    /// The last time that something allows it another boot.
    pub(super) stepped: Millis,
}

/// What other masters there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kin {
    Alone,
    Parent,
    Child,
}

/// What was decided.
pub(super) struct Book {
    pub(super) codes: BTreeMap<Generation, Code>,
    pub(super) limits: BTreeMap<Generation, Limits>,
    pub(super) serving: Generation,
    /// What served before it.
    pub(super) before: Generation,
    pub(super) target: u32,
    pub(super) pending: Option<Pending>,
    /// Since when a reload waits until others have left.
    pub(super) waiting: Option<Millis>,
    /// Given up while they were read.
    stale: BTreeSet<Generation>,
    pub(super) over: BTreeSet<Generation>,
    pub(super) released: BTreeSet<Age>,
    pub(super) kin: Kin,
    pub(super) announced: bool,
    pub(super) draining: bool,
    pub(super) stopping: bool,
    pub(super) ended: Option<u8>,
    pub(super) last_age: u32,
}

impl Book {
    pub(super) fn new(limits: Limits, code: Code, kin: Kin) -> Self {
        let first = Generation(0);
        Self {
            codes: BTreeMap::from([(first, code)]),
            limits: BTreeMap::from([(first, limits)]),
            serving: first,
            before: first,
            target: limits.workers,
            pending: None,
            waiting: None,
            stale: BTreeSet::new(),
            over: BTreeSet::new(),
            released: BTreeSet::new(),
            kin,
            announced: false,
            draining: false,
            stopping: false,
            ended: None,
            last_age: 0,
        }
    }

    pub(super) fn serving_limits(&self) -> Limits {
        self.limits[&self.serving]
    }

    pub(super) fn is_pending(&self, generation: Generation) -> bool {
        self.pending.is_some_and(|pending| pending.generation == generation)
    }

    /// A spawn belongs to a generation that may have workers, and to a template of that generation if it has one.
    pub(super) fn spawned(&mut self, spawn: &Spawn) {
        assert!(!self.stopping, "{spawn:?} during a stop");
        assert!(spawn.age.0 > self.last_age, "{spawn:?}: ages are used once");
        self.last_age = spawn.age.0;
        let generation = spawn.generation;
        assert!(
            generation == self.serving || self.is_pending(generation),
            "{spawn:?} of a generation that is over"
        );
        let preload = self.limits[&generation].preload;
        assert_eq!(spawn.from.is_some(), preload && spawn.role == Role::Worker, "{spawn:?}");
        assert!(preload || spawn.role == Role::Worker, "{spawn:?} without preload");
    }

    /// A reload begins.
    pub(super) fn reread(&mut self, generation: Generation, now: Millis) {
        assert!(!self.stopping && !self.draining);
        self.waiting = None;
        assert!(generation > self.serving && !self.over.contains(&generation), "numbers are used once");
        let pending = Pending { generation, limits: None, target: 0, stepped: now };
        if let Some(old) = self.pending.replace(pending) {
            assert!(old.limits.is_none(), "two reloads at once");
            self.stale.insert(old.generation);
        }
    }

    /// Its configuration is read.
    pub(super) fn read(&mut self, generation: Generation, limits: Limits, now: Millis) {
        self.limits.insert(generation, limits);
        if self.is_pending(generation) {
            let (limits, target) = (Some(limits), limits.workers);
            self.pending = Some(Pending { generation, limits, target, stepped: now });
        }
    }

    /// A process is ready: the next one of a rolling reload, or those of a template, have all their time.
    pub(super) fn stepped(&mut self, spawn: &Spawn, now: Millis) {
        if let Some(pending) = &mut self.pending
            && pending.generation == spawn.generation
            && (spawn.role == Role::Template || pending.limits.is_some_and(|limits| limits.rolling))
        {
            pending.stepped = now;
        }
    }

    /// The reload ends well.
    pub(super) fn adopt(&mut self, generation: Generation) {
        let pending = self.pending.take().expect("a reload is pending");
        assert_eq!(pending.generation, generation);
        assert!(self.over.insert(self.serving));
        self.before = self.serving;
        (self.serving, self.target) = (generation, pending.target);
    }

    /// The reload ends badly, exactly once.
    pub(super) fn discard(&mut self, generation: Generation) {
        assert!(self.over.insert(generation), "{generation:?} is over already");
        if self.is_pending(generation) {
            self.pending = None;
        } else {
            assert!(self.stale.remove(&generation), "{generation:?} serves");
        }
    }

    /// The stop ends a reload as well; only what is being read is still answered for.
    pub(super) fn stop(&mut self) {
        (self.stopping, self.waiting) = (true, None);
        if let Some(pending) = self.pending.take().filter(|pending| pending.limits.is_none()) {
            self.stale.insert(pending.generation);
        }
    }

    /// An operator wants another number of workers.
    pub(super) fn resize(&mut self, change: impl Fn(u32) -> u32) {
        self.target = change(self.target);
        if let Some(pending) = &mut self.pending
            && pending.limits.is_some()
        {
            pending.target = change(pending.target);
        }
    }

    pub(super) fn upgrade(&mut self) {
        assert_eq!(self.kin, Kin::Alone, "one upgrade at a time");
        assert!(!self.stopping && !self.draining);
    }

    pub(super) fn end(&mut self, status: u8) {
        assert!(self.stopping);
        self.ended = Some(status);
    }

    /// What no action may follow.
    pub(super) fn not_over(&self, action: &Action) {
        assert_eq!(self.ended, None, "{action:?} after the end");
    }
}
