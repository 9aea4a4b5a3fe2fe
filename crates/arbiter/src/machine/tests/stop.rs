//! The way out.

use super::*;

#[test]
fn term_waits_for_the_graceful_timeout_and_then_kills() {
    let mut talk = Talk::serving(LIMITS);
    talk.ask(Request::Term);
    assert_eq!(talk.rest, [Action::CloseListeners]);
    assert_eq!(talk.sent, [(pid(1), Signal::Term), (pid(2), Signal::Term)]);
    talk.exit(1, code(0)).until(9_999, &[]);
    assert_eq!(talk.sent.len(), 2);
    talk.until(10_000, &[]);
    assert!(talk.said.contains(&Notice::Worker(pid(2), Fate::StopOverdue { allowed: 10_000 })));
    assert!(talk.rest.contains(&Action::Explain(Age(2), Why::Overdue)));
    assert_eq!(talk.sent.last(), Some(&(pid(2), Signal::Abort)), "its stacks are written");
    talk.until(10_500, &[]);
    assert_eq!(talk.sent.last(), Some(&(pid(2), Signal::Kill)));
    talk.exit(2, signal("SIGKILL"));
    assert_eq!(talk.said.last(), Some(&Notice::ShuttingDown { master: MASTER, ending: Ending::Asked }));
    assert_eq!(talk.rest.last(), Some(&Action::Exit(0)));
    assert_eq!(talk.ages(), []);
}

#[test]
fn a_worker_that_even_survives_sigkill_does_not_keep_the_master() {
    let mut talk = Talk::serving(LIMITS);
    talk.ask(Request::Term).until(10_900, &[]);
    assert!(talk.said.contains(&Notice::LeftBehind { workers: 2 }));
    assert_eq!(talk.rest.last(), Some(&Action::Exit(0)));
    assert_eq!(talk.arbiter.next_deadline(), None);
}

#[test]
fn int_and_quit_stop_within_two_seconds() {
    for request in [Request::Int, Request::Quit] {
        let mut talk = Talk::serving(LIMITS);
        talk.ask(request);
        assert_eq!(talk.sent, [(pid(1), Signal::Quit), (pid(2), Signal::Quit)]);
        talk.until(2_000, &[]);
        assert_eq!(talk.sent[2..], [(pid(1), Signal::Kill), (pid(2), Signal::Kill)]);
    }
}

#[test]
fn int_during_a_graceful_stop_makes_it_quick() {
    let mut talk = Talk::serving(LIMITS);
    talk.ask(Request::Term).until(1_000, &[]).ask(Request::Int);
    assert!(talk.said.contains(&Notice::QuickShutdown));
    assert_eq!(talk.sent[2..], [(pid(1), Signal::Quit), (pid(2), Signal::Quit)]);
    talk.until(3_000, &[]);
    assert_eq!(talk.sent[4..], [(pid(1), Signal::Kill), (pid(2), Signal::Kill)]);
    assert_eq!(talk.rest.iter().filter(|action| **action == Action::CloseListeners).count(), 1);
}

#[test]
fn a_quick_request_never_makes_a_stop_longer() {
    let mut talk = Talk::serving(LIMITS);
    talk.ask(Request::Term).until(9_500, &[]).ask(Request::Int).until(10_000, &[]);
    assert_eq!(talk.sent.last(), Some(&(pid(2), Signal::Kill)));
}

#[test]
fn a_worker_that_is_still_booting_is_not_given_the_whole_graceful_timeout() {
    let mut talk = Talk::booting(Limits { workers: 1, ..LIMITS });
    talk.ask(Request::Term).until(1_000, &[]);
    assert_eq!(talk.sent, [(pid(1), Signal::Term), (pid(1), Signal::Kill)]);
}

#[test]
fn a_fork_that_finishes_during_a_stop_is_told_to_leave() {
    let mut arbiter = Arbiter::new(Limits { workers: 1, ..LIMITS }, 0);
    assert_eq!(arbiter.poll_action(), Some(first(1)));
    arbiter.handle(Event::Asked(Request::Int), 0);
    arbiter.handle(Event::Forked(Age(1), Pid(7)), 0);
    let actions: Vec<_> = std::iter::from_fn(|| arbiter.poll_action()).collect();
    assert_eq!(actions.last(), Some(&Action::Send(Pid(7), Signal::Quit)));
}

const DRAIN: Limits = Limits { drain: 5_000, ..LIMITS };

#[test]
fn a_drain_goes_on_serving_and_then_stops_gracefully() {
    let mut talk = Talk::serving(DRAIN);
    talk.until(2_000, &[1, 2]).ask(Request::Term);
    assert_eq!((talk.rest.as_slice(), talk.sent.len()), ([Action::Drain].as_slice(), 0));
    talk.exit(1, signal("SIGKILL"));
    assert_eq!(talk.ages(), [3], "a worker that dies is still replaced");
    talk.ready(3).until(6_999, &[2, 3]);
    assert_eq!(talk.sent, []);
    talk.until(7_000, &[2, 3]);
    assert_eq!(talk.sent, [(pid(2), Signal::Term), (pid(3), Signal::Term)]);
    assert_eq!(talk.rest.last(), Some(&Action::CloseListeners));
}

#[test]
fn a_drain_is_cut_short_by_another_request_to_stop() {
    for (request, signal) in
        [(Request::Term, Signal::Term), (Request::Int, Signal::Quit), (Request::Quit, Signal::Quit)]
    {
        let mut talk = Talk::serving(DRAIN);
        talk.ask(Request::Term).ask(request);
        assert_eq!(talk.sent, [(pid(1), signal), (pid(2), signal)]);
    }
}

#[test]
fn a_drain_ends_a_reload_and_refuses_another() {
    let mut talk = Talk::serving(DRAIN);
    talk.hup(1, DRAIN).forget();
    talk.ask(Request::Term);
    assert_eq!(talk.rest, [Action::Discard(Generation(1)), Action::Drain]);
    talk.ask(Request::Hup).ask(Request::Usr2);
    assert_eq!(talk.said.last(), Some(&Notice::AlreadyStopping { request: Request::Usr2 }));
    assert_eq!(talk.rest.len(), 2);
}

#[test]
fn who_never_served_does_not_drain() {
    let mut talk = Talk::booting(DRAIN);
    talk.ask(Request::Term);
    assert_eq!(talk.rest, [Action::CloseListeners]);
}
