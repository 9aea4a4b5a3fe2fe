//! A server without Python, for the tests of the master: what its workers do is the name of the application.

use std::{
    io::{Read as _, Write as _},
    os::fd::AsFd as _,
    process::ExitCode,
};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::signal::{SigSet, Signal, raise},
    unistd::{Pid, pause},
};
use rgunicorn_arbiter::{Host, Listener, Socket, WorkerBoot, run};
use rgunicorn_logging::ErrorLog;
use rgunicorn_scoreboard::{Command, now};
use rgunicorn_settings::{Parsed, ProcessEnvironment, from_command_line};

fn main() -> ExitCode {
    let args = std::env::args_os().skip(1).collect();
    let settings = match from_command_line("fake-server", args, &ProcessEnvironment) {
        Ok(Parsed::Run(settings)) => *settings,
        Ok(Parsed::Print(text)) => panic!("{text}"),
        Err(error) => panic!("{error}"),
    };
    let log = ErrorLog::open(&settings.logging).expect("the tests give a writable log");
    log.install().expect("it is the first");
    ExitCode::from(run(settings, log, &mut FakeHost))
}

struct FakeHost;

impl Host for FakeHost {
    fn before_fork(&mut self) {}
    fn after_fork_in_parent(&mut self) {}
    fn after_fork_in_child(&mut self) {}

    fn run_worker(&mut self, mut boot: WorkerBoot) -> u8 {
        let behaviour = boot.settings.application.app.as_ref().map(|app| app.module.clone());
        match behaviour.as_deref() {
            Some("fails_3") => return fail(&boot, 3),
            Some("fails_4") => return fail(&boot, 4),
            Some("crashes_at_boot") => raise(Signal::SIGILL).expect("it is a signal"),
            Some("hangs_at_boot") => hang(),
            Some("hangs") => {
                boot.ready().expect("nothing to fail");
                boot.slot.calls.begin(1, now(), &[b"GET", b" ", b"/slow"]);
                hang();
            }
            Some("crashes_in_a_request") => {
                boot.ready().expect("nothing to fail");
                serve(&mut boot);
                boot.slot.calls.begin(1, now(), &[b"GET", b" ", b"/crash"]);
                raise(Signal::SIGILL).expect("it is a signal");
            }
            Some("lingers") => {
                boot.ready().expect("nothing to fail");
                hang();
            }
            Some("survives_abort") => {
                boot.ready().expect("nothing to fail");
                block(Signal::SIGABRT);
                hang();
            }
            Some("exits_3_when_asked") => {
                boot.ready().expect("nothing to fail");
                return if serve(&mut boot) == Ended::Connected { 3 } else { 0 };
            }
            _ => {}
        }
        boot.ready().expect("nothing to fail");
        while serve(&mut boot) == Ended::Connected {}
        0
    }

    fn check(&mut self) -> u8 {
        0
    }
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
                Some(Command::ReopenLogs) => tracing::warn!("reopening"),
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
