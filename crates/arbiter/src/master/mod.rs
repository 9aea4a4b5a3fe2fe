//! The loop between the machine and the kernel: what was decided is done, what happened is told.
//!
//! One thread, one place to wait. A child process leaves the loop with what it needs to be a worker.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    mem,
    ops::ControlFlow::{self, Break, Continue},
    os::{fd::AsFd as _, unix::net::UnixStream},
    sync::Arc,
};

use nix::{sys::signal as raw, unistd::Pid as RawPid};
use rgunicorn_logging::ErrorLog;
use rgunicorn_scoreboard::{Lease, Millis, Scoreboard, State, now};
use rgunicorn_settings::{Destination, Settings, WorkerClass};

use crate::{
    error::StartError,
    host::{Host, Report, WorkerBoot},
    machine::{
        Arbiter,
        event::{Action, Age, Event, Limits, Pid, Request, Signal, Stage, Why},
        notices::{Fate, Notice},
    },
    os::{
        bind::{Bound, bind_all},
        daemon::Promise,
        files::OwnFile,
        fork::{self, Fork, SignalsBlocked, SingleThreaded, fork, this_process},
        open_files,
        orphan::{self, Remains},
        pidfile, process,
        reap::reap,
        signals::Signals,
        worker,
    },
    run::log,
};

/// Room on the scoreboard: the most workers there can be, and some that retire.
const SLOTS: usize = 1_024;
/// Workers forked within this time are forked together: they fail for one reason, which is logged once.
const TOGETHER: Millis = 300;

/// How a process leaves the master's loop.
pub(crate) enum Outcome {
    /// The master ends.
    Master(u8),
    /// This is a worker.
    Worker(Box<WorkerBoot>),
    /// This is a worker that could not even begin.
    Stillborn(StartError),
}

/// Why the loop ends.
enum End {
    Exit(u8),
    Born(Newborn),
}

/// A process that was forked a moment ago.
struct Newborn {
    age: Age,
    slot: Lease,
    blocked: SignalsBlocked,
}

/// The master.
pub(crate) struct Master<'host> {
    settings: Arc<Settings>,
    error_log: Arc<ErrorLog>,
    host: &'host mut dyn Host,
    proof: SingleThreaded,
    pid: Pid,
    arbiter: Arbiter,
    board: Arc<Scoreboard>,
    leases: BTreeMap<Age, Lease>,
    signals: Signals,
    bound: Bound,
    pidfile: Option<OwnFile>,
    /// What workers write to when they are ready: the master's end, and the one that they inherit.
    report: (UnixStream, UnixStream),
    /// One byte for the worker that may say why it cannot boot.
    excuse: (UnixStream, UnixStream),
    spawned: Millis,
    promise: Option<Promise>,
}

impl<'host> Master<'host> {
    /// Write the pid file and bind, or leave nothing behind.
    pub(crate) fn start(
        settings: Settings,
        error_log: Arc<ErrorLog>,
        proof: SingleThreaded,
        host: &'host mut dyn Host,
    ) -> Result<Self, StartError> {
        let pid = this_process();
        log(&Notice::Starting { version: env!("CARGO_PKG_VERSION") });
        let mut signals = Signals::hear().map_err(StartError::system("handle signals"))?;
        let pidfile = settings.process.pidfile.as_deref().map(pidfile::create).transpose()?;
        let bound = bind_all(&settings, &mut signals, &mut |notice| log(&notice))?;
        let addresses: Vec<_> = bound.listeners.iter().map(|listener| listener.address.as_str()).collect();
        log(&Notice::ListeningAt { addresses: addresses.join(","), pid });
        log(&Notice::UsingWorker { class: describe(&settings.workers.worker_class) });
        let connections = settings.workers.worker_connections.0;
        if let Some(allowed) = open_files::allow(connections) {
            log(&Notice::FewOpenFiles { allowed, connections });
        }
        if settings.process.daemon && settings.logging.errorlog == Destination::Stderr {
            log(&Notice::LogEnds);
        }
        let workers = &settings.workers;
        let limits = Limits::new(workers.workers.0, workers.timeout.0, workers.graceful_timeout.0);
        Ok(Self {
            error_log,
            host,
            proof,
            pid,
            arbiter: Arbiter::new(limits, now()),
            board: Scoreboard::new(SLOTS).map_err(StartError::system("map memory"))?,
            leases: BTreeMap::new(),
            signals,
            bound,
            pidfile,
            report: pipe()?,
            excuse: pipe()?,
            spawned: 0,
            promise: None,
            settings: Arc::new(settings),
        })
    }

    /// Serve until the end; `promise` is what a daemon owes to the command that started it.
    pub(crate) fn serve(mut self, promise: Option<Promise>) -> Outcome {
        self.promise = promise;
        loop {
            match self.turn() {
                Continue(()) => {}
                Break(End::Exit(status)) => return Outcome::Master(self.finish(status)),
                Break(End::Born(newborn)) => {
                    return match self.into_worker(newborn) {
                        Ok(boot) => Outcome::Worker(Box::new(boot)),
                        Err(error) => Outcome::Stillborn(error),
                    };
                }
            }
        }
    }

    /// Do what was decided, wait, and tell what happened.
    fn turn(&mut self) -> ControlFlow<End> {
        self.perform()?;
        if let Err(source) = self.signals.wait(Some(self.report.0.as_fd()), self.arbiter.next_deadline()) {
            log(&Notice::CannotStart { error: StartError::system("wait")(source).to_string() });
            return Break(End::Exit(1));
        }
        let heard = self.signals.pending();
        // The bytes say only that there is something to see on the scoreboard.
        while matches!((&self.report.0).read(&mut [0; 64]), Ok(1..)) {}
        for age in self.leases.keys().copied().collect::<Vec<_>>() {
            self.look(age)?;
        }
        for request in heard.requests {
            if request != Request::Winch || self.settings.process.daemon {
                self.tell(Event::Asked(request))?;
            }
        }
        // One at a time: whatever is decided about the others is done while their pids are still theirs.
        while heard.child
            && let Some((pid, exit)) = reap()
        {
            let age = self.leases.iter().find(|(_, lease)| lease.pid() == pid.0).map(|(age, _)| *age);
            if let Some(age) = age {
                self.look(age)?;
            }
            self.tell(Event::Exited(pid, exit))?;
        }
        self.tell(Event::Tick)
    }

    /// Tell the machine what the scoreboard says about a worker.
    fn look(&mut self, age: Age) -> ControlFlow<End> {
        let Some(lease) = self.leases.get(&age) else { return Continue(()) };
        let stage = match lease.state() {
            State::Free | State::Booting => Stage::Booting,
            State::Ready => Stage::Ready,
            State::Stopping => Stage::Stopping,
        };
        let beat = lease.heartbeat();
        self.tell(Event::Seen(age, stage, beat))
    }

    fn tell(&mut self, event: Event) -> ControlFlow<End> {
        self.arbiter.handle(event, now());
        self.perform()
    }

    fn perform(&mut self) -> ControlFlow<End> {
        while let Some(action) = self.arbiter.poll_action() {
            match action {
                Action::Spawn(spawn) => self.spawn(spawn.age)?,
                Action::Send(pid, signal) => send(pid, signal),
                Action::Explain(age, why) => self.explain(age, why),
                Action::Release(age) => drop(self.leases.remove(&age).map(Lease::release)),
                Action::CloseListeners => self.close_listeners(),
                Action::ReopenLogs => self.reopen_logs(),
                Action::AllReady => self.all_ready(),
                Action::Reread(generation) => {
                    let refusal = "reload is not available yet".to_owned();
                    self.tell_later(Event::Reread(generation, Err(refusal)));
                }
                Action::Upgrade => {
                    self.tell_later(Event::UpgradeFailed("upgrade is not available yet".to_owned()))
                }
                // Decided only after what is not available yet.
                Action::Adopt(_)
                | Action::Discard(_)
                | Action::Promote
                | Action::Resized { .. }
                | Action::Drain => {}
                Action::Log(notice) => log(&notice),
                Action::Exit(status) => return Break(End::Exit(status)),
            }
        }
        Continue(())
    }

    /// Answer an action; what is decided about it is done in its turn.
    fn tell_later(&mut self, event: Event) {
        self.arbiter.handle(event, now());
    }

    fn spawn(&mut self, age: Age) -> ControlFlow<End> {
        self.renew_excuse();
        let Some(slot) = self.board.lease(age.0, 0) else {
            return self.fork_failed(age, "the scoreboard is full".to_owned());
        };
        self.host.before_fork();
        let blocked = SignalsBlocked::new();
        match fork(&self.proof) {
            Ok(Fork::Child) => return Break(End::Born(Newborn { age, slot, blocked })),
            Ok(Fork::Parent { child }) => {
                drop(blocked);
                self.host.after_fork_in_parent();
                slot.assign(child.0);
                self.leases.insert(age, slot);
                self.arbiter.handle(Event::Forked(age, child), now());
            }
            Err(error) => {
                drop(blocked);
                self.host.after_fork_in_parent();
                slot.release();
                return self.fork_failed(age, fork::refusal(&error));
            }
        }
        Continue(())
    }

    fn fork_failed(&mut self, age: Age, reason: String) -> ControlFlow<End> {
        self.arbiter.handle(Event::ForkFailed(age, reason), now());
        Continue(())
    }

    /// One worker of each batch may say why it cannot boot.
    fn renew_excuse(&mut self) {
        if now() < mem::replace(&mut self.spawned, now()) + TOGETHER {
            return;
        }
        // Whether the last batch used its byte or not: there is one now. A pipe with room for one cannot refuse it.
        while matches!((&self.excuse.0).read(&mut [0; 8]), Ok(1..)) {}
        let _ = (&self.excuse.1).write(b"e");
    }

    /// Be a worker: keep what it needs, let go of what is the master's.
    fn into_worker(self, newborn: Newborn) -> Result<WorkerBoot, StartError> {
        let Newborn { age, slot, blocked } = newborn;
        let files = self.bound.files.iter().chain(&self.pidfile).map(OwnFile::mark).collect();
        let remains = Remains { files, board: Arc::clone(&self.board) };
        let commands = worker::obey(self.signals, &blocked).map_err(StartError::system("handle signals"))?;
        orphan::follow(self.pid, remains, &blocked).map_err(StartError::system("follow the master"))?;
        drop(blocked);
        self.error_log.after_fork();
        self.host.after_fork_in_child();
        slot.assign(this_process().0);
        let report =
            Report { wake: self.report.1, excuse: self.excuse.0, detach: self.settings.process.daemon };
        Ok(WorkerBoot {
            age: age.0,
            slot,
            listeners: self.bound.listeners,
            commands,
            error_log: self.error_log,
            settings: self.settings,
            report,
        })
    }

    /// Log what a worker is, or was, busy with.
    fn explain(&self, age: Age, why: Why) {
        let Some(lease) = self.leases.get(&age) else { return };
        let pid = Pid(lease.pid());
        let since = |began: Millis| now().saturating_sub(began);
        if why == Why::Silent && lease.state() == State::Booting {
            return log(&Notice::Worker(pid, Fate::HungAtBoot { since: since(lease.heartbeat()) }));
        }
        let calls = lease.calls.unfinished();
        if why == Why::Silent && process::is_stopped(pid) {
            log(&Notice::Worker(pid, Fate::Suspended));
        } else if why == Why::Silent && calls.is_empty() {
            log(&Notice::Worker(pid, Fate::HungIdle));
        }
        if why == Why::Overdue && calls.is_empty() && lease.state() != State::Booting {
            log(&Notice::Worker(pid, Fate::Lingers));
        }
        for (began, line) in calls {
            let since = since(began);
            let fate = match why {
                Why::Silent | Why::Overdue => Fate::Unfinished { line, since },
                Why::Died => Fate::DiedWorking { line, since },
            };
            log(&Notice::Worker(pid, fate));
        }
    }

    fn close_listeners(&mut self) {
        self.bound.listeners.clear();
        for file in self.bound.files.drain(..) {
            remove(&file);
        }
    }

    fn reopen_logs(&self) {
        if let Err(error) = self.error_log.reopen() {
            log(&Notice::ReopenFailed { error: error.to_string() });
        }
    }

    fn all_ready(&mut self) {
        self.error_log.tee_to_stderr(false);
        if let Some(Err(source)) = self.promise.take().map(Promise::keep) {
            log(&Notice::CannotStart { error: StartError::system("leave the terminal")(source).to_string() });
        }
    }

    fn finish(mut self, status: u8) -> u8 {
        self.close_listeners();
        if let Some(pidfile) = self.pidfile.take() {
            remove(&pidfile);
        }
        if let Some(promise) = self.promise.take() {
            promise.break_with(status);
        }
        status
    }
}

fn remove(file: &OwnFile) {
    if let Err((path, error)) = file.remove() {
        log(&Notice::NotRemoved { path: path.display().to_string(), error: error.to_string() });
    }
}

fn pipe() -> Result<(UnixStream, UnixStream), StartError> {
    let open = || {
        let (read, write) = UnixStream::pair()?;
        read.set_nonblocking(true)?;
        write.set_nonblocking(true)?;
        Ok((read, write))
    };
    open().map_err(StartError::system("make a pipe"))
}

fn send(pid: Pid, signal: Signal) {
    let signal = match signal {
        Signal::Term => raw::Signal::SIGTERM,
        Signal::Quit => raw::Signal::SIGQUIT,
        Signal::Usr1 => raw::Signal::SIGUSR1,
        Signal::Abort => raw::Signal::SIGABRT,
        Signal::Kill => raw::Signal::SIGKILL,
    };
    // The machine only names children that were not reaped, so there is always somebody to receive it.
    let _ = raw::kill(RawPid::from_raw(pid.0), signal);
}

fn describe(class: &WorkerClass) -> String {
    match class {
        WorkerClass::Auto => "auto (the application decides)".to_owned(),
        WorkerClass::Sync | WorkerClass::Asgi | WorkerClass::Foreign(_) => class.to_string(),
    }
}
