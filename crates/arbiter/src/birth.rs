//! The first steps of a new process, the same for every worker and template, whether the master forked it or a template.

use std::sync::Arc;

use rgunicorn_logging::ErrorLog;
use rgunicorn_scoreboard::{Lease, Scoreboard};
use rgunicorn_settings::Settings;

use crate::{
    boot::{Report, TemplateBoot, WorkerBoot},
    error::StartError,
    host::Host,
    machine::event::{Age, Pid},
    master::{retire_after, title},
    os::{
        bound::Bound,
        files::Mark,
        fork::{SignalsBlocked, this_process},
        orphan::{self, Remains},
        privileges::Privileges,
        worker::{self, Obedience},
    },
};

/// What a process keeps of its master: what belongs to its generation, and how to talk to the master.
pub(crate) struct Kit {
    pub(crate) master: Pid,
    pub(crate) board: Arc<Scoreboard>,
    pub(crate) seed: u64,
    pub(crate) generation: u32,
    pub(crate) settings: Arc<Settings>,
    pub(crate) error_log: Arc<ErrorLog>,
    pub(crate) bound: Bound,
    /// Files of this server alone, which must not outlive it.
    pub(crate) files: Vec<Mark>,
    /// Files of sockets, which must not outlive the last server that has them.
    pub(crate) sockets: Vec<Mark>,
    pub(crate) privileges: Arc<Privileges>,
    pub(crate) report: Report,
}

impl Kit {
    /// Be a process of its own: follow the master, and obey the signals that come.
    pub(crate) fn settle(
        &self,
        slot: &Lease,
        role: &str,
        host: &mut dyn Host,
        blocked: SignalsBlocked,
    ) -> Result<Obedience, StartError> {
        let (files, sockets) = (self.files.clone(), self.sockets.clone());
        let remains = Remains { files, sockets, board: Arc::clone(&self.board) };
        let obedience = worker::obey(&blocked).map_err(StartError::system("handle signals"))?;
        orphan::follow(self.master, remains, &blocked).map_err(StartError::system("follow the master"))?;
        drop(blocked);
        self.error_log.after_fork();
        host.after_fork_in_child();
        host.name_process(&title(role, &self.settings, false));
        slot.assign(this_process().0);
        Ok(obedience)
    }

    /// What a template begins with.
    pub(crate) fn template_boot(&self, age: Age, slot: Lease) -> TemplateBoot {
        TemplateBoot {
            age: age.0,
            generation: self.generation,
            slot,
            error_log: Arc::clone(&self.error_log),
            settings: Arc::clone(&self.settings),
            report: self.report.clone(),
            privileges: Arc::clone(&self.privileges),
        }
    }

    /// What a worker begins with.
    pub(crate) fn into_boot(
        self,
        age: Age,
        slot: Lease,
        obedience: Obedience,
    ) -> Result<WorkerBoot, StartError> {
        let listeners = self.bound.into_listeners().map_err(StartError::system("take over the sockets"))?;
        let retire_after = retire_after(&self.settings, self.seed, age);
        Ok(WorkerBoot {
            age: age.0,
            generation: self.generation,
            slot,
            listeners,
            commands: obedience.for_good(),
            error_log: self.error_log,
            settings: self.settings,
            retire_after,
            report: self.report,
            privileges: self.privileges,
            closed: Vec::new(),
        })
    }
}
