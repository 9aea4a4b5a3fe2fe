//! Workers that die, and what follows.

use super::*;

#[test]
fn a_serving_worker_that_dies_is_replaced_at_once() {
    let mut talk = Talk::serving(LIMITS);
    talk.until(5_000, &[1, 2]).exit(1, signal("SIGSEGV"));
    assert_eq!(talk.ages(), [3]);
    assert_eq!(talk.said, [Notice::Worker(pid(1), Fate::WasSent { signal: "SIGSEGV".into() })]);
}

#[test]
fn the_end_of_a_worker_is_never_silent() {
    let mut talk = Talk::booting(LIMITS);
    talk.ready(1).exit(1, code(0)).exit(2, code(0));
    assert_eq!(
        talk.rest,
        [Action::Explain(Age(1), Why::Died), Action::Release(Age(1)), Action::Release(Age(2))]
    );
    let fates: Vec<_> = talk.said.iter().filter(|said| matches!(said, Notice::Worker(..))).collect();
    assert_eq!(
        fates,
        [
            &Notice::Worker(pid(1), Fate::LeftUnasked),
            &Notice::Worker(pid(2), Fate::ExitedWithCode { code: 0 })
        ]
    );
}

#[test]
fn a_worker_that_was_ready_and_stops_in_the_same_moment_has_not_failed_to_boot() {
    let mut talk = Talk::booting(LIMITS);
    talk.event(Event::Seen(Age(1), Stage::Stopping, 0)).exit(1, code(0));
    assert_eq!(talk.said, [Notice::Worker(pid(1), Fate::LeftUnasked)]);
    assert_eq!(talk.ages(), [1, 2, 3]);
}

#[test]
fn five_workers_killed_within_three_seconds_are_five_immediate_respawns() {
    let mut talk = Talk::serving(Limits { workers: 1, ..LIMITS });
    for age in 1..=5 {
        talk.until(u64::from(age) * 500, &[age]).exit(age, signal("SIGKILL")).ready(age + 1);
    }
    assert_eq!(talk.ages(), [2, 3, 4, 5, 6]);
    assert!(talk.said.iter().all(|said| matches!(said, Notice::Worker(_, Fate::PerhapsOutOfMemory))));
}

#[test]
fn workers_that_keep_dying_young_are_not_respawned_in_a_tight_loop() {
    let mut talk = Talk::serving(Limits { workers: 1, ..LIMITS });
    let mut age = 1;
    while talk.ages().last() == Some(&age) || age == 1 {
        talk.exit(age, code(1)).ready(age + 1);
        age += 1;
    }
    assert_eq!(age, 12, "ten are forgiven");
    assert_eq!(talk.said.last(), Some(&Notice::DyingYoung { wait: 500 }));
    talk.forget();
    talk.until(499, &[]);
    assert_eq!(talk.ages(), []);
    talk.until(500, &[]);
    assert_eq!(talk.ages(), [12]);
}

#[test]
fn system_exit_3_of_a_serving_application_is_not_a_boot_failure() {
    let mut talk = Talk::booting(LIMITS);
    talk.ready(1).exit(1, code(3));
    assert_eq!(talk.ages(), [1, 2, 3]);
    assert!(!talk.rest.contains(&Action::Exit(3)));
}

#[test]
fn an_orphan_is_reaped_without_a_word() {
    let mut talk = Talk::serving(LIMITS);
    talk.event(Event::Exited(Pid(4_000), code(3)));
    assert_eq!((talk.said.len(), talk.rest.len(), talk.ages().len()), (0, 0, 0));
}
