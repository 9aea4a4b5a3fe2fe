//! The loop between the machine and the kernel: what was decided is done, what happened is told.
//!
//! One thread, one place to wait. A child process leaves the loop with what it needs to be a worker.

pub(crate) mod changes;
mod explain;
mod generations;
mod hooks;
mod limits;
mod reload;
mod service;
mod spawn;
mod templates;
mod upgrade;
mod wear;

use std::{
    collections::BTreeMap,
    io::Read as _,
    ops::ControlFlow::{self, Break, Continue},
    os::fd::AsFd as _,
    sync::Arc,
};

use nix::{sys::signal as raw, unistd::Pid as RawPid};
use rgunicorn_logging::ErrorLog;
use rgunicorn_scoreboard::{Millis, Scoreboard, now};
use rgunicorn_settings::{Destination, Settings, WorkerClass};

use self::{
    changes::Changes,
    generations::{Generation, Generations, Number},
    limits::limits,
    service::{lets_go, log_files},
    spawn::{Child, Newborn, Pipes},
};
pub(crate) use self::{limits::retire_after, service::title};
use crate::{
    boot::WorkerBoot,
    error::StartError,
    host::{Hook, Host},
    machine::{
        Arbiter,
        event::{Action, Age, Event, Pid, Signal},
        notices::{Notice, Remark},
    },
    origin::Origin,
    os::{
        bind::{Patience, bind_all},
        bound::Bound,
        daemon::Promise,
        files::OwnFile,
        fork::{SingleThreaded, this_process},
        inherited, open_files, pidfile,
        privileges::Privileges,
        reap::{collect, ended},
        signals::Signals,
        systemd::Notifier,
        upgrade::{OldMaster, Successor},
    },
    run::log,
    template::Template,
};

/// Room on the scoreboard: the most workers there can be, and some that retire.
const SLOTS: usize = 1_024;

/// How a process leaves the master's loop.
pub(crate) enum Outcome {
    /// The master ends.
    Master(u8),
    /// This is a worker.
    Worker(Box<WorkerBoot>),
    /// This is a template.
    Template(Box<Template>),
    /// This is a worker that could not even begin.
    Stillborn(StartError),
}

/// Why the loop ends.
enum End {
    Exit(u8),
    Born(Newborn),
}

/// The master.
pub(crate) struct Master<'host> {
    host: &'host mut dyn Host,
    proof: SingleThreaded,
    pid: Pid,
    /// Spreads what workers should not do together.
    seed: u64,
    arbiter: Arbiter,
    board: Arc<Scoreboard>,
    children: BTreeMap<Age, Child>,
    generations: Generations,
    /// Whose environment and hooks this process has now.
    selected: Option<Number>,
    /// How many workers to keep.
    num_workers: u32,
    signals: Signals,
    pipes: Pipes,
    /// When the memory of the workers was looked at.
    weighed: Millis,
    promise: Option<Promise>,
    /// What `--reload` waits for.
    changes: Changes,
    origin: Origin,
    notifier: Notifier,
    /// Whether the first workers were ready.
    announced: bool,
    /// The new master that this one has started.
    successor: Option<Successor>,
    /// The master that has started this one, to be replaced by it.
    old_master: Option<OldMaster>,
    /// Socket files that were left to another master, in case it ends first.
    left: Vec<Arc<OwnFile>>,
}

impl<'host> Master<'host> {
    /// Write the pid file and bind, or leave nothing behind.
    pub(crate) fn start(
        settings: Settings,
        error_log: Arc<ErrorLog>,
        proof: SingleThreaded,
        host: &'host mut dyn Host,
    ) -> Result<Self, StartError> {
        log(&Notice::Starting { version: env!("CARGO_PKG_VERSION") });
        advise(&settings);
        let signals = Signals::hear().map_err(StartError::system("handle signals"))?;
        let origin = host.origin();
        let old_master = OldMaster::new(&origin);
        let path = settings.process.pidfile.as_deref();
        let path =
            path.map(|path| if old_master.is_some() { pidfile::of_second(path) } else { path.to_owned() });
        let pidfile = path.as_deref().map(pidfile::create).transpose()?;
        let privileges = Privileges::new(&settings.process)?;
        let (pid, now) = (this_process(), now());
        let seed = (u64::from(pid.0.unsigned_abs()) << 32) ^ now;
        let limits = limits(&settings, seed);
        let first = Generation {
            logs: log_files(&settings),
            settings: Arc::new(settings),
            error_log,
            privileges: Arc::new(privileges),
            bound: Bound::default(),
            pidfile: pidfile.map(Arc::new),
        };
        let arbiter = if old_master.is_some() { Arbiter::successor } else { Arbiter::new };
        let mut master = Self {
            host,
            proof,
            pid,
            seed,
            arbiter: arbiter(limits, now),
            board: Scoreboard::new(SLOTS).map_err(StartError::system("map memory"))?,
            children: BTreeMap::new(),
            generations: Generations::new(first),
            selected: Some(Number(0)),
            num_workers: limits.workers,
            signals,
            pipes: Pipes::new()?,
            weighed: 0,
            promise: None,
            changes: Changes::new().map_err(StartError::system("make a pipe"))?,
            notifier: Notifier::new(&origin),
            announced: false,
            origin,
            successor: None,
            old_master,
            left: Vec::new(),
        };
        master.open()?;
        Ok(master)
    }

    /// Bind, and say so.
    fn open(&mut self) -> Result<(), StartError> {
        // gunicorn's order.
        self.hook(Number(0), Hook::NworkersChanged { new: self.num_workers, old: None });
        self.hook_of_start("on_starting", Hook::OnStarting)?;
        let settings = Arc::clone(&self.generations.serving().settings);
        let patience = Patience::Retry(&mut self.signals);
        let inherited = inherited::take(&self.origin, &settings)?;
        let bound = bind_all(&settings, &[&inherited], patience, &mut |notice| log(&notice))?;
        drop(inherited);
        log(&Notice::ListeningAt { addresses: bound.addresses().join(","), pid: self.pid });
        self.generations.serving_mut().bound = bound;
        let serving = self.generations.serving();
        serving.privileges.own_all(&serving.logs);
        if self.old_master.is_some() {
            self.begin_as_second();
        }
        self.name();
        log(&Notice::UsingWorker { class: describe(&settings.workers.worker_class) });
        let connections = settings.workers.worker_connections.0;
        if let Some(allowed) = open_files::allow(connections) {
            log(&Notice::Remark(Remark::FewOpenFiles { allowed, connections }));
        }
        if settings.process.daemon && settings.logging.errorlog == Destination::Stderr {
            log(&Notice::Remark(Remark::LogEnds));
        }
        self.watch(None);
        self.hook_of_start("when_ready", Hook::WhenReady)
    }

    /// Serve until the end; `promise` is what a daemon owes to the command that started it.
    pub(crate) fn serve(mut self, promise: Option<Promise>) -> Outcome {
        self.promise = promise;
        loop {
            match self.turn() {
                Continue(()) => {}
                Break(End::Exit(status)) => return Outcome::Master(self.finish(status)),
                Break(End::Born(newborn)) => {
                    return self.into_child(newborn).unwrap_or_else(Outcome::Stillborn);
                }
            }
        }
    }

    /// Do what was decided, wait, and tell what happened.
    fn turn(&mut self) -> ControlFlow<End> {
        self.perform()?;
        self.report_status();
        let mut others = vec![self.pipes.report.0.as_fd()];
        others.extend(self.end_of_old_master());
        others.extend(self.changes.fds());
        others.extend(self.children.values().filter_map(Child::answers));
        let (signals, deadline, mut waited) = (&self.signals, self.deadline(), Ok(()));
        self.host.wait(&mut || waited = signals.wait(&others, deadline));
        if let Err(source) = waited {
            log(&Notice::CannotStart { error: StartError::system("wait")(source).to_string() });
            return Break(End::Exit(1));
        }
        let heard = self.signals.pending();
        self.look_for_old_master()?;
        // The bytes say only that there is something to see on the scoreboard.
        while matches!((&self.pipes.report.0).read(&mut [0; 64]), Ok(1..)) {}
        self.hear_templates();
        for age in self.children.keys().copied().collect::<Vec<_>>() {
            self.look(age)?;
            self.ask(age)?;
        }
        self.weigh()?;
        for request in heard.requests {
            self.tell(Event::Asked(request))?;
        }
        if heard.child {
            self.reap()?;
        }
        self.reload_if_changed()?;
        self.tell(Event::Tick)
    }

    /// Collect the children that ended, one at a time: whatever is decided about the others is done while their pids are
    /// still theirs.
    fn reap(&mut self) -> ControlFlow<End> {
        while let Some(pid) = ended() {
            let child = self.children.iter().find(|(_, child)| child.slot.pid() == pid.0);
            let child = child.map(|(age, child)| (*age, child.generation, child.is_template()));
            if let Some((age, ..)) = child {
                self.look(age)?;
                self.settle_debts(age);
                self.perform()?;
            }
            let Some(exit) = collect(pid) else { continue };
            if let Some((age, generation, false)) = child {
                self.hook(generation, Hook::ChildExit { age: age.0, pid: pid.0 });
            }
            let ended = self.end_of_successor(pid).unwrap_or(Event::Exited(pid, exit));
            self.tell(ended)?;
        }
        Continue(())
    }

    fn tell(&mut self, event: Event) -> ControlFlow<End> {
        self.arbiter.handle(event, now());
        self.perform()
    }

    fn perform(&mut self) -> ControlFlow<End> {
        while let Some(action) = self.arbiter.poll_action() {
            match action {
                Action::Spawn(spawn) => self.spawn(&spawn)?,
                Action::Send(pid, signal) => send(pid, signal),
                Action::Explain(age, why) => self.explain(age, why),
                Action::Release(age) => self.release(age),
                Action::CloseListeners => self.close_listeners(),
                Action::ReopenLogs => self.reopen_logs(),
                Action::AllReady => self.all_ready(),
                Action::Reread(generation) => {
                    let answer = self.reread(generation);
                    self.arbiter.handle(Event::Reread(generation, answer), now());
                }
                Action::Adopt(generation) => self.adopt(generation),
                Action::Discard(generation) => self.discard(generation),
                Action::Resized { new, old } => self.resized(new, old),
                Action::Drain => {
                    self.announce_stop();
                    self.board.drain();
                }
                Action::Upgrade => self.upgrade(),
                Action::Promote => self.promote(),
                Action::Log(notice) => log(&notice),
                Action::Exit(status) => return Break(End::Exit(status)),
            }
        }
        Continue(())
    }

    fn release(&mut self, age: Age) {
        let Some(child) = self.children.remove(&age) else { return };
        child.slot.release();
        self.forget_if_unused(child.generation);
    }

    fn resized(&mut self, new: u32, old: u32) {
        self.num_workers = new;
        self.hook(self.generations.serving_number(), Hook::NworkersChanged { new, old: Some(old) });
    }

    fn reopen_logs(&self) {
        for generation in self.generations.all() {
            if let Err(error) = generation.error_log.reopen() {
                log(&Notice::ReopenFailed { error: error.to_string() });
            }
            generation.privileges.own_all(&generation.logs);
        }
    }

    fn all_ready(&mut self) {
        let detach = lets_go(&self.generations.serving().settings);
        self.generations.serving().error_log.tee_to_stderr(false);
        self.announced = true;
        self.notifier.ready();
        self.children.values().for_each(Child::leave_terminal);
        if let Some(Err(source)) = self.promise.take().map(|promise| promise.keep(detach)) {
            log(&Notice::CannotStart { error: StartError::system("leave the terminal")(source).to_string() });
        }
    }

    fn finish(mut self, status: u8) -> u8 {
        self.announce_stop();
        self.generations.close();
        self.remove_what_was_left();
        self.hook(self.generations.serving_number(), Hook::OnExit);
        if let Some(promise) = self.promise.take() {
            promise.break_with(status);
        }
        status
    }
}

/// Name the settings that were given in vain.
fn advise(settings: &Settings) {
    for sentence in settings.advice() {
        log(&Notice::Remark(Remark::InVain { sentence: sentence.clone() }));
    }
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
