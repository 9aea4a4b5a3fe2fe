//! Workers that give no sign of life.

use super::*;

#[test]
fn a_silent_worker_is_aborted_then_killed_then_replaced() {
    let mut talk = Talk::serving(LIMITS);
    talk.until(29_999, &[1]);
    assert_eq!(talk.sent, []);
    talk.until(30_000, &[1]);
    assert_eq!(talk.said, [Notice::Worker(pid(2), Fate::Timeout)]);
    assert_eq!(talk.sent, [(pid(2), Signal::Abort)]);
    assert_eq!(talk.rest, [Action::Explain(Age(2), Why::Silent)]);
    talk.until(31_000, &[1]);
    assert_eq!(talk.sent.last(), Some(&(pid(2), Signal::Kill)));
    assert_eq!(talk.ages(), [3], "its place is filled at once");
    talk.exit(2, signal("SIGKILL"));
    assert_eq!(talk.said.last(), Some(&Notice::Worker(pid(2), Fate::WasKilled)));
    assert_eq!(talk.ages(), [3]);
}

#[test]
fn a_worker_that_dies_of_its_abort_is_replaced_at_once() {
    let mut talk = Talk::serving(LIMITS);
    talk.until(30_000, &[1]).exit(2, signal("SIGABRT"));
    assert_eq!(talk.ages(), [3]);
}

#[test]
fn a_worker_that_hangs_at_boot_is_aborted_too() {
    let mut talk = Talk::booting(Limits { workers: 1, ..LIMITS });
    talk.until(30_000, &[]);
    assert_eq!(talk.sent, [(pid(1), Signal::Abort)]);
    talk.exit(1, signal("SIGABRT"));
    assert_eq!(talk.said.last(), Some(&Notice::BootRetry { wait: 500 }));
}

#[test]
fn no_timeout_means_no_watchdog_and_no_ticks() {
    let mut talk = Talk::serving(Limits { timeout: None, boot: None, ..LIMITS });
    assert_eq!(talk.arbiter.next_deadline(), None);
    talk.until(1_000_000_000, &[]);
    assert_eq!(talk.sent, []);
}

#[test]
fn after_a_suspension_everybody_gets_one_more_timeout() {
    let mut talk = Talk::serving(LIMITS);
    talk.now = 3_600_000;
    talk.event(Event::Tick);
    assert_eq!(talk.said, [Notice::WokeLate { late: 3_592_500 }]);
    assert_eq!(talk.sent, []);
    talk.until(3_629_999, &[1]);
    assert_eq!(talk.sent, []);
    talk.until(3_630_000, &[1]);
    assert_eq!(talk.sent, [(pid(2), Signal::Abort)]);
}

#[test]
fn after_a_suspension_a_reload_between_two_tries_gets_its_time_once_more() {
    let mut talk = Talk::serving(Limits { workers: 1, timeout: None, boot: None, ..LIMITS });
    talk.hup(1, Limits { workers: 1, ..LIMITS }).exit(2, signal("SIGSEGV")).event(Event::Tick).forget();
    talk.now = 3_600_000;
    talk.event(Event::Tick);
    assert_eq!((&talk.rest, talk.ages()), (&vec![], vec![3]));
}
