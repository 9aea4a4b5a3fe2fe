//! Reading everything again for a new generation, and what becomes of it: it serves one day, or is given up.
//!
//! Everything that can fail is tried before anything is changed: what a new generation needs is opened beside what is
//! open. Only then do its workers boot.

use std::sync::Arc;

use rgunicorn_logging::{AccessLog, ErrorLog};
use rgunicorn_settings::Settings;

use super::{
    Master, advise,
    generations::{Generation, Number},
    limits::limits,
    service::log_files,
};
use crate::{
    host::Hook,
    machine::{
        event::Limits,
        notices::{Notice, Remark},
    },
    os::{
        bind::{Patience, bind_all},
        bound::Bound,
        files::OwnFile,
        open_files, pidfile,
        privileges::Privileges,
    },
    run::log,
};

impl Master<'_> {
    /// Read the configuration again and open what it needs. Nothing of what serves changes. If it fails, the machine
    /// discards what there is of the generation.
    pub(super) fn reread(&mut self, number: Number) -> Result<Limits, String> {
        if self.announced {
            self.notifier.reloading();
        }
        let prepared = self.prepare(number);
        // Whoever comes next finds what it always finds.
        self.select(self.generations.serving_number());
        prepared
    }

    fn prepare(&mut self, number: Number) -> Result<Limits, String> {
        // To read, the host has the environment as it was before the server; nobody's is selected then.
        self.selected = None;
        let settings = self.host.reread(number.0)?;
        advise(&settings);
        self.select(number);
        let generation = self.open_beside(settings)?;
        let limits = limits(&generation.settings, self.seed);
        let connections = generation.settings.workers.worker_connections.0;
        self.generations.prepare(number, generation);
        if let Some(allowed) = open_files::allow(connections) {
            log(&Notice::Remark(Remark::FewOpenFiles { allowed, connections }));
        }
        if self.hook(number, Hook::OnReload) {
            Ok(limits)
        } else {
            Err("the hook `on_reload` failed (see above)".to_owned())
        }
    }

    /// Open what these settings need and no generation has open already.
    fn open_beside(&self, mut settings: Settings) -> Result<Generation, String> {
        let serving = self.generations.serving();
        // A server cannot go to the background, or come back from it, while it runs.
        settings.process.daemon = serving.settings.process.daemon;
        let error_log = if serving.settings.logging == settings.logging {
            Arc::clone(&serving.error_log)
        } else {
            ErrorLog::open(&settings.logging).map_err(|error| error.to_string())?
        };
        // Workers open their own; whether that is possible is found out here.
        AccessLog::open(&settings.logging).map_err(|error| error.to_string())?;
        let others: Vec<&Bound> = self.generations.all().map(|generation| &generation.bound).collect();
        let bound = bind_all(&settings, &others, Patience::Once, &mut |notice| log(&notice))
            .map_err(|error| error.to_string())?;
        let pidfile = self.pidfile(&settings)?;
        let privileges = Privileges::new(&settings.process).map_err(|error| error.to_string())?;
        let logs = log_files(&settings);
        privileges.own_all(&logs);
        let (settings, privileges) = (Arc::new(settings), Arc::new(privileges));
        Ok(Generation { settings, error_log, privileges, logs, bound, pidfile })
    }

    /// The pid file of these settings: the one that is there, or another beside it.
    fn pidfile(&self, settings: &Settings) -> Result<Option<Arc<OwnFile>>, String> {
        let Some(path) = &settings.process.pidfile else { return Ok(None) };
        let path = &self.pid_path(path);
        let wanted = std::path::absolute(path).map_err(|error| error.to_string())?;
        let mut ours = self.generations.all().filter_map(|generation| generation.pidfile.as_ref());
        if let Some(file) = ours.find(|file| file.path() == wanted) {
            return Ok(Some(Arc::clone(file)));
        }
        pidfile::create(path).map(|file| Some(Arc::new(file))).map_err(|error| error.to_string())
    }

    /// This generation serves from now on: its log is the master's, and what only its predecessor needed is closed.
    pub(super) fn adopt(&mut self, number: Number) {
        let before = self.generations.serving_number();
        let addresses = self.generations.serving().bound.addresses();
        let settings = Arc::clone(&self.generations.serving().settings);
        if !self.generations.adopt(number) {
            return;
        }
        let serving = self.generations.serving();
        if let Err(error) = serving.error_log.install() {
            log(&Notice::ReopenFailed { error: error.to_string() });
        }
        let now = serving.bound.addresses();
        if let Err(error) = serving.bound.settle(&serving.settings) {
            log(&Notice::CannotStart { error: error.to_string() });
        }
        if now != addresses {
            log(&Notice::ListeningAt { addresses: now.join(","), pid: self.pid });
        }
        self.select(number);
        self.watch(Some(&settings));
        self.name();
        self.announce_end_of_reload();
        self.forget_if_unused(before);
    }

    /// This generation is given up.
    pub(super) fn discard(&mut self, number: Number) {
        self.announce_end_of_reload();
        self.generations.give_up(number);
        self.forget_if_unused(number);
    }

    /// A generation that does not serve is held as long as one of its workers is there.
    pub(super) fn forget_if_unused(&mut self, number: Number) {
        let used = self.children.values().any(|child| child.generation == number);
        if !used && self.generations.forget(number) {
            self.select(self.generations.serving_number());
            self.host.forget(number.0);
        }
    }
}
