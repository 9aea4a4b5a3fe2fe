//! How long to wait before the next try: deaths at boot are retried ever more slowly, sudden deaths of serving workers
//! are made good at once as long as they are not a habit.

use std::mem;

use super::event::Millis;

/// The wait after the first failure; it doubles with every further one.
const FIRST: Millis = 500;
/// The longest wait.
const LONGEST: Millis = 30_000;
/// So many failed rounds in a row and a server that never served, or a reload, is given up.
const ROUNDS: u32 = 4;
/// A worker that dies sooner after it became ready dies young.
const YOUNG: Millis = 1_000;
/// So many may die young before the next has to wait.
const CREDITS: u32 = 10;

/// What held places wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hold {
    /// There are none.
    Nothing,
    /// A time.
    Until(Millis),
    /// A new generation.
    Change,
}

/// The brake on spawning.
#[derive(Debug)]
pub(super) struct Backoff {
    /// Failed rounds in a row.
    failures: u32,
    hold: Hold,
    /// Places that wait for it.
    held: u32,
    /// How many more may die young.
    credits: u32,
    /// Since when the credits have been as they are.
    credited: Millis,
}

impl Backoff {
    pub(super) fn new() -> Self {
        Self { failures: 0, hold: Hold::Nothing, held: 0, credits: CREDITS, credited: 0 }
    }

    /// A try failed: hold its place. The wait, if this failure began one (siblings of one round fail together).
    pub(super) fn failed(&mut self, now: Millis) -> Option<Millis> {
        self.held += 1;
        if self.hold != Hold::Nothing {
            return None;
        }
        let wait = FIRST.saturating_mul(1 << self.failures.min(10)).min(LONGEST);
        self.failures += 1;
        self.hold = Hold::Until(now + wait);
        Some(wait)
    }

    /// A try failed and the next is not a matter of time: hold its place for good. True if it is the first.
    pub(super) fn failed_for_good(&mut self) -> bool {
        self.held += 1;
        let before = mem::replace(&mut self.hold, Hold::Change);
        before != Hold::Change
    }

    /// A process became ready.
    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// Whether those who have never succeeded should stop trying.
    pub(super) fn gives_up(&self) -> bool {
        self.failures >= ROUNDS
    }

    /// A worker that was ready for `served` died: may it be replaced at once?
    pub(super) fn forgives(&mut self, served: Millis, now: Millis) -> bool {
        if served >= YOUNG {
            return true;
        }
        let earned = now.saturating_sub(self.credited) / 1000;
        self.credits = CREDITS.min(self.credits.saturating_add(u32::try_from(earned).unwrap_or(CREDITS)));
        self.credited = now;
        let forgiven = self.credits > 0;
        self.credits = self.credits.saturating_sub(1);
        forgiven
    }

    /// How many places may not be filled now.
    pub(super) fn held(&mut self, now: Millis) -> u32 {
        if matches!(self.hold, Hold::Until(until) if now >= until) {
            self.hold = Hold::Nothing;
            self.held = 0;
        }
        self.held
    }

    /// Nothing will be spawned any more.
    pub(super) fn retire(&mut self) {
        self.hold = Hold::Nothing;
    }

    /// When the held places are tried again.
    pub(super) fn deadline(&self) -> Option<Millis> {
        match self.hold {
            Hold::Until(until) => Some(until),
            Hold::Nothing | Hold::Change => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit_and_begin_anew_after_a_success() {
        let mut backoff = Backoff::new();
        let mut now = 0;
        let mut waits = Vec::new();
        for _ in 0..8 {
            waits.push(backoff.failed(now).unwrap());
            assert_eq!((backoff.failed(now), backoff.held(now)), (None, 2), "siblings share a round");
            now = backoff.deadline().unwrap();
            assert_eq!(backoff.held(now), 0);
        }
        assert_eq!(waits, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
        backoff.succeeded();
        assert_eq!(backoff.failed(now), Some(500));
    }

    #[test]
    fn what_waits_for_a_change_waits_for_ever() {
        let mut backoff = Backoff::new();
        assert!(backoff.failed_for_good());
        assert!(!backoff.failed_for_good(), "said once");
        assert_eq!((backoff.deadline(), backoff.held(u64::MAX)), (None, 2));
    }

    #[test]
    fn a_few_sudden_deaths_are_forgiven_and_a_habit_is_not() {
        let mut backoff = Backoff::new();
        assert!((0..CREDITS).all(|_| backoff.forgives(10, 0)));
        assert!(!backoff.forgives(10, 0));
        assert!(backoff.forgives(YOUNG, 0), "it had a life");
        assert!(backoff.forgives(10, 1_000), "a second earns one more");
        assert!(!backoff.forgives(10, 1_000));
    }
}
