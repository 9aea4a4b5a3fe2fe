//! The reload: all new workers first.

use super::*;

const NEXT: Generation = Generation(1);

fn failed(why: Refusal) -> Renewal {
    Renewal::Failed { why }
}

#[test]
fn the_old_workers_leave_when_all_of_the_new_ones_are_ready() {
    let mut talk = Talk::serving(LIMITS);
    talk.ask(Request::Hup);
    assert_eq!(talk.rest, [Action::ReopenLogs, Action::Reread(NEXT)]);
    assert_eq!(talk.sent, [(pid(1), Signal::Usr1), (pid(2), Signal::Usr1)]);
    talk.forget();
    talk.event(Event::Reread(NEXT, Ok(LIMITS)));
    assert_eq!(talk.ages(), [3, 4]);
    assert!(talk.spawned.iter().all(|spawn| spawn.generation == NEXT));
    talk.ready(3);
    assert_eq!(talk.sent, []);
    talk.ready(4);
    assert_eq!(talk.rest, [Action::Adopt(NEXT), Action::Resized { new: 2, old: 2 }]);
    assert_eq!(talk.sent, [(pid(1), Signal::Term), (pid(2), Signal::Term)]);
    assert_eq!(talk.said, [Notice::Renewal(Renewal::Done { workers: 2 })]);
    talk.exit(1, code(0)).exit(2, code(0)).exit(3, signal("SIGKILL"));
    assert_eq!(talk.spawned.last().map(|spawn| (spawn.age, spawn.generation)), Some((Age(5), NEXT)));
}

#[test]
fn a_boot_failure_leaves_the_old_workers_alone() {
    let mut talk = Talk::serving(LIMITS);
    talk.hup(1, LIMITS).forget();
    talk.exit(4, code(3));
    assert_eq!(talk.rest, [Action::Release(Age(4)), Action::Discard(NEXT)]);
    assert_eq!(talk.sent, [(pid(3), Signal::Term)]);
    assert_eq!(talk.said, [Notice::Renewal(failed(Refusal::Boot { code: 3 }))], "one line says it");
    talk.until(1_000, &[1, 2]);
    assert_eq!(talk.sent[1..], [(pid(3), Signal::Kill)], "it has nothing to finish");
    talk.exit(3, signal("SIGKILL"));
    assert_eq!((talk.said.len(), talk.ages().len()), (1, 0));
    talk.exit(1, signal("SIGSEGV"));
    assert_eq!(talk.spawned.last().map(|spawn| spawn.generation), Some(Generation(0)));
}

#[test]
fn a_crash_of_a_new_worker_is_retried_a_few_times() {
    let mut talk = Talk::serving(LIMITS);
    talk.hup(1, Limits { workers: 1, ..LIMITS });
    for (age, wait) in [(3, 500), (4, 1_000), (5, 2_000)] {
        talk.exit(age, signal("SIGSEGV"));
        assert_eq!(talk.said.last(), Some(&Notice::BootRetry { wait }));
        let end = talk.now + wait;
        talk.until(end, &[1, 2]);
        assert_eq!(
            talk.spawned.last().map(|spawn| (spawn.age, spawn.generation)),
            Some((Age(age + 1), NEXT))
        );
    }
    talk.exit(6, signal("SIGSEGV"));
    assert!(talk.said_of(&failed(Refusal::Crash { signal: "SIGSEGV".into() })));
    assert_eq!(talk.rest.last(), Some(&Action::Discard(NEXT)));
}

#[test]
fn what_is_not_ready_in_time_is_given_up_and_shows_where_it_is() {
    let mut talk = Talk::serving(LIMITS);
    talk.until(1_000, &[1, 2]).hup(1, Limits { boot: Some(5_000), ..LIMITS }).ready(3).forget();
    talk.until(5_999, &[1, 2, 3]);
    assert_eq!(talk.sent, []);
    talk.until(6_000, &[1, 2, 3]);
    assert_eq!(talk.sent, [(pid(4), Signal::Abort), (pid(3), Signal::Term)]);
    assert_eq!(talk.rest, [Action::Explain(Age(4), Why::Silent), Action::Discard(NEXT)]);
    assert!(talk.said_of(&failed(Refusal::Slow)));
    talk.forget();
    talk.until(7_000, &[1, 2]);
    assert_eq!(talk.sent, [(pid(4), Signal::Kill)]);
    talk.exit(4, signal("SIGKILL"));
    assert_eq!(talk.ages(), [], "nobody takes its place");
}

#[test]
fn a_new_worker_that_serves_when_the_reload_is_given_up_finishes_its_requests() {
    let mut talk = Talk::serving(LIMITS);
    talk.hup(1, LIMITS).ready(3).exit(4, code(4)).forget();
    talk.until(9_999, &[1, 2]);
    assert_eq!(talk.sent, []);
    talk.until(10_000, &[1, 2]);
    assert_eq!(talk.sent, [(pid(3), Signal::Abort)]);
}

#[test]
fn a_worker_that_was_ready_just_before_it_was_told_to_leave_gets_its_time() {
    let mut talk = Talk::serving(LIMITS);
    talk.hup(1, LIMITS).exit(4, code(3)).forget();
    talk.event(Event::Seen(Age(3), Stage::Stopping, 0)).until(9_999, &[1, 2]);
    assert_eq!(talk.sent, []);
}

#[test]
fn settings_that_cannot_be_read_change_nothing() {
    let mut talk = Talk::serving(LIMITS);
    talk.ask(Request::Hup).forget();
    let reason = "invalid syntax".to_owned();
    talk.event(Event::Reread(NEXT, Err(reason.clone())));
    assert_eq!(talk.rest, [Action::Discard(NEXT)]);
    assert_eq!(talk.said, [Notice::Renewal(failed(Refusal::Config { reason }))]);
    assert_eq!((talk.sent.len(), talk.ages().len()), (0, 0));
}

#[test]
fn a_fork_that_fails_again_and_again_ends_the_reload_and_not_the_server() {
    let mut talk = Talk::serving(LIMITS);
    talk.ask(Request::Hup);
    talk.arbiter.handle(Event::Reread(NEXT, Ok(Limits { workers: 1, ..LIMITS })), 0);
    let mut now = 0;
    for wait in [500, 1_000, 2_000, 0] {
        let Some(Action::Spawn(spawn)) = talk.arbiter.poll_action() else { panic!("nothing is spawned") };
        talk.arbiter.handle(Event::ForkFailed(spawn.age, "EAGAIN".to_owned()), now);
        now += wait;
        if wait > 0 {
            assert!(matches!(talk.arbiter.poll_action(), Some(Action::Log(Notice::ForkFailed { .. }))));
            talk.arbiter.handle(Event::Tick, now);
        }
    }
    talk.perform();
    assert_eq!(talk.rest.last(), Some(&Action::Discard(NEXT)));
    assert!(talk.said_of(&failed(Refusal::Fork { reason: "EAGAIN".to_owned() })));
}

#[test]
fn a_second_hup_begins_anew_once_the_first_has_left() {
    let mut talk = Talk::serving(LIMITS);
    talk.hup(1, LIMITS).forget();
    talk.ask(Request::Hup);
    assert_eq!(talk.rest, [Action::ReopenLogs, Action::Discard(NEXT)]);
    assert!(talk.said_of(&failed(Refusal::Again)));
    assert!(talk.sent.ends_with(&[(pid(3), Signal::Term), (pid(4), Signal::Term)]));
    talk.exit(3, code(0)).ask(Request::Hup);
    assert!(
        !talk.rest.iter().any(|action| matches!(action, Action::Reread(_))),
        "the fourth worker is there"
    );
    talk.exit(4, code(0));
    assert_eq!(talk.rest.last(), Some(&Action::Reread(Generation(2))), "one reload for all of them");
    talk.forget();
    talk.event(Event::Reread(Generation(2), Ok(LIMITS))).ready(5).ready(6);
    assert_eq!(talk.rest[0], Action::Adopt(Generation(2)));
}

#[test]
fn an_answer_that_comes_too_late_is_thrown_away() {
    let mut talk = Talk::serving(LIMITS);
    talk.ask(Request::Hup).ask(Request::Hup).forget();
    talk.event(Event::Reread(NEXT, Ok(LIMITS)));
    assert_eq!((talk.rest.as_slice(), talk.ages().len()), ([Action::Discard(NEXT)].as_slice(), 0));
    talk.event(Event::Reread(Generation(2), Ok(LIMITS)));
    assert_eq!(talk.ages(), [3, 4]);
}

#[test]
fn term_during_a_reload_stops_old_and_new() {
    let mut talk = Talk::serving(LIMITS);
    talk.hup(1, LIMITS).forget();
    talk.ask(Request::Term);
    assert_eq!(talk.rest, [Action::CloseListeners]);
    assert_eq!(talk.sent, [1, 2, 3, 4].map(|age| (pid(age), Signal::Term)));
    for age in 1..=4 {
        talk.exit(age, code(0));
    }
    assert_eq!(talk.rest.last(), Some(&Action::Exit(0)));
}

#[test]
fn a_worker_that_crashes_during_a_reload_is_replaced_by_the_old_generation() {
    let mut talk = Talk::serving(LIMITS);
    talk.until(5_000, &[1, 2]).hup(1, LIMITS).exit(1, signal("SIGSEGV"));
    assert_eq!(talk.spawned.last().map(|spawn| spawn.generation), Some(Generation(0)));
}

#[test]
fn the_new_setting_is_the_new_number_and_ttin_counts_for_both() {
    let mut talk = Talk::serving(LIMITS);
    talk.hup(1, Limits { workers: 3, ..LIMITS }).ask(Request::Ttin);
    assert_eq!(talk.ages(), [3, 4, 5, 6, 7], "one old and one new");
    for age in [3, 4, 5, 7] {
        talk.ready(age);
    }
    assert_eq!(talk.rest.last(), Some(&Action::Resized { new: 4, old: 3 }));
    assert!(talk.sent.contains(&(pid(6), Signal::Term)));
}

#[test]
fn a_suspension_during_a_reload_does_not_count() {
    let mut talk = Talk::serving(LIMITS);
    talk.hup(1, LIMITS).forget();
    talk.now = 3_600_000;
    talk.event(Event::Tick);
    assert_eq!((talk.sent.len(), talk.said.len()), (0, 1));
    talk.ready(3).ready(4);
    assert_eq!(talk.rest[0], Action::Adopt(NEXT));
}

#[test]
fn a_reload_may_succeed_before_any_worker_was_ever_ready() {
    let mut talk = Talk::booting(LIMITS);
    talk.hup(1, LIMITS).ready(3).forget();
    talk.ready(4);
    assert_eq!(talk.rest, [Action::Adopt(NEXT), Action::Resized { new: 2, old: 2 }, Action::AllReady]);
}
