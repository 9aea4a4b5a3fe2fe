//! What operators, watchers and other masters do, and what has to follow in the same turn.

use super::{
    super::{
        MOST_WORKERS,
        event::{Action, Event, Exit, Pid, Request, Signal, Wear},
        notices::{Notice, Renewal},
    },
    book::Kin,
    process::Process,
    world::World,
};

impl World {
    /// Something happens from outside.
    pub(super) fn operate(&mut self) {
        if self.book.ended.is_some() {
            return;
        }
        match self.chance.below(40) {
            0..=3 => self.ask(Request::Ttin),
            4..=7 => self.ask(Request::Ttou),
            8..=9 => self.ask(Request::Usr1),
            10..=13 => self.ask(Request::Hup),
            14..=15 => self.ask(Request::Usr2),
            16 => self.ask(Request::Winch),
            17 if self.chance.one_in(40) => self.ask(Request::Term),
            18 if self.chance.one_in(80) => self.ask(Request::Int),
            19..=22 => self.wear_out(),
            23..=24 => self.tell(Event::Exited(Pid(7), Exit::Code(3))),
            25 => self.end_heir(),
            26 => self.end_parent(),
            27 => self.change_files(),
            _ => {}
        }
    }

    fn wear_out(&mut self) {
        let wear = match self.chance.below(3) {
            0 => Wear::Requests,
            1 => Wear::Memory(1 << 30),
            _ => Wear::Stuck,
        };
        let count = self.processes.len().max(1) as u64;
        let chosen = self.chance.below(count) as usize;
        if let Some(process) = self.processes.values_mut().nth(chosen).filter(|process| process.serves()) {
            process.worn = true;
            let age = process.spawn.age;
            self.tell(Event::Worn(age, wear));
        }
    }

    pub(super) fn change_files(&mut self) {
        self.tell(Event::FilesChanged("views.py".to_owned()));
        if !self.book.stopping && !self.book.draining {
            self.reload_follows();
        }
    }

    /// A reload begins, at once or when what the last one booted has left.
    fn reload_follows(&mut self) {
        if !self.did(|action| matches!(action, Action::Reread(_))) {
            let in_the_way = |process: &Process| {
                process.spawn.generation > self.book.serving && process.told.is_some() && !process.seen_ready
            };
            let unanswered = self.owed.iter().any(|owed| owed.spawn.generation > self.book.serving);
            assert!(
                unanswered || self.processes.values().any(in_the_way),
                "nothing is in the way of the reload"
            );
            self.book.waiting.get_or_insert(self.now);
        }
    }

    fn end_heir(&mut self) {
        let Some(pid) = self.heir.take() else { return };
        self.book.kin = Kin::Alone;
        let code = i32::from(self.chance.one_in(2)) * 3;
        self.tell(Event::Exited(pid, Exit::Code(code)));
        assert!(matches!(self.turn.actions[0], Action::Log(Notice::Renewal(Renewal::UpgradeEnded { .. }))));
    }

    fn end_parent(&mut self) {
        let parent = self.book.kin == Kin::Parent;
        self.tell(Event::ParentGone);
        assert_eq!(self.turn.actions.contains(&Action::Promote), parent);
    }

    /// A signal: it has its effect, or a line says why not, at once.
    pub(super) fn ask(&mut self, request: Request) {
        let (stopping, draining, kin) = (self.book.stopping, self.book.draining, self.book.kin);
        let limits = self.book.serving_limits();
        if request == Request::Winch && !limits.daemon {
            self.tell(Event::Asked(request));
            return assert!(!self.logged(|notice| *notice == Notice::HandlingSignal { request }));
        }
        let refused =
            stopping || draining && matches!(request, Request::Hup | Request::Usr2 | Request::Winch);
        self.expect_stop(request);
        if !refused {
            self.expect_size(request);
        }
        let pids: Vec<_> = self.processes.keys().copied().collect();
        self.tell(Event::Asked(request));
        if refused && request != Request::Usr1 {
            let said = |notice: &Notice| {
                *notice == Notice::QuickShutdown || *notice == Notice::AlreadyStopping { request }
            };
            return assert!(self.logged(said), "{request:?}");
        }
        assert!(self.logged(|notice| *notice == Notice::HandlingSignal { request }));
        if self.book.draining || request == Request::Winch {
            self.book.waiting = None;
        }
        match request {
            Request::Term => {
                assert!(self.did(|action| matches!(action, Action::Drain | Action::CloseListeners)))
            }
            Request::Int | Request::Quit => assert!(self.book.stopping),
            Request::Hup => {
                assert!(self.did(|action| *action == Action::ReopenLogs));
                self.reload_follows();
            }
            Request::Usr1 => {
                let all =
                    pids.iter().all(|pid| self.did(|action| *action == Action::Send(*pid, Signal::Usr1)));
                assert!(all && self.did(|action| *action == Action::ReopenLogs));
            }
            Request::Usr2 => {
                let refusal = match kin {
                    Kin::Alone => return assert!(self.did(|action| *action == Action::Upgrade)),
                    Kin::Parent => Renewal::ParentExists,
                    Kin::Child => Renewal::ChildExists,
                };
                assert!(self.logged(|notice| *notice == Notice::Renewal(refusal.clone())));
            }
            Request::Ttin | Request::Ttou => {}
            Request::Winch => assert_eq!((self.book.target, self.serving()), (0, 0)),
        }
    }

    /// How the number of workers has to change.
    fn expect_size(&mut self, request: Request) {
        match request {
            Request::Ttin => self.book.resize(|target| MOST_WORKERS.min(target + 1)),
            Request::Ttou => self.book.resize(|target| if target > 1 { target - 1 } else { target }),
            Request::Winch => self.book.target = 0,
            Request::Hup | Request::Int | Request::Quit | Request::Term | Request::Usr1 | Request::Usr2 => {}
        }
    }

    pub(super) fn did(&self, what: impl Fn(&Action) -> bool) -> bool {
        self.turn.actions.iter().any(what)
    }

    fn logged(&self, what: impl Fn(&Notice) -> bool) -> bool {
        self.did(|action| matches!(action, Action::Log(notice) if what(notice)))
    }
}
