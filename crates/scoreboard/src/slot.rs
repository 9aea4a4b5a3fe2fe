//! One worker's line on the board.

use std::sync::atomic::{
    AtomicBool, AtomicI32, AtomicU8, AtomicU32, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

use crate::{Calls, Millis, now};

/// Upper bounds of the latency buckets in microseconds; the last bucket has none.
pub const LATENCY_BOUNDS_US: [u64; 15] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    5_000_000, 30_000_000,
];

/// Where in its life a worker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum State {
    /// Nobody owns the slot.
    Free = 0,
    /// Forked; the application is not loaded yet.
    Booting = 1,
    /// The application is loaded and requests are accepted.
    Ready = 2,
    /// Finishing what it has; accepts nothing new.
    Stopping = 3,
}

/// Why a worker asks for a successor. It goes on serving until it is told to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Wear {
    /// It has answered as many requests as it may.
    Requests = 1,
    /// A request does not let go of one of its threads.
    Stuck = 2,
}

/// One worker's line on the board. Every field has one writer: the worker, or the master while there is none.
#[derive(Debug)]
#[repr(C, align(128))]
pub struct Slot {
    heartbeat: AtomicU64,
    requests: AtomicU64,
    bytes_sent: AtomicU64,
    in_flight: AtomicU32,
    connections: AtomicU32,
    state: AtomicU8,
    wear: AtomicU8,
    template: AtomicBool,
    pid: AtomicI32,
    age: AtomicU32,
    generation: AtomicU32,
    latency: [AtomicU64; LATENCY_BOUNDS_US.len() + 1],
    /// The requests that the application works on now.
    pub calls: Calls,
}

impl Slot {
    /// Say that the worker is alive at `at`.
    pub fn beat(&self, at: Millis) {
        self.heartbeat.store(at, Relaxed);
    }

    /// When the worker last said that it is alive.
    #[must_use]
    pub fn heartbeat(&self) -> Millis {
        self.heartbeat.load(Relaxed)
    }

    /// Where in its life the worker is.
    #[must_use]
    pub fn state(&self) -> State {
        match self.state.load(Acquire) {
            1 => State::Booting,
            2 => State::Ready,
            3 => State::Stopping,
            _ => State::Free,
        }
    }

    /// Move to another state of life.
    pub fn enter(&self, state: State) {
        self.state.store(state as u8, Release);
    }

    /// Ask for a successor. The master looks when it is woken.
    pub fn wear_out(&self, wear: Wear) {
        self.wear.store(wear as u8, Release);
    }

    /// Why the worker asks for a successor, if it does.
    #[must_use]
    pub fn wear(&self) -> Option<Wear> {
        match self.wear.load(Acquire) {
            1 => Some(Wear::Requests),
            2 => Some(Wear::Stuck),
            _ => None,
        }
    }

    /// The process that owns the slot.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid.load(Relaxed)
    }

    /// Name the process that owns the slot.
    pub fn assign(&self, pid: i32) {
        self.pid.store(pid, Relaxed);
    }

    /// Say that the owner serves nobody: workers are forked from it.
    pub fn make_template(&self) {
        self.template.store(true, Relaxed);
    }

    /// Whether the owner is what workers are forked from.
    #[must_use]
    pub fn is_template(&self) -> bool {
        self.template.load(Relaxed)
    }

    /// The worker's spawn number.
    #[must_use]
    pub fn age(&self) -> u32 {
        self.age.load(Relaxed)
    }

    /// The generation (reload number) that the worker belongs to.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.generation.load(Relaxed)
    }

    /// Note that a request is handed to the application.
    pub fn request_began(&self) {
        add(&self.in_flight, 1);
    }

    /// Note that a request is done: how many bytes it sent and how long it took.
    pub fn request_ended(&self, bytes: u64, micros: u64) {
        self.in_flight.store(self.in_flight.load(Relaxed).saturating_sub(1), Relaxed);
        bump(&self.requests, 1);
        bump(&self.bytes_sent, bytes);
        let bucket = LATENCY_BOUNDS_US.partition_point(|bound| *bound < micros);
        bump(&self.latency[bucket], 1);
    }

    /// Requests that the application works on.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Relaxed)
    }

    /// Requests answered since the worker began.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.load(Relaxed)
    }

    /// Body bytes sent since the worker began.
    #[must_use]
    pub fn bytes_sent(&self) -> u64 {
        self.bytes_sent.load(Relaxed)
    }

    /// Requests by latency bucket (see [`LATENCY_BOUNDS_US`]); not cumulative.
    #[must_use]
    pub fn latency(&self) -> Vec<u64> {
        self.latency.iter().map(|bucket| bucket.load(Relaxed)).collect()
    }

    /// Say how many connections are open.
    pub fn set_connections(&self, open: u32) {
        self.connections.store(open, Relaxed);
    }

    /// Connections open.
    #[must_use]
    pub fn connections(&self) -> u32 {
        self.connections.load(Relaxed)
    }

    /// Make the slot a new worker's: counters at zero, a first heartbeat now.
    pub(crate) fn reset(&self, age: u32, generation: u32) {
        self.calls.clear();
        for counter in [&self.requests, &self.bytes_sent].into_iter().chain(&self.latency) {
            counter.store(0, Relaxed);
        }
        self.in_flight.store(0, Relaxed);
        self.connections.store(0, Relaxed);
        self.wear.store(0, Relaxed);
        self.template.store(false, Relaxed);
        self.pid.store(0, Relaxed);
        self.age.store(age, Relaxed);
        self.generation.store(generation, Relaxed);
        self.beat(now());
        self.enter(State::Booting);
    }
}

/// A slot has one writer, so load and store do what a locked addition would, at a tenth of its price.
fn bump(counter: &AtomicU64, by: u64) {
    counter.store(counter.load(Relaxed).wrapping_add(by), Relaxed);
}

fn add(counter: &AtomicU32, by: u32) {
    counter.store(counter.load(Relaxed).wrapping_add(by), Relaxed);
}
