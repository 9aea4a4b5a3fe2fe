//! A life of the simulated server, turn by turn: first anything may happen, then perhaps nothing goes wrong any more, and in the
//! end it is stopped.

use super::{
    super::event::{Event, Exit, Millis, Pid, Request, Role, Stage},
    book::Kin,
    world::World,
};

/// Turns of the loop in a life before it ends.
const TURNS: usize = 300;
/// How late a loaded machine wakes the master.
pub(super) const LATE: Millis = 20;
/// A suspension that no boot and no timeout could be mistaken for.
const LONG: Millis = 100_000;
/// Within this time of calm everything is as it should be: the longest boot of each of the workers that a rolling reload
/// replaces, one after the other, and the longest wait for the next try.
const RECOVERY: Millis = 5 * 62_000 + 60_000;

impl World {
    pub(super) fn live(&mut self, seed: u64) {
        self.perform();
        for _ in 0..TURNS {
            if self.book.ended.is_none() {
                self.turn();
            }
        }
        if seed.is_multiple_of(2) && self.book.ended.is_none() && !self.book.stopping {
            self.recover();
        }
        self.stop(if seed.is_multiple_of(3) { Request::Quit } else { Request::Term });
    }

    pub(super) fn turn(&mut self) {
        self.sleep();
        self.pass_time();
        let seen: Vec<_> = self.processes.keys().copied().collect();
        for pid in seen {
            self.look(pid);
        }
        self.fork_from_templates();
        if let Some((generation, answer)) = self.unread.pop_front() {
            self.learn(generation, &answer);
            self.tell(Event::Reread(generation, answer));
        }
        if !self.calm && self.chance.one_in(self.idleness) {
            for _ in 0..self.chance.below(3) {
                self.operate();
            }
        }
        while let Some((pid, exit)) = self.graves.pop_front() {
            self.bury(pid, exit);
        }
        self.tell(Event::Tick);
    }

    /// Time passes, as far as the machine lets the master sleep, or until something wakes it.
    fn sleep(&mut self) {
        let woken = self.now + 1 + self.chance.below(700);
        let due = self.arbiter.next_deadline();
        self.sleepless = if due.is_some_and(|due| due <= self.now) { self.sleepless + 1 } else { 0 };
        assert!(self.sleepless < 3, "the master does not sleep any more");
        if let Some(due) = due
            && due <= woken
            && due > self.now
        {
            // Whoever looks before the deadline has nothing to do, so nothing was late.
            self.now = due - 1;
            self.hand_in(Event::Tick, self.now);
            assert_eq!(self.turn.actions, [], "before the deadline {due}");
        }
        let late = self.chance.below(LATE);
        self.now = due.map_or(woken, |due| woken.min(due.max(self.now) + late)).max(self.now);
        if !self.calm && !self.book.stopping && !self.book.draining && self.chance.one_in(300) {
            self.random += 1;
            let asleep = self.chance.below(3_600_000);
            self.now += asleep;
            self.excused = self.now;
            if asleep > LONG {
                self.forgiven = self.now;
            }
        }
    }

    /// The processes live until now.
    fn pass_time(&mut self) {
        let (now, calm) = (self.now, self.calm);
        for (pid, process) in &mut self.processes {
            if self.graves.iter().any(|(dead, _)| dead == pid) {
                continue;
            }
            if let Some(exit) = process.live(now) {
                self.graves.push_back((*pid, exit));
            } else if !calm && process.stage == Stage::Ready {
                process.misadventure(now, &mut self.chance);
            }
        }
    }

    /// Tell the machine what the scoreboard says.
    fn look(&mut self, pid: Pid) {
        let Some(process) = self.processes.get_mut(&pid) else { return };
        let (spawn, stage, beat) = (process.spawn, process.stage, process.beat);
        if stage == Stage::Ready && !process.seen_ready && process.told.is_none() {
            process.seen_ready = true;
            process.beat = self.now;
            self.ever_ready |= spawn.role == Role::Worker;
            self.book.stepped(&spawn, self.now);
        }
        self.tell(Event::Seen(spawn.age, stage, beat));
    }

    fn bury(&mut self, pid: Pid, exit: Exit) {
        self.look(pid);
        let Some(age) = self.processes.get(&pid).map(|process| process.spawn.age) else { return };
        // A template that is gone fails in everything that it owes, and in what it is asked for until the machine knows.
        while let Some(index) = self.owed.iter().position(|owed| owed.spawn.from == Some(age)) {
            let owed = self.owed.remove(index);
            self.tell(Event::ForkFailed(owed.spawn.age, "the template is gone".to_owned()));
        }
        let Some(process) = self.processes.remove(&pid) else { return };
        if process.told.is_some() {
            self.left = self.now;
        }
        self.expect_the_end(&process, &exit);
        self.tell(Event::Exited(pid, exit));
        assert!(
            self.book.ended.is_some() || self.book.released.contains(&age),
            "its place is not given back"
        );
        if self.doomed.is_some() {
            assert!(self.book.stopping, "the first boot failed and the server goes on");
        }
    }

    /// Nothing goes wrong from now on: the configured number of workers serves after a while.
    fn recover(&mut self) {
        self.calm = true;
        let now = self.now;
        self.processes.values_mut().for_each(|process| process.heal(now));
        let end = self.now + RECOVERY + 62_000 * u64::from(self.peak);
        while !self.is_settled() && self.book.ended.is_none() {
            assert!(self.now < end, "{} of {} serve", self.serving(), self.book.target);
            self.turn();
            if self.book.serving_limits().waits_for_changes
                && self.book.pending.is_none()
                && self.chance.one_in(50)
            {
                self.change_files();
            }
        }
    }

    fn is_settled(&self) -> bool {
        let serving =
            self.processes.values().filter(|process| process.serves() && process.stage == Stage::Ready);
        self.unread.is_empty()
            && self.book.pending.is_none()
            && self.book.waiting.is_none()
            && serving.count() >= self.book.target as usize
            && (self.book.announced || self.book.target == 0)
    }

    fn stop(&mut self, request: Request) {
        self.calm = false;
        for process in self.processes.values_mut() {
            process.deaf |= self.chance.one_in(3);
            process.immortal |= self.chance.one_in(20);
        }
        if self.book.ended.is_none() {
            self.ask(request);
        }
        while self.book.ended.is_none() {
            if self.chance.one_in(30) {
                self.ask(Request::Int);
            } else {
                self.turn();
            }
        }
        assert_eq!(self.arbiter.next_deadline(), None);
        assert_ne!(self.book.kin == Kin::Child, self.heir.is_none());
    }
}
