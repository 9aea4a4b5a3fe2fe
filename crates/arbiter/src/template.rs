//! `--preload`: the process that loads the application, so that workers are forked from it.
//!
//! It serves nobody. Once it is ready it waits for orders of the master, and for signals; nothing else wakes it. The
//! workers that it forks are children of the master (see `os/adopted.rs`) and take the first steps of every worker.

use std::{
    io::Read as _,
    ops::ControlFlow::{self, Break, Continue},
    os::fd::AsFd as _,
    sync::Arc,
};

use nix::{
    libc,
    poll::{PollFd, PollFlags, PollTimeout, poll},
};
use rgunicorn_scoreboard::{Command, Lease};

use crate::{
    birth::Kit,
    boot::{TemplateBoot, WorkerBoot},
    error::StartError,
    host::Host,
    machine::notices::{Fate, Notice},
    os::{
        adopted::fork_for,
        fork::{Fork, SignalsBlocked, SingleThreaded, this_process},
        privileges::Privileges,
        template::{Answer, Message, Order, Orders},
        worker::Obedience,
    },
    run::log,
};

/// A template that has taken its first steps.
pub(crate) struct Template {
    pub(crate) kit: Kit,
    pub(crate) boot: TemplateBoot,
    pub(crate) obedience: Obedience,
    pub(crate) orders: Orders,
}

/// How a process leaves the template's loop.
pub(crate) enum Outcome {
    /// The template ends.
    Ended(u8),
    /// This is a worker.
    Worker(Box<WorkerBoot>),
    /// This is a worker that could not even begin.
    Stillborn(StartError),
}

/// Why the loop ends.
enum End {
    /// It was told to.
    Told,
    /// This is a new process.
    Born(Order, Lease, SignalsBlocked),
}

impl Template {
    /// Load the application and fork workers until told to leave.
    pub(crate) fn live(self, host: &mut dyn Host) -> Outcome {
        let pid = this_process();
        log(&Notice::Worker(pid, Fate::TemplateBooting));
        let ended = |status| {
            log(&Notice::Worker(pid, Fate::TemplateExiting));
            Outcome::Ended(status)
        };
        if let Err(status) = host.load(&self.boot) {
            return ended(status);
        }
        self.boot.ready();
        loop {
            match self.turn(host) {
                Continue(()) => {}
                Break(End::Told) => return ended(0),
                Break(End::Born(order, slot, blocked)) => {
                    return match self.into_worker(order, slot, blocked, host) {
                        Ok(boot) => Outcome::Worker(Box::new(boot)),
                        Err(error) => Outcome::Stillborn(error),
                    };
                }
            }
        }
    }

    /// Wait, and do what came.
    fn turn(&self, host: &mut dyn Host) -> ControlFlow<End> {
        host.wait(&mut || self.wait());
        let mut commands = [0; 64];
        let heard = self.obedience.commands().read(&mut commands).unwrap_or(0);
        for command in commands.iter().take(heard).copied().filter_map(Command::from_byte) {
            match command {
                Command::StopGracefully | Command::StopQuickly => return Break(End::Told),
                Command::ReopenLogs => self.reopen_logs(),
            }
        }
        match self.orders.next() {
            Ok(None) => Continue(()),
            Ok(Some(Message::Fork(order))) => self.fork(order, host),
            Ok(Some(Message::LeaveTerminal)) => {
                if let Err(source) = self.boot.leave_terminal() {
                    let error = StartError::system("leave the terminal")(source);
                    log(&Notice::CannotStart { error: error.to_string() });
                }
                Continue(())
            }
            // The master is gone, and so will this process be in a moment.
            Err(_) => Break(End::Told),
        }
    }

    fn wait(&self) {
        let mut awaited = [self.obedience.commands().as_fd(), self.orders.as_fd()]
            .map(|descriptor| PollFd::new(descriptor, PollFlags::POLLIN));
        // An interrupted wait is as good as one that has ended.
        let _ = poll(&mut awaited, PollTimeout::NONE);
    }

    fn fork(&self, order: Order, host: &mut dyn Host) -> ControlFlow<End> {
        let slot = self.kit.board.share(order.slot);
        host.before_fork();
        let blocked = SignalsBlocked::new();
        // Threads that the application has started stay here, which the host has said.
        let proof = SingleThreaded::prove().unwrap_or_else(SingleThreaded::in_spite_of);
        let outcome = match fork_for(self.kit.master, &slot, &proof, &blocked) {
            Ok(Fork::Child) => return Break(End::Born(order, slot, blocked)),
            Ok(Fork::Parent { child }) => Ok(child),
            Err(error) => Err(error.raw_os_error().unwrap_or(libc::EINTR)),
        };
        drop(blocked);
        host.after_fork_in_parent();
        self.orders.answer(&Answer { age: order.age, outcome });
        Continue(())
    }

    /// Be a worker: let go of what is the template's.
    fn into_worker(
        mut self,
        order: Order,
        slot: Lease,
        blocked: SignalsBlocked,
        host: &mut dyn Host,
    ) -> Result<WorkerBoot, StartError> {
        self.obedience.end(&blocked);
        drop(self.orders);
        self.kit.privileges = Arc::new(Privileges::kept());
        let obedience = self.kit.settle(&slot, "worker", host, blocked)?;
        self.kit.into_boot(order.age, slot, obedience)
    }

    fn reopen_logs(&self) {
        if let Err(error) = self.kit.error_log.reopen() {
            log(&Notice::ReopenFailed { error: error.to_string() });
        }
    }
}
