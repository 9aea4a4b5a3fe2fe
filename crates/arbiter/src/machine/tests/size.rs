//! How many workers there are, and their log files.

use super::*;

#[test]
fn ttin_adds_a_worker_and_ttou_retires_the_oldest() {
    let mut talk = Talk::serving(LIMITS);
    talk.ask(Request::Ttin);
    assert_eq!(talk.ages(), [3]);
    talk.ready(3).ask(Request::Ttou);
    assert_eq!(talk.sent, [(pid(1), Signal::Term)]);
    talk.until(10_500, &[2, 3]);
    assert_eq!(talk.sent.last(), Some(&(pid(1), Signal::Kill)), "bounded by the graceful timeout");
    talk.exit(1, signal("SIGKILL"));
    assert_eq!(talk.ages(), [3], "a retired worker is not replaced");
}

#[test]
fn ttou_keeps_one_worker() {
    let mut talk = Talk::serving(Limits { workers: 1, ..LIMITS });
    talk.ask(Request::Ttou);
    assert_eq!(talk.sent, []);
}

#[test]
fn usr1_reopens_the_logs_everywhere() {
    let mut talk = Talk::serving(LIMITS);
    talk.ask(Request::Usr1);
    assert_eq!(talk.rest, [Action::ReopenLogs]);
    assert_eq!(talk.sent, [(pid(1), Signal::Usr1), (pid(2), Signal::Usr1)]);
}

#[test]
fn ttou_retires_the_oldest_as_soon_as_another_serves() {
    let mut talk = Talk::serving(LIMITS);
    talk.ask(Request::Ttin).ask(Request::Ttou);
    assert_eq!(talk.sent, [], "two have to serve, and the third does not yet");
    assert_eq!(talk.rest, [Action::Resized { new: 3, old: 2 }, Action::Resized { new: 2, old: 3 }]);
    talk.ready(3);
    assert_eq!(talk.sent, [(pid(1), Signal::Term)]);
}

#[test]
fn ttou_takes_back_what_boots_beyond_the_places() {
    let mut talk = Talk::serving(LIMITS);
    for request in [Request::Ttin, Request::Ttin, Request::Ttin, Request::Ttou, Request::Ttou, Request::Ttou]
    {
        talk.ask(request);
    }
    assert_eq!(talk.sent, [(pid(3), Signal::Term)], "the two youngest stay");
    talk.ready(5);
    assert_eq!(talk.sent.last(), Some(&(pid(1), Signal::Term)));
    talk.exit(4, code(3));
    assert_eq!((talk.sent.len(), talk.ages()), (2, vec![3, 4, 5]), "who cannot boot takes nobody's place");
}

#[test]
fn ttou_during_a_reload_takes_one_that_is_not_ready_first() {
    let mut talk = Talk::serving(LIMITS);
    talk.ask(Request::Ttin).hup(1, LIMITS).forget();
    talk.ask(Request::Ttou);
    assert_eq!(talk.sent, [(pid(3), Signal::Term), (pid(4), Signal::Term)]);
}
