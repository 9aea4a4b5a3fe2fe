//! The rolling reload: one worker at a time.

use super::*;

const ROLLING: Limits = Limits { rolling: true, ..LIMITS };

#[test]
fn each_new_worker_is_ready_before_an_old_one_leaves() {
    let mut talk = Talk::serving(ROLLING);
    talk.hup(1, ROLLING).forget_but_spawns();
    assert_eq!(talk.ages(), [3]);
    talk.ready(3);
    assert_eq!((talk.ages(), talk.sent.as_slice()), (vec![3], [(pid(1), Signal::Term)].as_slice()));
    talk.exit(1, code(0));
    assert_eq!(talk.ages(), [3, 4], "there is memory for one more, and not for two");
    talk.rest.clear();
    talk.ready(4);
    assert_eq!(talk.sent[1..], [(pid(2), Signal::Term)]);
    assert_eq!(talk.rest, [Action::Adopt(Generation(1)), Action::Resized { new: 2, old: 2 }]);
    assert_eq!(talk.ages(), [3, 4]);
}

#[test]
fn a_failure_at_the_first_one_changes_nothing() {
    let mut talk = Talk::serving(ROLLING);
    talk.hup(1, ROLLING).exit(3, code(3));
    assert_eq!(talk.rest.last(), Some(&Action::Discard(Generation(1))));
    assert!(talk.said_of(&Renewal::Failed { why: Refusal::Boot { code: 3 } }));
    assert_eq!(talk.ages(), [3]);
}

#[test]
fn a_failure_in_the_middle_keeps_what_serves_and_goes_on_with_the_old_code() {
    let mut talk = Talk::serving(ROLLING);
    talk.hup(1, ROLLING).ready(3).exit(1, code(0)).forget();
    talk.until(2_000, &[2, 3]).exit(4, code(3));
    assert_eq!((talk.sent.len(), talk.ages().len()), (0, 0), "old and new are two");
    assert!(talk.said_of(&Renewal::Stopped { why: Refusal::Boot { code: 3 }, new: 1, old: 1 }));
    talk.exit(3, signal("SIGKILL"));
    assert_eq!(talk.spawned.last().map(|spawn| spawn.generation), Some(Generation(0)));
}

#[test]
fn every_step_has_the_whole_boot_timeout() {
    let mut talk = Talk::serving(ROLLING);
    talk.hup(1, ROLLING).until(20_000, &[1, 2]).ready(3).until(25_000, &[2, 3]).exit(1, code(0)).forget();
    talk.until(54_999, &[2, 3]);
    assert!(!talk.rest.contains(&Action::Discard(Generation(1))));
    talk.until(55_000, &[2, 3]);
    assert!(talk.rest.contains(&Action::Discard(Generation(1))));
}

#[test]
fn more_workers_than_before_come_one_by_one() {
    let mut talk = Talk::serving(Limits { workers: 1, ..ROLLING });
    talk.hup(1, Limits { workers: 3, ..ROLLING }).ready(2).exit(1, code(0)).ready(3);
    assert_eq!(talk.ages(), [2, 3, 4]);
    talk.ready(4);
    assert!(talk.rest.contains(&Action::Resized { new: 3, old: 1 }));
}
