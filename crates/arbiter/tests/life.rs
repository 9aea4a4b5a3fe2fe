//! The life of real processes: signals, crashes, hangs, and the death of the master.

mod server;

use std::{
    io::Read as _,
    net::TcpStream,
    os::unix::net::UnixStream,
    time::{Duration, Instant},
};

use nix::sys::signal::{Signal, kill};
use server::{Server, answers, is_alive, pid_of, read, wait_until};

#[test]
fn the_first_lines_are_gunicorns_and_in_its_order() {
    let mut server = Server::start("serves", &["-w", "2", "-k", "sync"]);
    server.booted(2);
    let log = server.log();
    let texts: Vec<_> = log.lines().map(|line| line.rsplit_once("] ").unwrap().1).collect();
    let pid = server.pid();
    assert!(texts[0].starts_with("Starting rgunicorn 0."), "{log}");
    assert!(texts[1].starts_with("Listening at: http://127.0.0.1:"), "{log}");
    assert!(texts[1].ends_with(&format!(" ({pid})")), "{log}");
    assert_eq!(texts[2], "Using worker: sync");
    assert!(texts[3].starts_with("Booting worker with pid: "), "{log}");
    server.stop();
}

#[test]
fn a_worker_logs_under_its_own_pid() {
    let mut server = Server::start("serves", &[]);
    let worker = server.booted(1)[0];
    assert!(server.log().lines().last().unwrap().contains(&format!("[{worker}] [INFO] Booting")));
    server.stop();
}

#[test]
fn term_stops_everything_and_leaves_no_file() {
    let mut server = Server::start("serves", &["-w", "3", "-p", "server.pid", "-b", "unix:site.sock"]);
    server.booted(3);
    assert_eq!(read(&server.path("server.pid")), format!("{}\n", server.pid()));
    server.signal(Signal::SIGTERM);
    assert_eq!(server.end().code(), Some(0));
    assert_eq!(server.count("Handling signal: term"), 1);
    assert_eq!(server.count("Worker exiting (pid: "), 3);
    assert!(server.log().ends_with("Shutting down: Master"), "{}", server.log());
    assert!(!server.path("server.pid").exists() && !server.path("site.sock").exists());
}

#[test]
fn int_stops_at_once() {
    let mut server = Server::start("serves", &[]);
    server.booted(1);
    server.signal(Signal::SIGINT);
    assert_eq!(server.end().code(), Some(0));
    assert_eq!(server.count("Handling signal: int"), 1);
}

#[test]
fn a_worker_that_ignores_a_stop_is_killed_after_the_graceful_timeout() {
    let mut server = Server::start("hangs", &["--graceful-timeout", "1", "-p", "server.pid"]);
    server.booted(1);
    wait_until("the worker is ready", || server.path("server.pid").exists());
    let asked = Instant::now();
    server.signal(Signal::SIGTERM);
    assert_eq!(server.end().code(), Some(0));
    assert!(asked.elapsed() < Duration::from_millis(1_990), "graceful timeout plus one second");
    assert!(server.count("did not stop within 1 s") == 1, "{}", server.log());
    assert!(server.log().contains("was sent SIGABRT!"), "its stacks are asked for: {}", server.log());
}

#[test]
fn a_worker_that_stays_without_a_request_is_told_from_one_that_works() {
    for (app, expected) in [("lingers", "has no request left"), ("hangs", "GET /slow")] {
        let mut server =
            Server::start(app, &["--graceful-timeout", "0.1", "--daemon", "--log-file", "log", "-p", "pid"]);
        assert_eq!(server.end().code(), Some(0), "its worker is ready");
        let master = pid_of(read(&server.path("pid")).trim());
        kill(master, Signal::SIGTERM).unwrap();
        wait_until("it is gone", || !is_alive(master));
        let log = read(&server.path("log"));
        assert!(log.contains("did not stop within 0.1 s") && log.contains(expected), "{app}: {log}");
    }
}

#[test]
fn a_killed_worker_is_replaced() {
    let mut server = Server::start("serves", &[]);
    let worker = server.booted(1)[0];
    kill(worker, Signal::SIGKILL).unwrap();
    server.wait_line(&format!("Worker (pid:{worker}) was sent SIGKILL! Perhaps out of memory?"));
    let next = server.booted(1)[0];
    assert!(next != worker && is_alive(next));
    server.stop();
}

#[test]
fn nothing_outlives_a_master_that_was_killed() {
    for app in ["serves", "hangs", "hangs_at_boot"] {
        let mut server = Server::start(app, &["-w", "3", "-p", "server.pid", "-b", "unix:site.sock"]);
        server.booted(3);
        server.signal(Signal::SIGKILL);
        server.wait_gone();
        assert!(!server.path("server.pid").exists() && !server.path("site.sock").exists());
    }
}

#[test]
fn not_even_a_suspended_worker_outlives_a_master_that_was_killed() {
    let mut server = Server::start("serves", &["-w", "3"]);
    let suspended = server.booted(3)[1];
    kill(suspended, Signal::SIGSTOP).unwrap();
    server.signal(Signal::SIGKILL);
    server.wait_gone();
    wait_until("it is gone too", || !is_alive(suspended));
}

#[test]
fn a_silent_worker_is_aborted_with_its_request_in_the_log() {
    let mut server = Server::start("hangs", &["-t", "1"]);
    let worker = server.booted(1)[0];
    server.wait_line(&format!("[CRITICAL] WORKER TIMEOUT (pid:{worker})"));
    let line = server.wait_line("GET /slow");
    assert!(line.contains(&format!("Worker (pid:{worker}) has worked for 1")), "{line}");
    server.wait_line(&format!("Worker (pid:{worker}) was sent SIGABRT!"));
    server.booted(1);
    server.signal(Signal::SIGINT);
    server.end();
}

#[test]
fn a_worker_that_dies_leaves_its_request_in_the_log() {
    let mut server = Server::start("crashes_in_a_request", &[]);
    let address = server.address();
    let worker = server.booted(1)[0];
    TcpStream::connect(address).unwrap();
    server.wait_line(&format!("Worker (pid:{worker}) was sent SIGILL!"));
    let line = server.wait_line("GET /crash");
    assert!(line.contains(&format!("[ERROR] Worker (pid:{worker}) died after ")), "{line}");
    server.booted(1);
    server.stop();
}

#[test]
fn a_stopped_worker_is_told_from_one_that_hangs() {
    let mut server = Server::start("serves", &["-t", "1", "-b", "unix:site.sock"]);
    let worker = server.booted(1)[0];
    let mut answer = String::new();
    UnixStream::connect(server.path("site.sock")).unwrap().read_to_string(&mut answer).unwrap();
    kill(worker, Signal::SIGSTOP).unwrap();
    server.wait_line(&format!("WORKER TIMEOUT (pid:{worker})"));
    server.wait_line(&format!("Worker (pid:{worker}) is stopped by a signal or a debugger"));
    server.booted(1);
    server.stop();
}

#[test]
fn a_worker_that_survives_sigabrt_is_killed() {
    let mut server = Server::start("survives_abort", &["-t", "1"]);
    let worker = server.booted(1)[0];
    server.wait_line(&format!("WORKER TIMEOUT (pid:{worker})"));
    server.wait_line("hangs outside of any request");
    let line = server.wait_line(&format!("Worker (pid:{worker}) was sent SIGKILL!"));
    assert!(line.ends_with('!'), "{line}");
    server.signal(Signal::SIGINT);
    server.end();
}

#[test]
fn a_worker_that_hangs_at_boot_says_so() {
    let mut server = Server::start("hangs_at_boot", &["--boot-timeout", "1"]);
    server.wait_line("WORKER TIMEOUT");
    server.wait_line("the application hangs while it loads or starts");
    server.signal(Signal::SIGTERM);
    assert_eq!(server.end().code(), Some(0));
}

#[test]
fn a_boot_failure_ends_the_server_with_its_status_and_is_shown_once() {
    for (app, status, reason) in
        [("fails_3", 3, "Reason: Worker failed to boot."), ("fails_4", 4, "Reason: App failed to load.")]
    {
        let mut server = Server::start(app, &["-w", "4", "-p", "server.pid", "-b", "unix:site.sock"]);
        assert_eq!(server.end().code(), Some(status), "{}", server.log());
        assert_eq!(server.count("Exception in worker process"), 1, "{}", server.log());
        assert_eq!(server.count(&format!("exited with code {status}.")), 1, "{}", server.log());
        assert!(server.log().ends_with(reason), "{}", server.log());
        assert!(!server.path("server.pid").exists() && !server.path("site.sock").exists());
    }
}

#[test]
fn a_crash_at_the_first_boot_is_retried_and_then_given_up() {
    let mut server = Server::start("crashes_at_boot", &[]);
    assert_eq!(server.end().code(), Some(3));
    assert_eq!(server.count("was sent SIGILL!"), 4, "{}", server.log());
    assert_eq!(server.count("Worker failed to boot: trying again in"), 3, "{}", server.log());
}

#[test]
fn an_exit_with_3_while_serving_is_a_crash_and_not_a_boot_failure() {
    let mut server = Server::start("exits_3_when_asked", &[]);
    let address = server.address();
    let worker = server.booted(1)[0];
    let mut answer = String::new();
    TcpStream::connect(address).unwrap().read_to_string(&mut answer).unwrap();
    assert_eq!(answer, format!("{worker}\n"));
    server.wait_line("exited with code 3.");
    server.booted(1);
    server.stop();
}

#[test]
fn ttin_and_ttou_change_the_number_of_workers() {
    let mut server = Server::start("serves", &["-b", "unix:site.sock"]);
    let first = server.booted(1)[0];
    server.signal(Signal::SIGTTIN);
    server.wait_line("Handling signal: ttin");
    let second = server.booted(1)[0];
    // One that is not ready would be the one to go.
    let socket = server.path("site.sock");
    wait_until("the second one is ready", || answers(&socket) == second);
    server.signal(Signal::SIGTTOU);
    server.wait_line("Handling signal: ttou");
    server.wait_line(&format!("Worker exiting (pid: {first})"));
    assert!(is_alive(second));
    server.stop();
}

#[test]
fn usr1_reaches_the_workers() {
    let mut server = Server::start("serves", &[]);
    server.booted(1);
    server.signal(Signal::SIGUSR1);
    server.wait_line("reopening");
    server.stop();
}

#[test]
fn a_hang_up_of_the_whole_terminal_does_not_cost_a_worker() {
    let mut server = Server::start("serves", &["-b", "unix:site.sock"]);
    let worker = server.booted(1)[0];
    for signal in [Signal::SIGHUP, Signal::SIGUSR2, Signal::SIGWINCH, Signal::SIGTTIN, Signal::SIGTTOU] {
        kill(worker, signal).unwrap();
    }
    let mut answer = String::new();
    UnixStream::connect(server.path("site.sock")).unwrap().read_to_string(&mut answer).unwrap();
    server.signal(Signal::SIGTERM);
    server.end();
    assert_eq!(answer, format!("{worker}\n"), "{}", server.log());
}
