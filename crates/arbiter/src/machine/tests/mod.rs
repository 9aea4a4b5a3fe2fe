//! One test for each transition, written as the conversation that it is.

use super::{
    Arbiter,
    event::{
        Action, Age, Event, Exit, Generation, Limits, Millis, Pid, Request, Role, Signal, Spawn, Stage, Why,
    },
    notices::{Ending, Fate, MASTER, Notice},
};

const LIMITS: Limits = Limits {
    workers: 2,
    timeout: Some(30_000),
    boot: Some(30_000),
    graceful: 10_000,
    drain: 0,
    rolling: false,
    preload: false,
    lifetime: None,
    seed: 0,
    waits_for_changes: false,
    daemon: false,
};

/// The machine, and what it asked for since the last look (forks are answered: the pid is the age plus 100).
struct Talk {
    arbiter: Arbiter,
    now: Millis,
    spawned: Vec<Age>,
    said: Vec<Notice>,
    sent: Vec<(Pid, Signal)>,
    rest: Vec<Action>,
}

fn pid(age: u32) -> Pid {
    Pid(i32::try_from(age).unwrap() + 100)
}

/// A plain worker of what the server started with.
fn first(age: u32) -> Action {
    Action::Spawn(Spawn { age: Age(age), generation: Generation(0), role: Role::Worker, from: None })
}

fn code(code: i32) -> Exit {
    Exit::Code(code)
}

fn signal(name: &'static str) -> Exit {
    Exit::Signal(name.into())
}

impl Talk {
    fn booting(limits: Limits) -> Self {
        let arbiter = Arbiter::new(limits, 0);
        let mut talk = Self { arbiter, now: 0, spawned: vec![], said: vec![], sent: vec![], rest: vec![] };
        talk.perform();
        talk
    }

    /// All workers ready, nothing left unread.
    fn serving(limits: Limits) -> Self {
        let mut talk = Self::booting(limits);
        for age in 1..=limits.workers {
            talk.ready(age);
        }
        assert_eq!(talk.rest, [Action::AllReady]);
        talk.forget();
        talk
    }

    fn forget(&mut self) {
        self.spawned.clear();
        self.said.clear();
        self.sent.clear();
        self.rest.clear();
    }

    fn perform(&mut self) {
        while let Some(action) = self.arbiter.poll_action() {
            match action {
                Action::Spawn(Spawn { age, .. }) => {
                    self.spawned.push(age);
                    self.arbiter.handle(Event::Forked(age, pid(age.0)), self.now);
                }
                Action::Send(pid, signal) => self.sent.push((pid, signal)),
                Action::Log(notice) => self.said.push(notice),
                Action::Explain(..)
                | Action::Release(_)
                | Action::CloseListeners
                | Action::ReopenLogs
                | Action::Reread(_)
                | Action::Adopt(_)
                | Action::Discard(_)
                | Action::Upgrade
                | Action::Promote
                | Action::Resized { .. }
                | Action::Drain
                | Action::AllReady
                | Action::Exit(_) => self.rest.push(action),
            }
        }
    }

    fn event(&mut self, event: Event) -> &mut Self {
        self.arbiter.handle(event, self.now);
        self.perform();
        self
    }

    fn ready(&mut self, age: u32) -> &mut Self {
        self.event(Event::Seen(Age(age), Stage::Ready, self.now))
    }

    fn ask(&mut self, request: Request) -> &mut Self {
        self.event(Event::Asked(request))
    }

    fn exit(&mut self, age: u32, exit: Exit) -> &mut Self {
        self.event(Event::Exited(pid(age), exit))
    }

    /// Time passes, deadline by deadline, while `beating` workers give signs of life.
    fn until(&mut self, end: Millis, beating: &[u32]) -> &mut Self {
        while self.now < end {
            self.now = self.arbiter.next_deadline().unwrap_or(end).clamp(self.now + 1, end);
            for age in beating {
                self.event(Event::Seen(Age(*age), Stage::Ready, self.now));
            }
            self.event(Event::Tick);
        }
        self
    }

    fn ages(&self) -> Vec<u32> {
        self.spawned.iter().map(|age| age.0).collect()
    }
}

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
fn a_serving_worker_that_dies_is_replaced_at_once() {
    let mut talk = Talk::serving(LIMITS);
    talk.until(5_000, &[1, 2]).exit(1, signal("SIGSEGV"));
    assert_eq!(talk.ages(), [3]);
    assert_eq!(talk.said, [Notice::Worker(pid(1), Fate::WasSent { signal: "SIGSEGV".into() })]);
}

#[test]
fn the_end_of_a_worker_is_never_silent() {
    let mut talk = Talk::booting(LIMITS);
    talk.ready(1).exit(1, code(0)).exit(2, code(0));
    assert_eq!(
        talk.rest,
        [Action::Explain(Age(1), Why::Died), Action::Release(Age(1)), Action::Release(Age(2))]
    );
    let fates: Vec<_> = talk.said.iter().filter(|said| matches!(said, Notice::Worker(..))).collect();
    assert_eq!(
        fates,
        [
            &Notice::Worker(pid(1), Fate::LeftUnasked),
            &Notice::Worker(pid(2), Fate::ExitedWithCode { code: 0 })
        ]
    );
}

#[test]
fn a_worker_that_was_ready_and_stops_in_the_same_moment_has_not_failed_to_boot() {
    let mut talk = Talk::booting(LIMITS);
    talk.event(Event::Seen(Age(1), Stage::Stopping, 0)).exit(1, code(0));
    assert_eq!(talk.said, [Notice::Worker(pid(1), Fate::LeftUnasked)]);
    assert_eq!(talk.ages(), [1, 2, 3]);
}

#[test]
fn five_workers_killed_within_three_seconds_are_five_immediate_respawns() {
    let mut talk = Talk::serving(Limits { workers: 1, ..LIMITS });
    for age in 1..=5 {
        talk.until(u64::from(age) * 500, &[age]).exit(age, signal("SIGKILL")).ready(age + 1);
    }
    assert_eq!(talk.ages(), [2, 3, 4, 5, 6]);
    assert!(talk.said.iter().all(|said| matches!(said, Notice::Worker(_, Fate::PerhapsOutOfMemory))));
}

#[test]
fn workers_that_keep_dying_young_are_not_respawned_in_a_tight_loop() {
    let mut talk = Talk::serving(Limits { workers: 1, ..LIMITS });
    let mut age = 1;
    while talk.ages().last() == Some(&age) || age == 1 {
        talk.exit(age, code(1)).ready(age + 1);
        age += 1;
    }
    assert_eq!(age, 12, "ten are forgiven");
    assert_eq!(talk.said.last(), Some(&Notice::DyingYoung { wait: 500 }));
    talk.forget();
    talk.until(499, &[]);
    assert_eq!(talk.ages(), []);
    talk.until(500, &[]);
    assert_eq!(talk.ages(), [12]);
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
fn system_exit_3_of_a_serving_application_is_not_a_boot_failure() {
    let mut talk = Talk::booting(LIMITS);
    talk.ready(1).exit(1, code(3));
    assert_eq!(talk.ages(), [1, 2, 3]);
    assert!(!talk.rest.contains(&Action::Exit(3)));
}

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
fn an_orphan_is_reaped_without_a_word() {
    let mut talk = Talk::serving(LIMITS);
    talk.event(Event::Exited(Pid(4_000), code(3)));
    assert_eq!((talk.said.len(), talk.rest.len(), talk.ages().len()), (0, 0, 0));
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
