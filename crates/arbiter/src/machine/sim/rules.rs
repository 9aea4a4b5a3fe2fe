//! The rules that hold after every event.

use super::{
    super::{
        event::{Action, Exit, Generation, Millis, Request, Role, Signal, Stage},
        worker::Life,
    },
    book::Kin,
    life::LATE,
    process::Process,
    world::{Owed, World},
};

/// A burst of spawns is looked for in so short a time.
const BURST: Millis = 400;

impl World {
    /// After an event; `ticked` if it was the one that lets time count.
    pub(super) fn check(&mut self, ticked: bool) {
        self.nobody_leaves_too_early();
        assert_eq!(self.told_target, self.book.target, "every change of size is told");
        self.nobody_too_many();
        self.nobody_is_forgotten();
        self.no_tight_loop();
        if ticked {
            self.nobody_is_silent();
            self.no_template_hangs();
            self.nobody_lingers();
            self.the_reload_ends();
            if let Some(stop_by) = self.stop_by {
                assert!(self.now <= stop_by, "the stop goes on {} ms too long", self.now - stop_by);
            }
        }
    }

    /// Workers that serve are told to leave only while enough others serve (or everybody has to leave).
    fn nobody_leaves_too_early(&self) {
        if self.book.stopping || self.book.target == 0 {
            return;
        }
        if self.turn.dismissed > 0 {
            let (serving, target) = (self.serving(), self.book.target);
            assert!(serving >= target as usize, "{serving} of {target} serve after {:?}", self.turn.actions);
        }
        if self.turn.recalled > 0 {
            let discarded = self.did(|action| matches!(action, Action::Discard(_)));
            assert!(discarded, "a worker of a pending generation was told to leave");
        }
    }

    /// Who is there beside the target: what a reload boots, and the few whose replacement is under way.
    fn nobody_too_many(&self) {
        if self.book.stopping {
            return;
        }
        let there = |process: &&Process| process.spawn.role == Role::Worker && process.told.is_none();
        let (next, now): (Vec<_>, Vec<_>) = self
            .processes
            .values()
            .filter(there)
            .partition(|process| self.book.is_pending(process.spawn.generation));
        let recycled = 1.max(self.peak / 10) as usize;
        let target = self.book.target as usize;
        let pending = self.book.pending.filter(|pending| pending.limits.is_some());
        // Whoever serves and has to go (TTOU) stays until another one has booted.
        let awaited = now.iter().filter(|process| !process.seen_ready).count().min(target + recycled);
        let most = target + recycled + if pending.is_none() { awaited } else { 0 };
        assert!(now.len() <= most, "{} workers for {target} places", now.len());
        let Some(pending) = self.book.pending else { return };
        assert!(next.len() <= pending.target as usize);
        if pending.limits.is_some_and(|limits| limits.rolling) {
            let most = target.max(pending.target as usize) + 1 + recycled;
            assert!(now.len() + next.len() <= most, "a rolling reload adds one worker");
        }
    }

    /// Whose generation neither serves nor will was told to leave, but for those that a rolling reload has left where they are.
    fn nobody_is_forgotten(&self) {
        for process in self.processes.values().filter(|process| process.told.is_none()) {
            let generation = process.spawn.generation;
            let current = generation == self.book.serving || self.book.is_pending(generation);
            let rolled =
                generation > self.book.serving && self.book.limits[&generation].rolling && process.serves();
            assert!(current || rolled, "nobody told it to leave: {process:?}");
        }
    }

    /// Nobody fails again and again without a pause.
    fn no_tight_loop(&mut self) {
        let now = self.now;
        for times in [&mut self.spawns, &mut self.rereads] {
            while times.front().is_some_and(|at| at + BURST <= now) {
                times.pop_front();
            }
        }
        let reloads = self.rereads.len() + 1;
        // Every place once, ten that may die young, and what operators and long lives add.
        let most = 2 * reloads * (self.peak as usize + 1) + 40;
        assert!(self.spawns.len() <= most, "{} spawns within {BURST} ms", self.spawns.len());
    }

    /// Silence and slow boots are noticed on time.
    fn nobody_is_silent(&self) {
        for process in self.processes.values().filter(|process| process.told.is_none()) {
            let limits = self.book.limits[&process.spawn.generation];
            let allowed = match (process.seen_ready, process.spawn.role) {
                (false, _) => limits.boot,
                (true, Role::Worker) => limits.timeout,
                (true, Role::Template) => None,
            };
            let Some(allowed) = allowed else { continue };
            let silent = self.now.saturating_sub(process.beat.max(self.excused));
            assert!(silent <= allowed + LATE, "silent for {silent} ms: {process:?}");
        }
    }

    /// A template that does not fork what it owes is noticed as well, as long as it is wanted.
    fn no_template_hangs(&self) {
        let wanted = |owed: &&Owed| {
            self.arbiter.workers.get(&owed.spawn.age).is_some_and(|worker| worker.life == Life::Booting)
        };
        for owed in self.owed.iter().filter(wanted) {
            let Some(boot) = self.book.limits[&owed.spawn.generation].boot else { continue };
            let template = self.processes.values().find(|process| Some(process.spawn.age) == owed.spawn.from);
            let told = template.is_none_or(|template| template.told.is_some());
            let silent = self.now.saturating_sub(owed.asked.max(self.excused));
            assert!(told || silent <= boot + LATE, "owes a worker for {silent} ms: {template:?}");
        }
    }

    /// Who was told to leave is gone in time, or killed.
    fn nobody_lingers(&self) {
        for process in self.processes.values() {
            let Some(told) = process.told.filter(|told| told.signal != Signal::Kill) else { continue };
            let most = if told.signal == Signal::Term { told.given.1 } else { 2_000 };
            let lingers = self.now.saturating_sub(told.at.max(self.excused));
            assert!(lingers <= most.max(1_000) + LATE, "lingers for {lingers} ms: {process:?}");
        }
    }

    /// A signal that may end a process: the graceful one first, and the last only when its time is over.
    pub(super) fn may_be_sent(&self, process: &Process, signal: Signal) {
        match (signal, process.told) {
            (Signal::Abort, Some(told)) => {
                assert_eq!(told.signal, Signal::Term, "nobody else has something to finish: {process:?}");
                let had = self.now - told.at;
                assert!(!told.served || had >= told.given.0, "it had {had} ms: {process:?}");
            }
            (Signal::Abort, None) => {
                let limits = self.book.limits[&process.spawn.generation];
                let silent = self.now - process.beat.max(self.forgiven);
                // A template may be silent otherwise.
                let template = process.spawn.role == Role::Template && process.seen_ready;
                let allowed = if process.seen_ready { limits.timeout } else { limits.boot };
                let stepped =
                    self.book.pending.map_or(0, |pending| self.now - pending.stepped.max(self.forgiven));
                let late = allowed.is_some_and(|allowed| silent.max(stepped) >= allowed);
                assert!(template || late, "aborted after {silent} ms: {process:?}");
            }
            (Signal::Kill, Some(told)) => {
                assert!(
                    told.signal != Signal::Term || !told.served,
                    "killed without its stacks: {process:?}"
                );
            }
            (Signal::Kill, None) => assert!(!process.seen_ready, "killed without a warning: {process:?}"),
            (Signal::Term | Signal::Quit | Signal::Usr1, _) => {}
        }
    }

    /// The shortest and the longest time that it may have been given to finish.
    pub(super) fn graceful(&self, process: &Process) -> (Millis, Millis) {
        let of = |generation: Generation| self.book.limits[&generation].graceful;
        let all = [of(process.spawn.generation), of(self.book.serving), of(self.book.before)];
        let hurry = self.book.serving_limits().waits_for_changes.then_some(2_000);
        (all.into_iter().chain(hurry).min().unwrap(), all.into_iter().max().unwrap())
    }

    /// A reload begins soon and ends by its boot timeout.
    fn the_reload_ends(&mut self) {
        if let Some(since) = self.book.waiting {
            let waits = self.now.saturating_sub(since.max(self.excused));
            assert!(waits <= 1_000 + LATE, "a reload waits for {waits} ms");
        }
        let Some(pending) = self.book.pending else { return };
        let Some(limits) = pending.limits else { return };
        // A step of a rolling reload waits for whoever leaves, which has a bound of its own.
        let leaves = |process: &Process| process.told.is_some_and(|told| told.signal != Signal::Kill);
        if limits.rolling && self.processes.values().any(leaves) {
            self.left = self.now;
        }
        let Some(boot) = limits.boot else { return };
        let pends = self.now.saturating_sub(pending.stepped.max(self.excused).max(self.left));
        assert!(pends <= boot + LATE, "a reload has been pending for {pends} ms");
    }

    /// Only a generation whose workers are all ready takes over.
    pub(super) fn adopt(&mut self, generation: Generation) {
        let ready = self
            .processes
            .values()
            .filter(|process| process.spawn.generation == generation && process.serves());
        let (ready, wanted) = (ready.count(), self.book.pending.map(|pending| pending.target as usize));
        assert_eq!(Some(ready), wanted, "the new generation is not ready");
        self.book.adopt(generation);
    }

    pub(super) fn all_ready(&mut self) {
        assert!(!self.book.announced && !self.book.stopping);
        assert!(self.serving() >= self.book.target.max(1) as usize);
        self.book.announced = true;
    }

    /// The listeners are closed: because somebody wants it, or because the first boot failed.
    pub(super) fn begin_to_stop(&mut self) {
        assert!(!self.book.stopping, "once is enough");
        self.book.stop();
        if self.stop_by.is_none() {
            assert!(!self.ever_ready, "nobody asked for it");
            let graceful = self.book.serving_limits().graceful;
            self.stop_by = Some(self.now + graceful.min(1_000) + 1_000);
        }
    }

    /// By when a stop has to be done.
    pub(super) fn expect_stop(&mut self, request: Request) {
        let limits = self.book.serving_limits();
        let drain = if self.book.draining || self.book.stopping { 0 } else { limits.drain };
        let lasts = match request {
            Request::Term if self.book.stopping => return,
            Request::Term => drain + limits.graceful,
            Request::Int | Request::Quit => limits.graceful.min(2_000),
            Request::Hup | Request::Ttin | Request::Ttou | Request::Usr1 | Request::Usr2 | Request::Winch => {
                return;
            }
        };
        let by = self.now + lasts + 1_000;
        self.stop_by = Some(self.stop_by.map_or(by, |old| old.min(by)));
    }

    /// A failure that decides the end of a server which never served.
    pub(super) fn expect_the_end(&mut self, process: &Process, exit: &Exit) {
        let first = process.spawn.generation == self.book.serving && !self.ever_ready && !self.book.stopping;
        let waits = self.book.serving_limits().waits_for_changes;
        let booting = process.stage == Stage::Booting && process.told.is_none() && !process.seen_ready;
        if let Exit::Code(status @ (3 | 4)) = exit
            && first
            && booting
            && !waits
            && !self.book.draining
        {
            self.doomed = u8::try_from(*status).ok();
        }
    }

    /// The master ends: with the right status, and leaving nobody but those that the kernel does not let go.
    pub(super) fn end(&mut self, status: u8) {
        match self.doomed {
            Some(doomed) => assert_eq!(status, doomed),
            None => assert!(status == 0 || status == 3 && !self.ever_ready, "status {status}"),
        }
        let stuck = self.processes.values().all(|process| process.immortal);
        assert!(stuck, "left behind: {:?}", self.processes);
        assert!(self.heir.is_none() || self.book.kin == Kin::Child);
        self.book.end(status);
    }
}
