//! The first start, and boots that fail.

use super::*;

#[test]
fn the_first_workers_are_spawned_back_to_back_and_announced_once() {
    let mut talk = Talk::booting(LIMITS);
    assert_eq!(talk.ages(), [1, 2]);
    talk.ready(1);
    assert_eq!(talk.rest, []);
    talk.ready(2);
    assert_eq!(talk.rest, [Action::AllReady]);
    talk.exit(2, signal("SIGKILL")).ready(3);
    assert_eq!(talk.rest, [Action::AllReady, Action::Explain(Age(2), Why::Died), Action::Release(Age(2))]);
}

#[test]
fn a_boot_failure_at_the_first_start_ends_the_master_with_its_status() {
    for (status, words) in [(3, "Worker failed to boot."), (4, "App failed to load.")] {
        let mut talk = Talk::booting(LIMITS);
        talk.exit(1, code(status)).exit(2, code(status));
        assert_eq!(talk.ages(), [1, 2], "nothing is respawned");
        assert_eq!(talk.sent, [(pid(2), Signal::Quit)]);
        assert_eq!(
            talk.said,
            [
                Notice::Worker(pid(1), Fate::ExitedWithCode { code: status }),
                Notice::ShuttingDown { master: MASTER, ending: Ending::Failed },
                Notice::Reason { text: words },
            ]
        );
        assert_eq!(talk.rest.last(), Some(&Action::Exit(u8::try_from(status).unwrap())));
    }
}

#[test]
fn a_sibling_that_never_stops_importing_does_not_delay_a_failed_start() {
    let mut talk = Talk::booting(LIMITS);
    talk.exit(1, code(3)).until(1_000, &[]);
    assert_eq!(talk.sent, [(pid(2), Signal::Quit), (pid(2), Signal::Kill)]);
    talk.exit(2, signal("SIGKILL"));
    assert_eq!(talk.rest.last(), Some(&Action::Exit(3)));
}

#[test]
fn a_crash_at_the_first_start_is_retried_a_few_times_with_growing_waits() {
    let mut talk = Talk::booting(Limits { workers: 1, ..LIMITS });
    for (age, wait) in [(1, 500), (2, 1_000), (3, 2_000)] {
        talk.exit(age, signal("SIGSEGV"));
        assert_eq!(talk.said.last(), Some(&Notice::BootRetry { wait }));
        let now = talk.now;
        talk.until(now + wait - 1, &[]);
        assert_eq!(talk.ages().last(), Some(&age));
        talk.until(now + wait, &[]);
        assert_eq!(talk.ages().last(), Some(&(age + 1)));
    }
    talk.exit(4, signal("SIGSEGV"));
    assert_eq!(talk.rest.last(), Some(&Action::Exit(3)));
}

#[test]
fn after_the_first_success_boot_failures_are_retried_for_ever() {
    let mut talk = Talk::serving(LIMITS);
    talk.until(2_000, &[1, 2]).exit(2, code(1));
    for age in 3..20 {
        talk.exit(age, code(3));
        let end = talk.now + 30_000;
        talk.until(end, &[1]);
        assert_eq!(talk.ages().last(), Some(&(age + 1)));
    }
    assert!(!talk.rest.iter().any(|action| matches!(action, Action::Exit(_))));
}

#[test]
fn a_failed_fork_is_tried_again_later() {
    let mut arbiter = Arbiter::new(Limits { workers: 1, ..LIMITS }, 0);
    assert_eq!(arbiter.poll_action(), Some(first(1)));
    arbiter.handle(Event::ForkFailed(Age(1), "EAGAIN".to_owned()), 0);
    let refused = Notice::ForkFailed { reason: "EAGAIN".to_owned(), wait: 500 };
    assert_eq!(arbiter.poll_action(), Some(Action::Log(refused)));
    assert_eq!((arbiter.poll_action(), arbiter.next_deadline()), (None, Some(500)));
    arbiter.handle(Event::Tick, 500);
    assert_eq!(arbiter.poll_action(), Some(first(2)));
}
