//! A source of chance that a seed repeats (`SplitMix64`), and what it is asked for.

use super::super::event::{Limits, Millis};

/// A source of chance.
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub(super) fn one_in(&mut self, odds: u64) -> bool {
        self.below(odds) == 0
    }

    /// Settings that somebody might have; whether it is a daemon is not changed by a reload.
    pub(super) fn limits(&mut self, daemon: bool) -> Limits {
        let most = if self.one_in(20) { 40 } else { 5 };
        let lifetime = self.one_in(5).then(|| (5_000 + self.below(60_000), self.below(10_000)));
        Limits {
            workers: u32::try_from(self.below(most)).unwrap() + 1,
            timeout: (!self.one_in(8)).then(|| 1_000 + self.below(30_000)),
            boot: (!self.one_in(8)).then(|| 1_000 + self.below(60_000)),
            graceful: self.below(30_000),
            drain: if self.one_in(4) { self.below(10_000) } else { 0 },
            rolling: self.one_in(3),
            preload: self.one_in(4),
            lifetime,
            seed: self.next(),
            waits_for_changes: self.one_in(8),
            daemon,
        }
    }

    /// What most code does, or one way in which it is broken.
    pub(super) fn code(&mut self) -> Code {
        match self.below(10) {
            0 => Code::Exits(3),
            1 => Code::Exits(if self.one_in(2) { 4 } else { 1 }),
            2 => Code::Crashes,
            3 => Code::Hangs,
            4 => Code::Slow(self.below(90_000)),
            _ => Code::Good,
        }
    }
}

/// What the application of a generation does when it is loaded.
#[derive(Debug, Clone, Copy)]
pub(super) enum Code {
    Good,
    /// It takes so long.
    Slow(Millis),
    /// The process ends with this status.
    Exits(i32),
    /// A signal ends the process.
    Crashes,
    /// It never returns.
    Hangs,
}
