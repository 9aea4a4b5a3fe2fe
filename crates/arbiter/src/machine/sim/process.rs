//! A simulated process: what it will do, and what the machine knows and has said.

use super::{
    super::event::{Exit, Millis, Role, Signal, Spawn, Stage},
    chance::{Chance, Code},
};

/// A worker or a template.
#[derive(Debug, Clone)]
pub(super) struct Process {
    pub(super) spawn: Spawn,
    pub(super) stage: Stage,
    pub(super) beat: Millis,
    pub(super) ready_at: Option<Millis>,
    pub(super) dies_at: Option<(Millis, Exit)>,
    /// It does nothing, not even what it is told.
    pub(super) hung: bool,
    /// It does not leave when it is told to.
    pub(super) deaf: bool,
    /// Even SIGKILL does not end it.
    pub(super) immortal: bool,
    /// The machine was told that it is ready.
    pub(super) seen_ready: bool,
    /// The last order to leave.
    pub(super) told: Option<Told>,
    /// The machine was told that it is worn.
    pub(super) worn: bool,
}

/// An order to leave.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    pub(super) at: Millis,
    pub(super) signal: Signal,
    /// It served at that time.
    pub(super) served: bool,
    /// The shortest and the longest time that it may be given to finish.
    pub(super) given: (Millis, Millis),
}

impl Process {
    pub(super) fn newborn(spawn: Spawn, code: Code, now: Millis, chance: &mut Chance) -> Self {
        let soon = now + 1 + chance.below(400);
        let mut process = Self {
            spawn,
            stage: Stage::Booting,
            beat: now,
            ready_at: Some(soon),
            dies_at: None,
            hung: false,
            deaf: false,
            immortal: false,
            seen_ready: false,
            told: None,
            worn: false,
        };
        // What a template has loaded is loaded.
        if spawn.from.is_none() {
            process.load(code, now, soon);
        }
        process
    }

    fn load(&mut self, code: Code, now: Millis, soon: Millis) {
        match code {
            Code::Good => {}
            Code::Slow(delay) => self.ready_at = Some(now + delay),
            Code::Exits(status) => {
                (self.ready_at, self.dies_at) = (None, Some((soon, Exit::Code(status))));
            }
            Code::Crashes => {
                (self.ready_at, self.dies_at) = (None, Some((soon, Exit::Signal("SIGSEGV".into()))));
            }
            Code::Hangs => self.ready_at = None,
        }
    }

    /// What goes wrong with this one alone.
    pub(super) fn misfortune(&mut self, now: Millis, chance: &mut Chance) {
        self.deaf = chance.one_in(6);
        self.immortal = chance.one_in(60);
        let soon = now + 1 + chance.below(400);
        match chance.below(30) {
            0 => self.ready_at = Some(now + chance.below(60_000)),
            1 => self.ready_at = None,
            2 => self.dies_at = Some((soon, Exit::Code(1))),
            3 => self.dies_at = Some((soon, Exit::Signal("SIGKILL".into()))),
            _ => {}
        }
    }

    /// Something happens to one that serves.
    pub(super) fn misadventure(&mut self, now: Millis, chance: &mut Chance) {
        match chance.below(400) {
            0 => self.hung = true,
            1 => self.dies_at = Some((now, Exit::Code(3))),
            2 => self.dies_at = Some((now, Exit::Signal("SIGKILL".into()))),
            3 => self.dies_at = Some((now, Exit::Code(0))),
            _ => {}
        }
    }

    /// Nothing goes wrong any more.
    pub(super) fn heal(&mut self, now: Millis) {
        (self.hung, self.deaf) = (false, false);
        self.ready_at = self.ready_at.or(Some(now));
    }

    /// It lives until `now`; how it ended, if it did.
    pub(super) fn live(&mut self, now: Millis) -> Option<Exit> {
        if let Some((at, exit)) = &self.dies_at
            && *at <= now
        {
            return Some(exit.clone());
        }
        if self.stage == Stage::Booting && self.ready_at.is_some_and(|at| at <= now) {
            self.stage = if self.told.is_some() { Stage::Stopping } else { Stage::Ready };
        }
        if self.stage == Stage::Ready && !self.hung {
            self.beat = self.beat.max(now - now % 200);
        }
        None
    }

    /// It gets a signal that may end it, in a while.
    pub(super) fn hear(&mut self, signal: Signal, told: Told, delay: Millis) {
        let now = told.at;
        if let Signal::Term | Signal::Quit = signal {
            // Who boots hears it when it is done.
            if self.stage == Stage::Ready {
                self.stage = Stage::Stopping;
            }
        }
        let hurried = signal == Signal::Term && self.told.is_some_and(|before| before.signal == Signal::Quit);
        assert!(!hurried, "a quick order is softened: {self:?}");
        if signal != Signal::Usr1 {
            // A second order does not give it more time.
            let before = self.told.filter(|before| before.signal == signal);
            let given =
                before.map_or(told.given, |before| (before.given.0.min(told.given.0), before.given.1));
            let served = told.served || self.told.is_some_and(|before| before.served);
            self.told = Some(Told { at: before.map_or(now, |before| before.at), served, given, ..told });
        }
        let exit = match signal {
            Signal::Usr1 => return,
            Signal::Kill if self.immortal => return,
            Signal::Kill => (now + delay % 50, Exit::Signal("SIGKILL".into())),
            Signal::Abort | Signal::Term | Signal::Quit if self.deaf || self.immortal => return,
            Signal::Term | Signal::Quit if self.hung => return,
            Signal::Abort => (now + delay, Exit::Signal("SIGABRT".into())),
            Signal::Term | Signal::Quit => (now + delay, Exit::Code(0)),
        };
        if self.dies_at.as_ref().is_none_or(|(at, _)| exit.0 < *at) {
            self.dies_at = Some(exit);
        }
    }

    /// It serves, as far as the machine knows, and was not told to leave.
    pub(super) fn serves(&self) -> bool {
        self.spawn.role == Role::Worker && self.seen_ready && self.told.is_none()
    }
}
