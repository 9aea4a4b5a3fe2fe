//! Worn workers.

use super::*;

fn worn(age: u32, wear: Wear) -> Event {
    Event::Worn(Age(age), wear)
}

#[test]
fn a_worn_worker_leaves_when_another_is_ready() {
    let mut talk = Talk::serving(LIMITS);
    talk.event(worn(1, Wear::Requests)).event(worn(1, Wear::Requests));
    assert_eq!((talk.ages(), talk.sent.len()), (vec![3], 0));
    assert_eq!(talk.said, [Notice::Worker(pid(1), Fate::Worn { wear: Wear::Requests })]);
    talk.ready(3);
    assert_eq!(talk.sent, [(pid(1), Signal::Term)]);
    talk.exit(1, code(0));
    assert_eq!((talk.ages(), talk.said.len()), (vec![3], 1));
}

#[test]
fn one_at_a_time_and_who_is_stuck_first() {
    let mut talk = Talk::serving(Limits { workers: 3, ..LIMITS });
    talk.event(worn(1, Wear::Requests)).event(worn(2, Wear::Memory(1 << 30))).event(worn(3, Wear::Stuck));
    assert_eq!(talk.ages(), [4]);
    talk.ready(4);
    assert_eq!(talk.ages(), [4], "the first has not left yet");
    talk.exit(1, code(0));
    assert_eq!(talk.ages(), [4, 5]);
    talk.ready(5);
    assert_eq!(talk.sent, [(pid(1), Signal::Term), (pid(3), Signal::Term)]);
}

#[test]
fn a_tenth_of_many_are_replaced_at_once() {
    let mut talk = Talk::serving(Limits { workers: 30, ..LIMITS });
    for age in 1..=30 {
        talk.event(worn(age, Wear::Requests));
    }
    assert_eq!(talk.ages(), [31, 32, 33]);
}

#[test]
fn without_a_replacement_the_worn_one_goes_on() {
    let mut talk = Talk::serving(LIMITS);
    talk.event(worn(1, Wear::Requests)).exit(3, code(3));
    assert_eq!(talk.said.last(), Some(&Notice::BootRetry { wait: 500 }));
    talk.until(500, &[1, 2]);
    assert_eq!((talk.ages(), talk.sent.len()), (vec![3, 4], 0));
    talk.ready(4);
    assert_eq!(talk.sent, [(pid(1), Signal::Term)]);
}

#[test]
fn a_worn_worker_that_dies_needs_one_replacement() {
    let mut talk = Talk::serving(LIMITS);
    talk.event(worn(1, Wear::Requests)).exit(1, signal("SIGKILL"));
    assert_eq!(talk.ages(), [3]);
    talk.ready(3);
    assert_eq!(talk.sent, []);
}

#[test]
fn an_old_worker_is_replaced_and_not_two_at_the_same_time() {
    let limits = Limits { lifetime: Some((60_000, 30_000)), timeout: None, ..LIMITS };
    let ages = [1, 2].map(|age| limits.lifetime_of(Age(age)).unwrap());
    assert!(ages.iter().all(|age| (30_000..=60_000).contains(age)) && ages[0] != ages[1], "{ages:?}");
    let (first, soon) = if ages[0] < ages[1] { (1, ages[0]) } else { (2, ages[1]) };
    let mut talk = Talk::serving(limits);
    talk.until(soon - 1, &[]);
    assert_eq!(talk.ages(), []);
    talk.until(soon, &[]);
    assert_eq!(talk.ages(), [3]);
    assert_eq!(talk.said, [Notice::Worker(pid(first), Fate::Worn { wear: Wear::Lifetime })]);
}

#[test]
fn nobody_is_recycled_while_a_reload_replaces_everybody() {
    let mut talk = Talk::serving(LIMITS);
    talk.hup(1, LIMITS).event(worn(1, Wear::Requests));
    assert_eq!(talk.ages(), [3, 4]);
    talk.exit(3, code(3)).exit(4, code(0));
    assert_eq!(talk.spawned.last().map(|spawn| (spawn.age, spawn.generation)), Some((Age(5), Generation(0))));
}

#[test]
fn ttou_lets_a_worn_worker_go() {
    let mut talk = Talk::serving(LIMITS);
    talk.event(worn(2, Wear::Requests)).ask(Request::Ttou);
    assert_eq!(talk.sent, [(pid(2), Signal::Term)], "one of two serves on");
    talk.ready(3);
    assert_eq!(talk.sent[1..], [(pid(1), Signal::Term)], "its replacement is younger");
}
