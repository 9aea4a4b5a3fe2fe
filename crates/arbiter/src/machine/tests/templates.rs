//! Preloading: workers are forked from a template.

use super::*;

const PRELOAD: Limits = Limits { preload: true, ..LIMITS };

impl Talk {
    /// The template has forked what it was asked for.
    fn forked(&mut self, age: u32) -> &mut Self {
        self.event(Event::Forked(Age(age), pid(age)))
    }

    /// A template and two workers, all ready.
    fn preloaded() -> Self {
        let mut talk = Self::booting(PRELOAD);
        talk.ready(1).forked(2).forked(3).ready(2).ready(3).forget();
        talk
    }
}

#[test]
fn workers_are_forked_once_the_template_has_loaded() {
    let mut talk = Talk::booting(PRELOAD);
    assert_eq!(talk.spawned.iter().map(|spawn| spawn.role).collect::<Vec<_>>(), [Role::Template]);
    talk.ready(1);
    let workers: Vec<_> = talk.spawned[1..].iter().map(|spawn| (spawn.role, spawn.from)).collect();
    assert_eq!(workers, [(Role::Worker, Some(Age(1))); 2]);
    talk.forked(2).forked(3).ready(2);
    assert_eq!(talk.rest, []);
    talk.ready(3);
    assert_eq!(talk.rest, [Action::AllReady]);
}

#[test]
fn a_template_that_fails_at_the_first_start_ends_the_master() {
    let mut talk = Talk::booting(PRELOAD);
    talk.exit(1, code(3));
    assert_eq!(talk.rest.last(), Some(&Action::Exit(3)));
}

#[test]
fn a_template_that_dies_is_made_again_and_the_workers_go_on() {
    let mut talk = Talk::preloaded();
    talk.until(5_000, &[2, 3]).exit(1, signal("SIGKILL"));
    assert_eq!(
        talk.spawned.iter().map(|spawn| (spawn.age.0, spawn.role)).collect::<Vec<_>>(),
        [(4, Role::Template)]
    );
    talk.exit(2, signal("SIGKILL"));
    assert_eq!(talk.ages(), [4], "the next one needs the template");
    talk.ready(4);
    assert_eq!(talk.spawned.last().map(|spawn| spawn.from), Some(Some(Age(4))));
}

#[test]
fn a_silent_template_is_nobodys_business_until_it_owes_a_worker() {
    let mut talk = Talk::preloaded();
    talk.until(100_000, &[2, 3]);
    assert_eq!(talk.sent, []);
    talk.ask(Request::Ttin).until(129_999, &[2, 3]);
    assert_eq!(talk.sent, []);
    talk.until(130_000, &[2, 3]);
    assert_eq!(talk.sent, [(pid(1), Signal::Abort)]);
    talk.until(131_000, &[2, 3]);
    assert_eq!(talk.sent[1..], [(pid(1), Signal::Kill)]);
    assert_eq!(talk.ages(), [4, 5], "another template");
    talk.forked(4);
    assert_eq!(talk.sent[2..], [(pid(4), Signal::Kill)], "nobody counts on the one that it owed any more");
}

#[test]
fn a_worker_that_is_dismissed_before_it_is_forked_is_told_when_it_is_there() {
    let mut talk = Talk::preloaded();
    for request in [Request::Ttin, Request::Ttin, Request::Ttin, Request::Ttou, Request::Ttou, Request::Ttou]
    {
        talk.ask(request);
    }
    assert_eq!((talk.ages(), &talk.sent), (vec![4, 5, 6], &vec![]));
    talk.forked(4);
    assert_eq!(talk.sent, [(pid(4), Signal::Term)]);
}

#[test]
fn a_reload_loads_the_code_anew_and_dismisses_the_old_template() {
    let mut talk = Talk::preloaded();
    talk.hup(1, PRELOAD).forget_but_spawns();
    assert_eq!(talk.spawned.iter().map(|spawn| spawn.role).collect::<Vec<_>>(), [Role::Template]);
    talk.ready(4).forked(5).forked(6).ready(5);
    assert_eq!(talk.sent, []);
    talk.ready(6);
    assert_eq!(talk.sent, [1, 2, 3].map(|age| (pid(age), Signal::Term)));
}

#[test]
fn a_template_that_cannot_load_the_new_code_leaves_the_old_alone() {
    let mut talk = Talk::preloaded();
    talk.hup(1, PRELOAD).exit(4, code(3));
    assert_eq!(talk.rest.last(), Some(&Action::Discard(Generation(1))));
    talk.ask(Request::Ttin);
    assert_eq!(talk.spawned.last().map(|spawn| spawn.from), Some(Some(Age(1))));
}

#[test]
fn loading_and_forking_have_a_boot_timeout_each() {
    let mut talk = Talk::preloaded();
    talk.hup(1, PRELOAD).until(29_000, &[2, 3]).ready(4).forked(5).forked(6).until(58_000, &[2, 3]);
    assert!(!talk.rest.contains(&Action::Discard(Generation(1))));
    talk.until(59_000, &[2, 3]);
    assert!(talk.rest.contains(&Action::Discard(Generation(1))));
}

#[test]
fn a_template_that_does_not_leave_holds_the_stop_for_a_second() {
    let mut talk = Talk::preloaded();
    talk.ask(Request::Term).forget();
    talk.exit(2, code(0)).exit(3, code(0)).until(1_000, &[]);
    assert_eq!(talk.sent, [(pid(1), Signal::Abort)], "its stacks show where it hangs");
    talk.until(1_500, &[]);
    assert_eq!(talk.sent[1..], [(pid(1), Signal::Kill)]);
}
