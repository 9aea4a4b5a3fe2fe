//! The page of memory that the master and its workers share, and the few words they say to each other.
//!
//! The master maps a [`Scoreboard`] before it forks. Every worker owns one [`Slot`] and stores into it with plain
//! atomics: a heartbeat, a counter or the line of the request being served costs a store, never a system call or a
//! lock. The master reads the slots for timeouts, status and metrics. There is no policy here: what a silent slot
//! means is the arbiter's business.
//!
//! Times are milliseconds of `CLOCK_MONOTONIC` ([`now`]), which all processes of a machine share.

mod board;
mod call;
mod command;
mod slot;

pub use board::{Lease, Scoreboard};
pub use call::{Call, Calls};
pub use command::Command;
pub use slot::{LATENCY_BOUNDS_US, Slot, State, Wear};

/// Milliseconds of the monotonic clock, comparable between processes.
pub type Millis = u64;

/// The monotonic clock in milliseconds.
///
/// # Panics
/// If the kernel has no monotonic clock.
#[must_use]
pub fn now() -> Millis {
    let time = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC)
        .expect("every supported kernel has a monotonic clock");
    u64::try_from(time.tv_sec()).unwrap_or(0) * 1000 + u64::try_from(time.tv_nsec()).unwrap_or(0) / 1_000_000
}
