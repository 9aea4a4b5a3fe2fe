//! How long to wait before the next try: deaths at boot are retried ever more slowly, sudden deaths of serving workers
//! are made good at once as long as they are not a habit.

use super::event::Millis;

/// The wait after the first failure; it doubles with every further one.
const FIRST: Millis = 500;
/// The longest wait.
const LONGEST: Millis = 30_000;
/// A worker that dies sooner after it became ready dies young.
const YOUNG: Millis = 1_000;
/// So many may die young before the next has to wait.
const CREDITS: u32 = 10;

/// The brake on spawning.
#[derive(Debug)]
pub(super) struct Backoff {
    /// Failed rounds in a row.
    failures: u32,
    /// When the held places are tried again.
    until: Option<Millis>,
    /// Places that wait for it.
    held: u32,
    /// How many more may die young.
    credits: u32,
    /// Since when the credits have been as they are.
    credited: Millis,
}

impl Backoff {
    pub(super) fn new() -> Self {
        Self { failures: 0, until: None, held: 0, credits: CREDITS, credited: 0 }
    }

    /// A try failed: hold its place. The wait, if this failure began one (siblings of one round fail together).
    pub(super) fn failed(&mut self, now: Millis) -> Option<Millis> {
        self.held += 1;
        if self.until.is_some() {
            return None;
        }
        let wait = FIRST.saturating_mul(1 << self.failures.min(10)).min(LONGEST);
        self.failures += 1;
        self.until = Some(now + wait);
        Some(wait)
    }

    /// A worker became ready.
    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// Failed rounds in a row.
    pub(super) fn failures(&self) -> u32 {
        self.failures
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
        if self.until.is_some_and(|until| now >= until) {
            self.until = None;
            self.held = 0;
        }
        self.held
    }

    /// Nothing will be spawned any more.
    pub(super) fn retire(&mut self) {
        self.until = None;
    }

    /// When the held places are tried again.
    pub(super) fn deadline(&self) -> Option<Millis> {
        self.until
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
    fn a_few_sudden_deaths_are_forgiven_and_a_habit_is_not() {
        let mut backoff = Backoff::new();
        assert!((0..CREDITS).all(|_| backoff.forgives(10, 0)));
        assert!(!backoff.forgives(10, 0));
        assert!(backoff.forgives(YOUNG, 0), "it had a life");
        assert!(backoff.forgives(10, 1_000), "a second earns one more");
        assert!(!backoff.forgives(10, 1_000));
    }
}
