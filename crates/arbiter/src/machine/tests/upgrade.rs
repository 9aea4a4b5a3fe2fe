//! USR2 and WINCH: two masters, and a daemon without workers.

use super::*;

const CHILD: Pid = Pid(900);

#[test]
fn one_upgrade_at_a_time() {
    let mut talk = Talk::serving(LIMITS);
    talk.ask(Request::Usr2).event(Event::UpgradeForked(CHILD)).ask(Request::Usr2);
    assert_eq!(talk.rest, [Action::Upgrade]);
    assert_eq!(talk.said.last(), Some(&Notice::Renewal(Renewal::ChildExists)));
    assert_eq!((talk.sent.len(), talk.ages().len()), (0, 0), "the workers do not notice");
}

#[test]
fn a_new_master_that_ends_makes_room_for_another() {
    let mut talk = Talk::serving(LIMITS);
    talk.ask(Request::Usr2).event(Event::UpgradeForked(CHILD)).event(Event::Exited(CHILD, code(3)));
    assert!(talk.said_of(&Renewal::UpgradeEnded { pid: CHILD, exit: code(3) }));
    talk.ask(Request::Usr2).event(Event::UpgradeFailed("no such file".to_owned())).ask(Request::Usr2);
    assert_eq!(talk.rest, [Action::Upgrade, Action::Upgrade, Action::Upgrade]);
    assert_eq!((talk.sent.len(), talk.ages().len()), (0, 0));
}

#[test]
fn a_successor_is_promoted_when_the_old_master_has_left() {
    let mut talk = Talk::booting(LIMITS);
    talk.arbiter = Arbiter::successor(LIMITS, 0);
    talk.perform();
    talk.ask(Request::Usr2);
    assert_eq!(talk.said.last(), Some(&Notice::Renewal(Renewal::ParentExists)));
    talk.event(Event::ParentGone).event(Event::ParentGone);
    assert_eq!(talk.rest, [Action::Promote]);
    talk.ask(Request::Usr2);
    assert_eq!(talk.rest, [Action::Promote, Action::Upgrade]);
}

#[test]
fn winch_stops_the_workers_of_a_daemon_and_hup_brings_them_back() {
    let daemon = Limits { daemon: true, ..LIMITS };
    let mut talk = Talk::serving(daemon);
    talk.ask(Request::Winch);
    assert_eq!(talk.sent, [(pid(1), Signal::Term), (pid(2), Signal::Term)]);
    assert_eq!(talk.rest, [Action::Resized { new: 0, old: 2 }]);
    talk.exit(1, code(0)).exit(2, code(0));
    assert_eq!(talk.ages(), []);
    talk.hup(1, daemon).ready(3).ready(4);
    assert!(talk.rest.contains(&Action::Resized { new: 2, old: 0 }));
    talk.exit(3, signal("SIGKILL"));
    assert_eq!(talk.ages(), [3, 4, 5]);
}

#[test]
fn winch_ends_a_reload() {
    let daemon = Limits { daemon: true, ..LIMITS };
    let mut talk = Talk::serving(daemon);
    talk.hup(1, daemon).forget();
    talk.ask(Request::Winch);
    assert_eq!(talk.rest, [Action::Discard(Generation(1)), Action::Resized { new: 0, old: 2 }]);
    assert_eq!(talk.sent.len(), 4);
}

#[test]
fn winch_means_nothing_where_there_is_a_terminal() {
    let mut talk = Talk::serving(LIMITS);
    talk.ask(Request::Winch);
    assert_eq!((talk.said.len(), talk.sent.len(), talk.rest.len()), (0, 0, 0));
}
