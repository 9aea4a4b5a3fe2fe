//! Starting the fake server, reading its log as it is written, and waiting for what should happen.

#![allow(dead_code, reason = "every test file uses a part of it")]

use std::{
    io::{BufRead as _, BufReader, Read},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;

/// Longer than anything here takes, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running server, in a directory of its own.
pub(crate) struct Server {
    master: Child,
    directory: TempDir,
    lines: Receiver<String>,
    heard: Vec<String>,
}

impl Server {
    /// Start it on a free port of this machine.
    pub(crate) fn start(app: &str, args: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().expect("a directory"), app, args)
    }

    /// Start it in this directory.
    pub(crate) fn start_in(directory: TempDir, app: &str, args: &[&str]) -> Self {
        let mut master = command(&directory, app, args).stderr(Stdio::piped()).spawn().expect("it can start");
        let lines = follow(master.stderr.take().expect("it is piped"));
        Self { master, directory, lines, heard: Vec::new() }
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.master.id()).expect("pids are small"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).expect("it is there");
    }

    /// Everything that was logged so far and read by one of the waits.
    pub(crate) fn log(&self) -> String {
        self.heard.join("\n")
    }

    pub(crate) fn count(&self, part: &str) -> usize {
        self.heard.iter().filter(|line| line.contains(part)).count()
    }

    /// Wait for the next line with this part.
    pub(crate) fn wait_line(&mut self, part: &str) -> String {
        self.next_line(part).unwrap_or_else(|| panic!("the log ended without {part}:\n{}", self.log()))
    }

    fn next_line(&mut self, part: &str) -> Option<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.heard.push(line.clone());
                    if line.contains(part) {
                        return Some(line);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => panic!("no line with {part} in time:\n{}", self.log()),
            }
        }
    }

    /// The pids of the next workers that boot.
    pub(crate) fn booted(&mut self, workers: usize) -> Vec<Pid> {
        (0..workers).map(|_| pid_of(&self.wait_line("Booting worker with pid: "))).collect()
    }

    /// Where it listens.
    pub(crate) fn address(&mut self) -> String {
        let line = self.wait_line("Listening at: http://");
        line.split("http://").nth(1).and_then(|rest| rest.split(' ').next()).expect("an address").to_owned()
    }

    /// Wait until no process has the log open any more: the master and all its workers are gone.
    pub(crate) fn wait_gone(&mut self) {
        assert_eq!(self.next_line("\0"), None);
    }

    /// Wait for the end of every process. The master's status.
    pub(crate) fn end(&mut self) -> ExitStatus {
        self.wait_gone();
        self.master.wait().expect("it is our child")
    }

    /// Stop it and hold it to a clean end.
    pub(crate) fn stop(mut self) {
        self.signal(Signal::SIGTERM);
        assert_eq!(self.end().code(), Some(0), "{}", self.log());
        assert_eq!(self.count("Shutting down: Master"), 1, "{}", self.log());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended unless a test failed.
        let _ = self.master.kill();
        let _ = self.master.wait();
    }
}

/// The command line of a server in `directory`; a `-b` among `args` replaces the free port.
pub(crate) fn command(directory: &TempDir, app: &str, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fake-server"));
    command.arg(app).args(args).current_dir(directory.path()).stdin(Stdio::null());
    if !args.contains(&"-b") {
        command.args(["-b", "127.0.0.1:0"]);
    }
    command
}

fn follow(log: impl Read + Send + 'static) -> Receiver<String> {
    let (lines, follower) = channel();
    thread::spawn(move || {
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            // A test that has ended does not read on.
            let _ = lines.send(line);
        }
    });
    follower
}

/// The number at the end of a line.
pub(crate) fn pid_of(line: &str) -> Pid {
    let digits = line.rsplit(|letter: char| !letter.is_ascii_digit()).find(|part| !part.is_empty());
    Pid::from_raw(digits.and_then(|digits| digits.parse().ok()).expect("a pid"))
}

/// The worker that answers at a unix socket.
pub(crate) fn answers(path: &Path) -> Pid {
    let mut said = String::new();
    UnixStream::connect(path).expect("it listens").read_to_string(&mut said).expect("an answer");
    pid_of(said.trim())
}

/// Whether the process is there and has not ended.
pub(crate) fn is_alive(pid: Pid) -> bool {
    kill(pid, None) != Err(Errno::ESRCH) && !is_zombie(pid)
}

fn is_zombie(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('Z'))
}

/// Wait for something that gives no sign when it happens.
pub(crate) fn wait_until(what: &str, mut happened: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !happened() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        thread::park_timeout(Duration::from_millis(2));
    }
}

pub(crate) fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
