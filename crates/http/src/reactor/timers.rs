//! Deadlines, and the one timer descriptor that wakes the poll for the next of them.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    io,
    os::fd::{AsFd, AsRawFd, RawFd},
    time::Duration,
};

use nix::sys::{
    time::TimeSpec,
    timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags},
};
use rgunicorn_scoreboard::Millis;

/// No deadline.
pub(crate) const NEVER: Millis = Millis::MAX;

/// The deadlines of all connections.
///
/// A connection has at most one entry that counts. Moving a deadline later costs nothing: the entry is looked at when it
/// is due, and put back. Entries that were overtaken by an earlier one are recognised by their owner and dropped.
pub(crate) struct Timers {
    descriptor: TimerFd,
    due: BinaryHeap<Reverse<(Millis, usize, u32)>>,
    armed: Millis,
}

impl Timers {
    pub(crate) fn new() -> io::Result<Self> {
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let descriptor = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?;
        Ok(Self { descriptor, due: BinaryHeap::new(), armed: NEVER })
    }

    pub(crate) fn fd(&self) -> RawFd {
        self.descriptor.as_fd().as_raw_fd()
    }

    /// Look at connection `key` (of this `generation`) at `at`. The poll is woken for it by the next [`Timers::arm`].
    pub(crate) fn schedule(&mut self, at: Millis, key: usize, generation: u32) {
        self.due.push(Reverse((at, key, generation)));
    }

    /// Whether `at` is earlier than the moment at which the poll will be woken.
    pub(crate) fn precedes_alarm(&self, at: Millis) -> bool {
        at < self.armed
    }

    /// How many entries there are, those that were overtaken included.
    pub(crate) fn len(&self) -> usize {
        self.due.len()
    }

    /// Drop the entries that no longer count.
    pub(crate) fn retain(&mut self, counts: impl Fn(Millis, usize, u32) -> bool) {
        self.due.retain(|Reverse((at, key, generation))| counts(*at, *key, *generation));
    }

    /// The next connection that is due.
    pub(crate) fn pop(&mut self, now: Millis) -> Option<(Millis, usize, u32)> {
        let Reverse((at, ..)) = self.due.peek()?;
        if *at > now {
            return None;
        }
        self.due.pop().map(|Reverse(entry)| entry)
    }

    /// Wake the poll at the next deadline, and no later than `latest`. Costs a system call only when that is earlier
    /// than what was asked for before.
    pub(crate) fn arm(&mut self, latest: Millis, now: Millis) -> io::Result<()> {
        let next = self.due.peek().map_or(latest, |Reverse((at, ..))| latest.min(*at));
        if next < self.armed {
            let wait = Duration::from_millis(next.saturating_sub(now).max(1));
            self.descriptor.set(Expiration::OneShot(TimeSpec::from(wait)), TimerSetTimeFlags::empty())?;
            self.armed = next;
        }
        Ok(())
    }

    /// The descriptor became readable: empty it.
    pub(crate) fn fired(&mut self) {
        // It was readable, so this does not block; if someone else emptied it, arming it again is all that matters.
        let mut expirations = [0; 8];
        let _ = nix::unistd::read(self.descriptor.as_fd(), &mut expirations);
        self.armed = NEVER;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_out_when_due_and_in_order() {
        let mut timers = Timers::new().unwrap();
        timers.schedule(30, 3, 0);
        timers.schedule(10, 1, 0);
        timers.schedule(20, 2, 0);
        assert_eq!(timers.pop(5), None);
        assert_eq!(timers.pop(20), Some((10, 1, 0)));
        assert_eq!(timers.pop(20), Some((20, 2, 0)));
        assert_eq!(timers.pop(20), None);
    }

    #[test]
    fn the_descriptor_is_armed_for_the_earliest_only() {
        let mut timers = Timers::new().unwrap();
        timers.arm(1000, 0).unwrap();
        assert_eq!(timers.armed, 1000);
        timers.schedule(2000, 1, 0);
        timers.arm(1000, 0).unwrap();
        assert_eq!(timers.armed, 1000);
        timers.schedule(500, 1, 0);
        timers.arm(1000, 0).unwrap();
        assert_eq!(timers.armed, 500);
    }
}
