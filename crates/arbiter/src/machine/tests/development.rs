//! `--reload`: files change, and what cannot boot waits for the next change.

use super::*;

const WATCHED: Limits = Limits { workers: 1, waits_for_changes: true, ..LIMITS };

fn changed() -> Event {
    Event::FilesChanged("views.py".to_owned())
}

#[test]
fn a_first_boot_that_fails_waits_for_a_change() {
    let mut talk = Talk::booting(WATCHED);
    talk.exit(1, code(3)).until(1_000_000, &[]);
    assert_eq!(talk.ages(), [1]);
    assert!(talk.said_of(&Renewal::WaitsForChange));
    talk.event(changed());
    assert_eq!(talk.rest.last(), Some(&Action::Reread(Generation(1))));
    talk.event(Event::Reread(Generation(1), Ok(WATCHED))).ready(2);
    assert_eq!(talk.rest.last(), Some(&Action::AllReady));
}

#[test]
fn a_change_replaces_the_workers_quickly() {
    let mut talk = Talk::serving(WATCHED);
    talk.event(changed());
    assert_eq!(talk.said, [Notice::Renewal(Renewal::FilesChanged { file: "views.py".to_owned() })]);
    talk.event(Event::Reread(Generation(1), Ok(WATCHED))).ready(2);
    assert_eq!(talk.sent, [(pid(1), Signal::Term)]);
    talk.until(1_500, &[2]);
    assert_eq!(talk.sent[1..], [], "requests are finished");
    talk.until(2_500, &[2]);
    assert_eq!(talk.sent[1..], [(pid(1), Signal::Abort), (pid(1), Signal::Kill)]);
}

#[test]
fn a_broken_change_is_tried_once_and_the_old_code_goes_on() {
    let mut talk = Talk::serving(WATCHED);
    talk.event(changed()).event(Event::Reread(Generation(1), Ok(WATCHED))).exit(2, signal("SIGSEGV"));
    assert!(talk.said_of(&Renewal::Failed { why: Refusal::Crash { signal: "SIGSEGV".into() } }));
    talk.until(1_000_000, &[1]);
    assert_eq!((talk.ages(), talk.sent.len()), (vec![2], 0));
}

#[test]
fn a_fork_that_fails_is_not_the_codes_fault_and_is_tried_again() {
    let mut arbiter = Arbiter::new(WATCHED, 0);
    assert_eq!(arbiter.poll_action(), Some(first(1)));
    arbiter.handle(Event::ForkFailed(Age(1), "EAGAIN".to_owned()), 0);
    arbiter.handle(Event::Tick, 500);
    assert!(std::iter::from_fn(|| arbiter.poll_action()).any(|action| action == first(2)));
}
