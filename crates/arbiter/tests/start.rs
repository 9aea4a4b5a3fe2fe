//! How a server starts: what it takes over, what it refuses, and what a command learns of its daemon.

mod server;

use std::{
    net::TcpListener,
    os::unix::net::UnixListener,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use server::{Server, command, is_alive, pid_of, read, wait_until};
use tempfile::TempDir;

/// Run a command that ends by itself, and hold it to two seconds.
fn ends(command: &mut Command) -> (Option<i32>, String) {
    let began = Instant::now();
    let Output { status, stderr, .. } =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().expect("it can start");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    (status.code(), String::from_utf8(stderr).expect("text"))
}

fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

fn files(directory: &TempDir) -> Vec<String> {
    let entries = std::fs::read_dir(directory.path()).expect("it is there");
    entries.map(|entry| entry.expect("it is there").file_name().into_string().expect("text")).collect()
}

#[test]
fn a_port_in_use_is_refused_in_time_and_nothing_stays() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let directory = directory();
    let args = ["-b", "unix:site.sock", "-b", &taken, "-p", "server.pid"];
    let (status, said) = ends(&mut command(&directory, "serves", &args));
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains(&format!("[ERROR] cannot bind `{taken}`: the address is in use (")), "{said}");
    assert_eq!(said.matches("Connection in use").count(), 4, "{said}");
    assert_eq!(files(&directory), [""; 0]);
}

#[test]
fn a_port_that_becomes_free_is_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut server = Server::start("serves", &["-b", &address]);
    server.wait_line("Connection in use");
    drop(taken);
    server.booted(1);
    server.stop();
}

#[test]
fn a_stop_is_heard_while_a_port_is_waited_for() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut server = Server::start("serves", &["-b", &taken.local_addr().unwrap().to_string()]);
    server.wait_line("Connection in use");
    server.signal(Signal::SIGTERM);
    assert_eq!(server.end().code(), Some(0));
    assert!(!server.log().contains("cannot bind"), "{}", server.log());
}

#[test]
fn a_stale_socket_is_taken_over_and_a_live_one_is_not() {
    let directory = directory();
    let path = directory.path().join("site.sock");
    drop(UnixListener::bind(&path).unwrap());
    let mut server = Server::start_in(directory, "serves", &["-b", "unix:site.sock"]);
    server.booted(1);
    let other = tempfile::tempdir().unwrap();
    let (status, said) = ends(&mut command(&other, "serves", &["-b", &format!("unix:{}", path.display())]));
    assert_eq!(status, Some(1));
    assert!(said.contains("the address is in use"), "{said}");
    assert!(path.exists(), "it belongs to the server that lives");
    server.stop();
}

#[test]
fn a_live_pid_in_the_pid_file_is_named() {
    let mut server = Server::start("serves", &["-p", "server.pid"]);
    server.booted(1);
    let pidfile = server.path("server.pid");
    let other = directory();
    let (status, said) = ends(&mut command(&other, "serves", &["-p", pidfile.to_str().unwrap()]));
    assert_eq!(status, Some(1));
    assert!(said.contains(&format!("Already running on PID {}", server.pid())), "{said}");
    assert_eq!(read(&pidfile), format!("{}\n", server.pid()));
    server.stop();
}

#[test]
fn a_pid_file_that_cannot_be_written_is_refused() {
    let directory = directory();
    let (status, said) = ends(&mut command(&directory, "serves", &["-p", "missing/server.pid"]));
    assert_eq!(status, Some(1));
    assert!(said.contains("cannot write the pid file `missing/server.pid`"), "{said}");
}

#[test]
fn an_error_shows_where_the_server_was_started_even_with_a_log_file() {
    let directory = directory();
    let args = ["-p", "missing/server.pid", "--error-logfile", "error.log"];
    let (_, said) = ends(&mut command(&directory, "serves", &args));
    assert!(said.contains("cannot write the pid file"), "{said}");
    assert!(read(&directory.path().join("error.log")).contains("cannot write the pid file"));
}

/// A daemon in `directory`, when the command has returned.
fn daemon(directory: &TempDir, app: &str) -> (Option<i32>, String) {
    let args = ["--daemon", "-w", "2", "-p", "server.pid", "--error-logfile", "error.log"];
    ends(&mut command(directory, app, &args))
}

#[test]
fn the_command_returns_when_the_daemons_workers_are_ready() {
    let directory = directory();
    // Both streams are pipes that the command shares with the daemon: reading to their end shows that it let go.
    let (status, said) = daemon(&directory, "serves");
    assert_eq!((status, said.as_str()), (Some(0), ""));
    let pid = pid_of(read(&directory.path().join("server.pid")).trim());
    let log = read(&directory.path().join("error.log"));
    assert_eq!(log.matches("Booting worker with pid: ").count(), 2, "{log}");
    let group = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<_> = group.rsplit_once(')').unwrap().1.split_whitespace().collect();
    assert_ne!(fields[3], pid.to_string(), "no session leader");
    kill(pid, Signal::SIGTERM).unwrap();
    wait_until("the daemon is gone", || !is_alive(pid) && !directory.path().join("server.pid").exists());
    assert!(read(&directory.path().join("error.log")).contains("Shutting down: Master"));
}

#[test]
fn the_command_gets_the_error_and_the_status_of_a_daemon_that_fails() {
    let directory = directory();
    let (status, said) = daemon(&directory, "fails_4");
    assert_eq!(status, Some(4), "{said}");
    assert!(said.contains("[ERROR] Exception in worker process"), "{said}");
    assert!(said.contains("Reason: App failed to load."), "{said}");
    assert_eq!(files(&directory), ["error.log"]);
}

#[test]
fn the_command_gets_the_error_of_a_daemon_that_cannot_bind() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let directory = directory();
    let (status, said) = ends(&mut command(&directory, "serves", &["--daemon", "-b", &taken]));
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("cannot bind"), "{said}");
}

#[test]
fn a_daemon_without_a_log_file_says_so_while_somebody_listens() {
    let directory = directory();
    let args = ["--daemon", "-p", "server.pid", "-b", "unix:site.sock"];
    let (status, said) = ends(&mut command(&directory, "serves", &args));
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("[WARNING] The error log ends here"), "{said}");
    let pid = pid_of(read(&directory.path().join("server.pid")).trim());
    kill(pid, Signal::SIGTERM).unwrap();
    wait_until("the daemon is gone", || !is_alive(pid));
}

#[test]
fn an_interrupted_command_says_that_the_daemon_goes_on() {
    let args = ["--daemon", "-p", "server.pid"];
    let mut server = Server::start("hangs_at_boot", &args);
    server.booted(1);
    server.signal(Signal::SIGINT);
    let line = server.wait_line("goes on starting");
    let pid = line.split("pid ").nth(1).and_then(|rest| rest.split(')').next()).unwrap();
    kill(Pid::from_raw(pid.parse().unwrap()), Signal::SIGKILL).unwrap();
    assert_eq!(server.end().code(), Some(130));
}
