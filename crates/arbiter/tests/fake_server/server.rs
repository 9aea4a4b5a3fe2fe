//! A server without Python, for the tests of the master: what its workers do is the name of the application.

use std::{
    ffi::OsString,
    io::{Read as _, Write as _},
    os::fd::AsFd as _,
    path::Path,
    process::ExitCode,
};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::signal::{SigSet, Signal, raise},
    unistd::{Pid, pause},
};
use rgunicorn_arbiter::{Hook, HookFailed, Host, Listener, ServerFacts, Socket, WorkerBoot, run};
use rgunicorn_logging::ErrorLog;
use rgunicorn_scoreboard::{Command, Wear, now};
use rgunicorn_settings::{NoConfigFiles, Parsed, ProcessEnvironment, Settings, from_command_line};

/// What replaces the arguments of the command at a reload and for a new master, if it is there.
const ARGUMENTS: &str = "arguments";

fn main() -> ExitCode {
    let settings = configured().expect("the tests give good arguments");
    let log = ErrorLog::open(&settings.logging).expect("the tests give a writable log");
    log.install().expect("it is the first");
    ExitCode::from(run(settings, log, &mut FakeHost))
}

fn configured() -> Result<Settings, String> {
    settings(match std::fs::read_to_string(ARGUMENTS) {
        Ok(text) => text.split_whitespace().map(OsString::from).collect(),
        Err(_) => std::env::args_os().skip(1).collect(),
    })
}

fn settings(args: Vec<OsString>) -> Result<Settings, String> {
    match from_command_line("fake-server", args, &ProcessEnvironment, &mut NoConfigFiles) {
        Ok(Parsed::Run(settings)) => Ok(*settings),
        Ok(Parsed::Print(text)) => Err(text),
        Err(error) => Err(error.to_string()),
    }
}

struct FakeHost;

impl Host for FakeHost {
    fn before_fork(&mut self) {}
    fn after_fork_in_parent(&mut self) {}
    fn after_fork_in_child(&mut self) {}

    fn reread(&mut self, _generation: u32) -> Result<Settings, String> {
        configured()
    }

    fn hook(&mut self, hook: Hook, server: &ServerFacts) -> Result<(), HookFailed> {
        if Path::new("refuse-reload").exists() && hook == Hook::OnReload {
            return Err(HookFailed);
        }
        if Path::new("tell-hooks").exists() {
            let ServerFacts { generation, num_workers, workers, addresses, .. } = server;
            let (workers, addresses) = (workers.len(), addresses.len());
            tracing::warn!("hook: {hook:?} of {generation}: {workers}/{num_workers} at {addresses}");
        }
        Ok(())
    }

    fn run_worker(&mut self, mut boot: WorkerBoot) -> u8 {
        boot.drop_privileges().expect("the tests ask for what is allowed");
        let behaviour = boot.settings.application.app.as_ref().map(|app| app.module.clone());
        let behaviour = behaviour.as_deref().unwrap_or_default();
        if let Some(status) = boots(&boot, behaviour) {
            return status;
        }
        boot.ready().expect("nothing to fail");
        behaves(&mut boot, behaviour)
    }

    fn check(&mut self) -> u8 {
        0
    }
}

/// What goes wrong before the worker is ready.
fn boots(boot: &WorkerBoot, behaviour: &str) -> Option<u8> {
    match behaviour {
        "fails_3" => Some(fail(boot, 3)),
        "fails_4" => Some(fail(boot, 4)),
        "crashes_at_boot" => {
            raise(Signal::SIGILL).expect("it is a signal");
            None
        }
        "hangs_at_boot" => hang(),
        // From this spawn number on.
        name if name
            .strip_prefix("fails_from_")
            .is_some_and(|first| first.parse().is_ok_and(|first: u32| first <= boot.age)) =>
        {
            Some(fail(boot, 3))
        }
        _ => None,
    }
}

/// What the worker does when it is ready.
fn behaves(boot: &mut WorkerBoot, behaviour: &str) -> u8 {
    match behaviour {
        "hangs" => {
            boot.slot.calls.begin(1, now(), &[b"GET", b" ", b"/slow"]);
            hang();
        }
        "crashes_in_a_request" => {
            serve(boot);
            boot.slot.calls.begin(1, now(), &[b"GET", b" ", b"/crash"]);
            raise(Signal::SIGILL).expect("it is a signal");
        }
        "lingers" => hang(),
        "survives_abort" => {
            block(Signal::SIGABRT);
            hang();
        }
        "exits_3_when_asked" => return if serve(boot) == Ended::Connected { 3 } else { 0 },
        "grows" => {
            let block = vec![1u8; 64 << 20];
            while serve(boot) == Ended::Connected {}
            return block[0] - 1;
        }
        "counts" => {
            let mut left = boot.retire_after.expect("the test limits the requests");
            while serve(boot) == Ended::Connected {
                left = left.saturating_sub(1);
                if left == 0 {
                    boot.nudge().worn(&boot.slot, Wear::Requests);
                }
            }
            return 0;
        }
        _ => {}
    }
    while serve(boot) == Ended::Connected {}
    0
}

fn fail(boot: &WorkerBoot, status: u8) -> u8 {
    if boot.may_report_failure() {
        tracing::error!("Exception in worker process");
    }
    status
}

fn hang() -> ! {
    loop {
        pause();
    }
}

fn block(signal: Signal) {
    let mut set = SigSet::empty();
    set.add(signal);
    set.thread_block().expect("it can be blocked");
}

#[derive(PartialEq)]
enum Ended {
    Connected,
    Told,
}

/// Beat until there is a connection, which is told the pid, or a command to stop.
fn serve(boot: &mut WorkerBoot) -> Ended {
    loop {
        boot.slot.beat(now());
        let mut waited: Vec<_> =
            boot.listeners.iter().map(|listener| PollFd::new(listener.as_fd(), PollFlags::POLLIN)).collect();
        waited.push(PollFd::new(boot.commands.as_fd(), PollFlags::POLLIN));
        let woken = poll(&mut waited, PollTimeout::from(100u8));
        if woken.is_ok_and(|ready| ready > 0) {
            match command(boot) {
                Some(Command::StopGracefully | Command::StopQuickly) => return Ended::Told,
                Some(Command::ReopenLogs) => {
                    boot.error_log.reopen().expect("the tests leave the directory");
                    tracing::warn!("reopening");
                }
                None => {}
            }
            if boot.listeners.iter().any(answer) {
                return Ended::Connected;
            }
        }
    }
}

fn command(boot: &mut WorkerBoot) -> Option<Command> {
    let mut byte = [0];
    boot.commands.read_exact(&mut byte).ok().and_then(|()| Command::from_byte(byte[0]))
}

fn answer(listener: &Listener) -> bool {
    let pid = format!("{}\n", Pid::this());
    match &listener.socket {
        Socket::Tcp(socket) => socket.accept().and_then(|(mut it, _)| it.write_all(pid.as_bytes())).is_ok(),
        Socket::Unix(socket) => socket.accept().and_then(|(mut it, _)| it.write_all(pid.as_bytes())).is_ok(),
    }
}
