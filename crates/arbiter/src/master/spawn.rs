//! Making processes, and what each of them takes along.

use std::{
    io::{Read as _, Write as _},
    mem,
    ops::ControlFlow::{self, Break, Continue},
    os::unix::net::UnixStream,
    sync::Arc,
};

use rgunicorn_scoreboard::{Lease, Millis, now};

use super::{
    End, Master,
    generations::Number,
    limits::retire_after,
    service::{lets_go, title},
};
use crate::{
    boot::{Report, WorkerBoot},
    error::StartError,
    host::Hook,
    machine::event::{Age, Event, Role, Spawn},
    os::{
        fork::{self, Fork, SignalsBlocked, fork, this_process},
        orphan::{self, Remains},
        worker,
    },
};

/// Workers forked within this time are forked together: they fail for one reason, which is logged once.
const TOGETHER: Millis = 300;

/// A child as the master knows it.
pub(super) struct Child {
    pub(super) slot: Lease,
    pub(super) generation: Number,
    pub(super) role: Role,
}

/// A process that was forked a moment ago.
pub(super) struct Newborn {
    age: Age,
    generation: Number,
    slot: Lease,
    blocked: SignalsBlocked,
}

/// How new processes talk to the master.
pub(super) struct Pipes {
    /// What workers write to when they are ready: the master's end, and the one that they inherit.
    pub(super) report: (UnixStream, UnixStream),
    /// One byte for the worker that may say why it cannot boot.
    excuse: (UnixStream, UnixStream),
    /// When the last process was made, and of which generation.
    spawned: (Millis, Number),
}

impl Pipes {
    pub(super) fn new() -> Result<Self, StartError> {
        Ok(Self { report: pipe()?, excuse: pipe()?, spawned: (0, Number(0)) })
    }

    /// One worker of each batch may say why it cannot boot.
    fn renew_excuse(&mut self, generation: Number) {
        let (spawned, of) = mem::replace(&mut self.spawned, (now(), generation));
        if now() < spawned + TOGETHER && of == generation {
            return;
        }
        // Whether the last batch used its byte or not: there is one now. A pipe with room for one cannot refuse it.
        while matches!((&self.excuse.0).read(&mut [0; 8]), Ok(1..)) {}
        let _ = (&self.excuse.1).write(b"e");
    }

    fn into_report(self, detach: bool) -> Report {
        Report { wake: Arc::new(self.report.1), excuse: self.excuse.0, detach }
    }
}

impl Master<'_> {
    pub(super) fn spawn(&mut self, spawn: &Spawn) -> ControlFlow<End> {
        let Spawn { age, generation, role, .. } = *spawn;
        self.pipes.renew_excuse(generation);
        let Some(slot) = self.board.lease(age.0, generation.0) else {
            return self.fork_failed(age, "the scoreboard is full".to_owned());
        };
        self.hook(generation, Hook::PreFork { age: age.0 });
        self.host.before_fork();
        let blocked = SignalsBlocked::new();
        match fork(&self.proof) {
            Ok(Fork::Child) => return Break(End::Born(Newborn { age, generation, slot, blocked })),
            Ok(Fork::Parent { child }) => {
                drop(blocked);
                self.host.after_fork_in_parent();
                slot.assign(child.0);
                self.children.insert(age, Child { slot, generation, role });
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

    /// Be a worker: keep what it needs, let go of what is the master's and of what other generations have open.
    pub(super) fn into_worker(self, newborn: Newborn) -> Result<WorkerBoot, StartError> {
        let Newborn { age, generation, slot, blocked } = newborn;
        let (files, sockets) = (self.generations.pidfiles(), self.generations.socket_files());
        let remains = Remains { files, sockets, board: Arc::clone(&self.board) };
        let commands = worker::obey(self.signals, &blocked).map_err(StartError::system("handle signals"))?;
        orphan::follow(self.pid, remains, &blocked).map_err(StartError::system("follow the master"))?;
        drop(blocked);
        let own = self.generations.keep_only(generation).ok_or(StartError::Stopped)?;
        // The log of a generation that does not serve yet is not the master's.
        own.error_log.install().map_err(|error| StartError::Log(error.to_string()))?;
        own.error_log.after_fork();
        self.host.after_fork_in_child();
        self.host.select(generation.0);
        self.host.name_process(&title("worker", &own.settings, false));
        slot.assign(this_process().0);
        let report = self.pipes.into_report(lets_go(&own.settings));
        let listeners = own.bound.into_listeners().map_err(StartError::system("take over the sockets"))?;
        let retire_after = retire_after(&own.settings, self.seed, age);
        Ok(WorkerBoot {
            age: age.0,
            generation: generation.0,
            slot,
            listeners,
            commands,
            error_log: own.error_log,
            settings: own.settings,
            retire_after,
            report,
            privileges: own.privileges,
            closed: Vec::new(),
        })
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
