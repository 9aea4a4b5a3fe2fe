//! Making processes, and what each of them takes along.

use std::{
    io::{self, Read as _, Write as _},
    mem,
    ops::ControlFlow::{self, Break, Continue},
    os::unix::net::UnixStream,
    sync::Arc,
};

use rgunicorn_scoreboard::{Lease, Millis, now};

use super::{End, Master, Outcome, changes::Loaded, generations::Number, service::lets_go};
use crate::{
    birth::Kit,
    boot::Report,
    error::StartError,
    host::Hook,
    machine::event::{Age, Event, Role, Spawn},
    os::{
        adopted::adopt_orphans,
        fork::{self, Fork, SignalsBlocked, fork},
        template::{Link, Orders, wire},
    },
    template::Template,
};

/// Workers forked within this time are forked together: they fail for one reason, which is logged once.
const TOGETHER: Millis = 300;

/// A child as the master knows it.
pub(super) struct Child {
    pub(super) slot: Lease,
    pub(super) generation: Number,
    /// Who forks it, and how orders reach it.
    pub(super) kind: Kind,
}

/// What a child is to the master.
pub(super) enum Kind {
    /// A worker.
    Worker,
    /// A worker that a template was asked to fork.
    Ordered,
    /// A template, and the way to it.
    Template(Link),
}

/// A process that was forked a moment ago.
pub(super) struct Newborn {
    age: Age,
    generation: Number,
    slot: Lease,
    blocked: SignalsBlocked,
    /// What a template is told to do.
    orders: Option<Orders>,
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

    fn into_report(self, detach: bool, loaded: Option<Loaded>) -> Report {
        Report { wake: Arc::new(self.report.1), excuse: Arc::new(self.excuse.0), detach, loaded }
    }
}

impl Master<'_> {
    pub(super) fn spawn(&mut self, spawn: &Spawn) -> ControlFlow<End> {
        let Spawn { age, generation, role, from } = *spawn;
        self.pipes.renew_excuse(generation);
        let Some(slot) = self.board.lease(age.0, generation.0) else {
            self.fork_failed(age, "the scoreboard is full".to_owned());
            return Continue(());
        };
        match role {
            Role::Worker => _ = self.hook(generation, Hook::PreFork { age: age.0 }),
            Role::Template => slot.make_template(),
        }
        match from {
            Some(template) => {
                self.order(age, Child { slot, generation, kind: Kind::Ordered }, template);
                Continue(())
            }
            None => self.fork(age, generation, slot, role),
        }
    }

    fn fork(&mut self, age: Age, generation: Number, slot: Lease, role: Role) -> ControlFlow<End> {
        let (kind, orders) = match prepare(role) {
            Ok(prepared) => prepared,
            Err(error) => {
                slot.release();
                self.fork_failed(age, fork::refusal(&error));
                return Continue(());
            }
        };
        self.host.before_fork();
        let blocked = SignalsBlocked::new();
        let forked = fork(&self.proof);
        if matches!(forked, Ok(Fork::Child)) {
            return Break(End::Born(Newborn { age, generation, slot, blocked, orders }));
        }
        drop(blocked);
        self.host.after_fork_in_parent();
        match forked {
            Ok(Fork::Parent { child }) => {
                slot.assign(child.0);
                self.children.insert(age, Child { slot, generation, kind });
                self.arbiter.handle(Event::Forked(age, child), now());
            }
            Err(error) => {
                slot.release();
                self.fork_failed(age, fork::refusal(&error));
            }
            Ok(Fork::Child) => {}
        }
        Continue(())
    }

    pub(super) fn fork_failed(&mut self, age: Age, reason: String) {
        self.arbiter.handle(Event::ForkFailed(age, reason), now());
    }

    /// Be a worker or a template: keep what it needs, let go of what is the master's and of what other generations have
    /// open.
    pub(super) fn into_child(self, newborn: Newborn) -> Result<Outcome, StartError> {
        let Newborn { age, generation, slot, blocked, orders } = newborn;
        // Its handlers are the master's.
        drop(self.signals);
        let (files, sockets) = (self.generations.pidfiles(), self.generations.socket_files());
        let own = self.generations.keep_only(generation).ok_or(StartError::Stopped)?;
        let report = self.pipes.into_report(lets_go(&own.settings), self.changes.into_loaded());
        let kit = Kit {
            master: self.pid,
            board: self.board,
            seed: self.seed,
            generation: generation.0,
            settings: own.settings,
            error_log: own.error_log,
            bound: own.bound,
            files,
            report,
            sockets,
            privileges: own.privileges,
        };
        let role = if orders.is_some() { "template" } else { "worker" };
        let obedience = kit.settle(&slot, role, self.host, blocked)?;
        // The log of a generation that does not serve yet is not the master's.
        kit.error_log.install().map_err(|error| StartError::Log(error.to_string()))?;
        self.host.select(generation.0);
        Ok(match orders {
            Some(orders) => {
                let boot = kit.template_boot(age, slot);
                Outcome::Template(Box::new(Template { kit, boot, obedience, orders }))
            }
            None => Outcome::Worker(Box::new(kit.into_boot(age, slot, obedience)?)),
        })
    }
}

/// What a child of this role is to the master, and what it takes along.
fn prepare(role: Role) -> io::Result<(Kind, Option<Orders>)> {
    match role {
        Role::Worker => Ok((Kind::Worker, None)),
        Role::Template => {
            adopt_orphans()?;
            let (link, orders) = wire()?;
            Ok((Kind::Template(link), Some(orders)))
        }
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
