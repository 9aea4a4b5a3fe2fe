//! The machine under a simulated kernel: thousands of servers with random code, workers, operators and clocks, each held
//! to the rules of `rules.rs` after every event.
//!
//! A failure prints the seed. `RGUNICORN_SIM_SEED=7` repeats one life alone, `RGUNICORN_SIM_SERVERS=100000` lives more of
//! them.

mod book;
mod chance;
mod life;
mod operator;
mod process;
mod rules;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use self::world::World;

/// Servers simulated in one test run.
const SERVERS: u64 = 600;

fn number(name: &str) -> Option<u64> {
    std::env::var_os(name).map(|value| value.to_str().unwrap().parse().unwrap())
}

#[test]
fn random_lives_keep_the_invariants() {
    let seeds = match number("RGUNICORN_SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("RGUNICORN_SIM_SERVERS").unwrap_or(SERVERS),
    };
    let (mut events, mut random) = (0, 0);
    for seed in seeds {
        let mut world = World::new(seed);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| world.live(seed))) {
            eprintln!("RGUNICORN_SIM_SEED={seed}, {} ms after its start", world.now);
            resume_unwind(panic);
        }
        events += world.events;
        random += world.random;
    }
    println!("{events} events, {random} of them random");
}
