//! The simulated kernel: it performs what the machine decides, and tells it what happens.

use std::collections::{BTreeMap, VecDeque};

use super::{
    super::{
        Arbiter,
        event::{Action, Age, Event, Exit, Generation, Limits, Millis, Pid, Role, Signal, Spawn, Why},
    },
    book::{Book, Kin},
    chance::{Chance, Code},
    process::{Process, Told},
};

/// What one event led to.
#[derive(Default)]
pub(super) struct Turn {
    pub(super) actions: Vec<Action>,
    /// So many of those that serve, and that were not of a pending generation, were told to leave.
    pub(super) dismissed: usize,
    /// The same for a pending generation.
    pub(super) recalled: usize,
}

/// What a template was asked for.
pub(super) struct Owed {
    pub(super) spawn: Spawn,
    pub(super) asked: Millis,
    /// When it will answer.
    pub(super) due: Millis,
}

/// A server, its operators and its machine.
pub(super) struct World {
    pub(super) chance: Chance,
    pub(super) now: Millis,
    pub(super) arbiter: Arbiter,
    pub(super) book: Book,
    pub(super) processes: BTreeMap<Pid, Process>,
    pub(super) graves: VecDeque<(Pid, Exit)>,
    /// What templates were asked for.
    pub(super) owed: Vec<Owed>,
    /// Configurations that are being read.
    pub(super) unread: VecDeque<(Generation, Result<Limits, String>)>,
    /// The new master of an upgrade.
    pub(super) heir: Option<Pid>,
    last_pid: i32,
    /// Something is done from outside once in so many turns.
    pub(super) idleness: u64,
    /// Nothing goes wrong any more.
    pub(super) calm: bool,
    /// The machine was told of a worker that is ready.
    pub(super) ever_ready: bool,
    /// When the server has to be gone.
    pub(super) stop_by: Option<Millis>,
    /// The status that it has to end with.
    pub(super) doomed: Option<u8>,
    /// A suspension excuses silence until then.
    pub(super) excused: Millis,
    /// The same for one that is so long that it has to.
    pub(super) forgiven: Millis,
    /// When a step of a rolling reload may have waited last.
    pub(super) left: Millis,
    pub(super) spawns: VecDeque<Millis>,
    pub(super) rereads: VecDeque<Millis>,
    pub(super) peak: u32,
    pub(super) told_target: u32,
    pub(super) sleepless: u32,
    pub(super) turn: Turn,
    pub(super) events: u64,
    pub(super) random: u64,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut chance = Chance(seed);
        let daemon = chance.one_in(2);
        let limits = chance.limits(daemon);
        let code = if chance.one_in(4) { chance.code() } else { Code::Good };
        let kin = if chance.one_in(4) { Kin::Parent } else { Kin::Alone };
        let arbiter =
            if kin == Kin::Parent { Arbiter::successor(limits, 0) } else { Arbiter::new(limits, 0) };
        Self {
            arbiter,
            chance,
            now: 0,
            book: Book::new(limits, code, kin),
            processes: BTreeMap::new(),
            graves: VecDeque::new(),
            owed: Vec::new(),
            unread: VecDeque::new(),
            heir: None,
            last_pid: 100,
            idleness: [1, 1, 5, 30][seed as usize % 4],
            calm: false,
            ever_ready: false,
            stop_by: None,
            doomed: None,
            excused: 0,
            forgiven: 0,
            left: 0,
            spawns: VecDeque::new(),
            rereads: VecDeque::new(),
            peak: limits.workers,
            told_target: limits.workers,
            sleepless: 0,
            turn: Turn::default(),
            events: 0,
            random: 0,
        }
    }

    /// Hand in an event, do what is decided, and look whether that was right.
    pub(super) fn tell(&mut self, event: Event) {
        let (tick, look) = (event == Event::Tick, matches!(event, Event::Seen(..)));
        // A clock that goes back must not matter.
        let back = if !tick && !self.calm && self.chance.one_in(100) { self.chance.below(10_000) } else { 0 };
        self.hand_in(event, self.now.saturating_sub(back));
        // A look that led to nothing has changed nothing.
        if self.book.ended.is_none() && !(look && self.turn.actions.is_empty()) {
            self.check(tick);
        }
    }

    pub(super) fn hand_in(&mut self, event: Event, now: Millis) {
        self.events += 1;
        self.random += u64::from(!matches!(event, Event::Seen(..) | Event::Tick));
        self.turn = Turn::default();
        self.arbiter.handle(event, now);
        self.perform();
    }

    pub(super) fn perform(&mut self) {
        while let Some(action) = self.arbiter.poll_action() {
            self.book.not_over(&action);
            self.turn.actions.push(action.clone());
            match action {
                Action::Spawn(spawn) => self.spawn(spawn),
                Action::Send(pid, signal) => self.deliver(pid, signal),
                Action::Explain(age, why) => {
                    assert_eq!(self.lives(age), why != Why::Died);
                    assert!(!self.book.released.contains(&age), "the scoreboard has forgotten it");
                }
                Action::Release(age) => assert!(!self.lives(age) && self.book.released.insert(age)),
                Action::Reread(generation) => self.reread(generation),
                Action::Adopt(generation) => self.adopt(generation),
                Action::Discard(generation) => self.book.discard(generation),
                Action::Upgrade => self.upgrade(),
                Action::Promote => {
                    assert_eq!(self.book.kin, Kin::Parent);
                    self.book.kin = Kin::Alone;
                }
                Action::Resized { new, old } => {
                    assert_eq!((new, old), (self.book.target, self.told_target));
                    self.told_target = new;
                    self.peak = self.peak.max(new);
                }
                Action::Drain => self.book.draining = true,
                Action::CloseListeners => self.begin_to_stop(),
                Action::AllReady => self.all_ready(),
                Action::Exit(status) => self.end(status),
                Action::ReopenLogs | Action::Log(_) => {}
            }
        }
    }

    fn spawn(&mut self, spawn: Spawn) {
        self.book.spawned(&spawn);
        self.spawns.push_back(self.now);
        if let Some(template) = spawn.from {
            self.is_loaded(template, spawn);
            let due = self.now + if self.chance.one_in(8) { self.chance.below(2_000) } else { 0 };
            return self.owed.push(Owed { spawn, asked: self.now, due });
        }
        if !self.calm && self.chance.one_in(25) {
            self.random += 1;
            return self.arbiter.handle(Event::ForkFailed(spawn.age, "EAGAIN".to_owned()), self.now);
        }
        let pid = self.fork(spawn);
        self.arbiter.handle(Event::Forked(spawn.age, pid), self.now);
    }

    fn is_loaded(&self, template: Age, spawn: Spawn) {
        let found = self.processes.values().find(|process| process.spawn.age == template);
        let template = found.unwrap_or_else(|| panic!("{spawn:?}: its template was reaped"));
        assert_eq!((template.spawn.role, template.spawn.generation), (Role::Template, spawn.generation));
        assert!(template.seen_ready && template.told.is_none(), "{spawn:?} of {template:?}");
    }

    fn fork(&mut self, spawn: Spawn) -> Pid {
        self.last_pid += 1;
        let pid = Pid(self.last_pid);
        let code = if self.calm { Code::Good } else { self.book.codes[&spawn.generation] };
        let mut process = Process::newborn(spawn, code, self.now, &mut self.chance);
        if !self.calm {
            process.misfortune(self.now, &mut self.chance);
        }
        self.processes.insert(pid, process);
        pid
    }

    /// The templates fork what they owe.
    pub(super) fn fork_from_templates(&mut self) {
        let (due, later) = self.owed.drain(..).partition(|Owed { spawn, due, .. }| {
            let mut templates = self.processes.values();
            let works = templates.any(|process| {
                let killed = process.told.is_some_and(|told| told.signal == Signal::Kill);
                Some(process.spawn.age) == spawn.from && !process.hung && !killed
            });
            let dead = self.graves.iter().any(|(pid, _)| {
                self.processes.get(pid).is_some_and(|process| Some(process.spawn.age) == spawn.from)
            });
            *due <= self.now && works && !dead
        });
        self.owed = later;
        let due: Vec<Owed> = due;
        for Owed { spawn, .. } in due {
            if !self.calm && self.chance.one_in(25) {
                self.tell(Event::ForkFailed(spawn.age, "EAGAIN".to_owned()));
            } else {
                let pid = self.fork(spawn);
                self.tell(Event::Forked(spawn.age, pid));
            }
        }
    }

    /// A signal reaches a process that is alive or a zombie, never one that was reaped.
    fn deliver(&mut self, pid: Pid, signal: Signal) {
        let delay = self.chance.below(1_500);
        let Some(process) = self.processes.get(&pid) else {
            panic!("{signal:?} for {pid}, which was reaped")
        };
        self.may_be_sent(process, signal);
        if signal == Signal::Kill {
            self.left = self.now;
        }
        if let Signal::Term | Signal::Quit = signal
            && process.serves()
        {
            let pending = self.book.is_pending(process.spawn.generation);
            self.turn.recalled += usize::from(pending);
            self.turn.dismissed += usize::from(!pending);
        }
        let told = Told { at: self.now, signal, served: process.serves(), given: self.graceful(process) };
        if let Some(process) = self.processes.get_mut(&pid) {
            process.hear(signal, told, delay);
        }
    }

    fn reread(&mut self, generation: Generation) {
        self.book.reread(generation, self.now);
        self.rereads.push_back(self.now);
        let daemon = self.book.serving_limits().daemon;
        let fails = !self.calm && self.chance.one_in(6);
        let limits = self.chance.limits(daemon);
        let code = if self.calm { Code::Good } else { self.chance.code() };
        self.book.codes.insert(generation, code);
        let answer = if fails { Err("invalid syntax".to_owned()) } else { Ok(limits) };
        self.unread.push_back((generation, answer));
        // Usually it is read at once.
        if self.chance.below(8) != 0
            && let Some((generation, answer)) = self.unread.pop_front()
        {
            self.learn(generation, &answer);
            self.arbiter.handle(Event::Reread(generation, answer), self.now);
        }
    }

    /// Note what the machine is about to be told about a generation.
    pub(super) fn learn(&mut self, generation: Generation, answer: &Result<Limits, String>) {
        if let Ok(limits) = answer {
            self.book.read(generation, *limits, self.now);
            self.peak = self.peak.max(limits.workers);
        }
    }

    fn upgrade(&mut self) {
        self.book.upgrade();
        if self.chance.one_in(3) {
            return self.arbiter.handle(Event::UpgradeFailed("no such file".to_owned()), self.now);
        }
        self.last_pid += 1;
        self.heir = Some(Pid(self.last_pid));
        self.book.kin = Kin::Child;
        self.arbiter.handle(Event::UpgradeForked(Pid(self.last_pid)), self.now);
    }

    pub(super) fn lives(&self, age: Age) -> bool {
        self.processes.values().any(|process| process.spawn.age == age)
    }

    /// Who serves, as far as the machine knows.
    pub(super) fn serving(&self) -> usize {
        self.processes.values().filter(|process| process.serves()).count()
    }
}
