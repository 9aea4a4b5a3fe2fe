//! What belongs to one reading of the configuration: settings, sockets, logs, pid file. Generations that agree on a
//! socket or a file share it.

use std::{collections::BTreeMap, mem, path::PathBuf, sync::Arc};

use rgunicorn_logging::ErrorLog;
use rgunicorn_settings::Settings;

pub(super) use crate::machine::event::Generation as Number;
use crate::{
    machine::notices::Notice,
    os::{
        bound::Bound,
        files::{Mark, OwnFile},
        privileges::Privileges,
    },
    run::log,
};

/// One reading of the configuration, and what was opened for it.
#[derive(Debug)]
pub(super) struct Generation {
    pub(super) settings: Arc<Settings>,
    pub(super) error_log: Arc<ErrorLog>,
    pub(super) privileges: Arc<Privileges>,
    /// Log files that workers open themselves.
    pub(super) logs: Vec<PathBuf>,
    pub(super) bound: Bound,
    pub(super) pidfile: Option<Arc<OwnFile>>,
}

impl Generation {
    /// Close what no other generation needs.
    pub(super) fn close(&mut self) {
        self.close_listeners();
        self.pidfile.take().into_iter().for_each(let_go);
    }

    pub(super) fn close_listeners(&mut self) {
        // The file goes first: whoever finds it finds somebody who listens.
        for opened in self.bound.opened.drain(..) {
            opened.file.into_iter().for_each(let_go);
        }
    }
}

/// The generations that still have something to do: the one that serves, one that is to follow, some that retire.
#[derive(Debug)]
pub(super) struct Generations {
    held: BTreeMap<Number, Generation>,
    serving: Number,
    /// The one that is to follow.
    pending: Option<Number>,
}

impl Generations {
    pub(super) fn new(first: Generation) -> Self {
        let serving = Number(0);
        Self { held: BTreeMap::from([(serving, first)]), serving, pending: None }
    }

    /// The number of the one that serves.
    pub(super) fn serving_number(&self) -> Number {
        self.serving
    }

    /// The one that serves.
    pub(super) fn serving(&self) -> &Generation {
        self.held.get(&self.serving).expect("what serves is held")
    }

    pub(super) fn serving_mut(&mut self) -> &mut Generation {
        self.held.get_mut(&self.serving).expect("what serves is held")
    }

    pub(super) fn get(&self, number: Number) -> Option<&Generation> {
        self.held.get(&number)
    }

    /// Hold the one that is to follow.
    pub(super) fn prepare(&mut self, number: Number, generation: Generation) {
        self.held.insert(number, generation);
        self.pending = Some(number);
    }

    /// Let `number` serve from now on, and close what only its predecessor needed. False if there is no such generation.
    pub(super) fn adopt(&mut self, number: Number) -> bool {
        if !self.held.contains_key(&number) {
            return false;
        }
        self.pending = self.pending.filter(|pending| *pending != number);
        let before = mem::replace(&mut self.serving, number);
        if let Some(old) = self.held.get_mut(&before).filter(|_| before != number) {
            old.close();
        }
        true
    }

    /// `number` will never serve. What its workers may still need stays open.
    pub(super) fn give_up(&mut self, number: Number) {
        self.pending = self.pending.filter(|pending| *pending != number);
    }

    /// Let go of a generation without workers. False if it serves, or will.
    pub(super) fn forget(&mut self, number: Number) -> bool {
        if number == self.serving || self.pending == Some(number) {
            return false;
        }
        if let Some(mut generation) = self.held.remove(&number) {
            generation.close();
        }
        true
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Generation> {
        self.held.values()
    }

    pub(super) fn all_mut(&mut self) -> impl Iterator<Item = &mut Generation> {
        self.held.values_mut()
    }

    /// The pid files, which must not outlive the server.
    pub(super) fn pidfiles(&self) -> Vec<Mark> {
        self.all().filter_map(|generation| generation.pidfile.as_ref()).map(|file| file.mark()).collect()
    }

    /// The socket files, which must not outlive the last server that has them.
    pub(super) fn socket_files(&self) -> Vec<Mark> {
        self.all().flat_map(|generation| generation.bound.marks().collect::<Vec<_>>()).collect()
    }

    /// Keep this one, in the process that belongs to it, and close what the others have open.
    pub(super) fn keep_only(mut self, number: Number) -> Option<Generation> {
        self.held.remove(&number)
    }

    /// Close everything.
    pub(super) fn close(&mut self) {
        self.held.values_mut().for_each(Generation::close);
    }

    pub(super) fn close_listeners(&mut self) {
        self.held.values_mut().for_each(Generation::close_listeners);
    }
}

/// Remove a file unless another generation needs it.
fn let_go(file: Arc<OwnFile>) {
    let Some(file) = Arc::into_inner(file) else { return };
    if let Err((path, error)) = file.remove() {
        log(&Notice::NotRemoved { path: path.display().to_string(), error: error.to_string() });
    }
}
