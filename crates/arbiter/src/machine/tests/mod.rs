//! One test for each transition, written as the conversation that it is. Here is who talks; the conversations are in the
//! files, by topic.

mod boot;
mod deaths;
mod development;
mod recycling;
mod reload;
mod rolling;
mod silence;
mod size;
mod stop;
mod templates;
mod upgrade;

use super::{
    Arbiter,
    event::{
        Action, Age, Event, Exit, Generation, Limits, Millis, Pid, Request, Role, Signal, Spawn, Stage, Wear,
        Why,
    },
    notices::{Ending, Fate, MASTER, Notice, Refusal, Renewal},
};

const LIMITS: Limits = Limits {
    workers: 2,
    timeout: Some(30_000),
    boot: Some(30_000),
    graceful: 10_000,
    drain: 0,
    rolling: false,
    preload: false,
    lifetime: None,
    seed: 0,
    waits_for_changes: false,
    daemon: false,
};

/// The machine, and what it asked for since the last look (forks are answered: the pid is the age plus 100). What templates
/// should fork, and what should be read again, is answered by the tests.
struct Talk {
    arbiter: Arbiter,
    now: Millis,
    spawned: Vec<Spawn>,
    said: Vec<Notice>,
    sent: Vec<(Pid, Signal)>,
    rest: Vec<Action>,
}

fn pid(age: u32) -> Pid {
    Pid(i32::try_from(age).unwrap() + 100)
}

/// A plain worker of what the server started with.
fn first(age: u32) -> Action {
    Action::Spawn(Spawn { age: Age(age), generation: Generation(0), role: Role::Worker, from: None })
}

fn code(code: i32) -> Exit {
    Exit::Code(code)
}

fn signal(name: &'static str) -> Exit {
    Exit::Signal(name.into())
}

impl Talk {
    fn booting(limits: Limits) -> Self {
        let arbiter = Arbiter::new(limits, 0);
        let mut talk = Self { arbiter, now: 0, spawned: vec![], said: vec![], sent: vec![], rest: vec![] };
        talk.perform();
        talk
    }

    /// All workers ready, nothing left unread.
    fn serving(limits: Limits) -> Self {
        let mut talk = Self::booting(limits);
        for age in 1..=limits.workers {
            talk.ready(age);
        }
        assert_eq!(talk.rest, [Action::AllReady]);
        talk.forget();
        talk
    }

    fn forget(&mut self) {
        self.spawned.clear();
        self.said.clear();
        self.sent.clear();
        self.rest.clear();
    }

    fn forget_but_spawns(&mut self) -> &mut Self {
        let spawned = std::mem::take(&mut self.spawned);
        self.forget();
        self.spawned = spawned;
        self
    }

    fn perform(&mut self) {
        while let Some(action) = self.arbiter.poll_action() {
            match action {
                Action::Spawn(spawn) => {
                    self.spawned.push(spawn);
                    if spawn.from.is_none() {
                        self.arbiter.handle(Event::Forked(spawn.age, pid(spawn.age.0)), self.now);
                    }
                }
                Action::Send(pid, signal) => self.sent.push((pid, signal)),
                Action::Log(notice) => self.said.push(notice),
                Action::Explain(..)
                | Action::Release(_)
                | Action::CloseListeners
                | Action::ReopenLogs
                | Action::Reread(_)
                | Action::Adopt(_)
                | Action::Discard(_)
                | Action::Upgrade
                | Action::Promote
                | Action::Resized { .. }
                | Action::Drain
                | Action::AllReady
                | Action::Exit(_) => self.rest.push(action),
            }
        }
    }

    fn event(&mut self, event: Event) -> &mut Self {
        self.arbiter.handle(event, self.now);
        self.perform();
        self
    }

    fn ready(&mut self, age: u32) -> &mut Self {
        self.event(Event::Seen(Age(age), Stage::Ready, self.now))
    }

    fn ask(&mut self, request: Request) -> &mut Self {
        self.event(Event::Asked(request))
    }

    fn exit(&mut self, age: u32, exit: Exit) -> &mut Self {
        self.event(Event::Exited(pid(age), exit))
    }

    /// Time passes, deadline by deadline, while `beating` workers give signs of life.
    fn until(&mut self, end: Millis, beating: &[u32]) -> &mut Self {
        while self.now < end {
            self.now = self.arbiter.next_deadline().unwrap_or(end).clamp(self.now + 1, end);
            for age in beating {
                self.event(Event::Seen(Age(*age), Stage::Ready, self.now));
            }
            self.event(Event::Tick);
        }
        self
    }

    fn ages(&self) -> Vec<u32> {
        self.spawned.iter().map(|spawn| spawn.age.0).collect()
    }

    /// HUP, and its settings are read.
    fn hup(&mut self, generation: u32, limits: Limits) -> &mut Self {
        self.ask(Request::Hup);
        assert_eq!(self.rest.last(), Some(&Action::Reread(Generation(generation))));
        self.event(Event::Reread(Generation(generation), Ok(limits)))
    }

    /// Whether this was said about a reload or an upgrade.
    fn said_of(&self, renewal: &Renewal) -> bool {
        self.said.contains(&Notice::Renewal(renewal.clone()))
    }
}
