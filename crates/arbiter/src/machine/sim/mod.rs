//! The machine under a simulated kernel: thousands of servers with random code, workers, operators and clocks, each held
//! to the rules of `rules.rs` after every event.
//!
//! A failure prints the seed. `RGUNICORN_SIM_SEED=7 cargo test` repeats one life alone, `RGUNICORN_SIM_SERVERS=100000 cargo
//! test` lives more of them.

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

/// What was given when this was compiled; the machine has no environment.
const SEED: Option<&str> = option_env!("RGUNICORN_SIM_SEED");
const MORE: Option<&str> = option_env!("RGUNICORN_SIM_SERVERS");

#[test]
fn random_lives_keep_the_invariants() {
    let number = |text: &str| text.parse::<u64>().unwrap();
    let seeds = match SEED.map(number) {
        Some(seed) => seed..seed + 1,
        None => 0..MORE.map_or(SERVERS, number),
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
