//! What `--reload` waits for: a change of a file, told without a thread.
//!
//! A [`View`] says which files count; an engine notices that something happened to one, by inotify or by looking once a
//! second. Changes that come together, as from an editor or a checkout, are one.

#[cfg(target_os = "linux")]
mod inotify;
#[cfg(not(target_os = "linux"))]
#[path = "no_inotify.rs"]
mod inotify;
mod pattern;
mod poll;
#[cfg(test)]
mod tests;
mod view;

use std::{
    os::fd::BorrowedFd,
    path::{Path, PathBuf},
};

use rgunicorn_scoreboard::Millis;
use rgunicorn_settings::{ReloadEngine, Settings};

use self::{inotify::Inotify, poll::Poll, view::View};
use crate::machine::notices::Remark;

/// How long nothing may happen before changes are over.
const QUIET: Millis = 50;

/// How long changes may go on before they are told nevertheless.
const LONGEST: Millis = 1_000;

/// Watches files.
pub(crate) struct Watcher {
    view: View,
    engine: Engine,
    burst: Option<Burst>,
}

enum Engine {
    Inotify(Inotify),
    Poll(Poll),
}

/// Changes that come together.
struct Burst {
    /// The first of them.
    file: PathBuf,
    began: Millis,
    last: Millis,
}

impl Watcher {
    /// Watch what the settings say, from now on. What cannot be watched is told to `log`.
    pub(crate) fn new(settings: &Settings, now: Millis, log: &mut dyn FnMut(Remark)) -> Self {
        let view = View::new(settings);
        let engine = match settings.reloading.reload_engine {
            ReloadEngine::Poll => None,
            ReloadEngine::Auto | ReloadEngine::Inotify => Inotify::new(&view, log),
        };
        let engine = engine.map_or_else(|| Engine::Poll(Poll::new(&view, now)), Engine::Inotify);
        let name = match engine {
            Engine::Inotify(_) => "inotify",
            Engine::Poll(_) => "poll",
        };
        log(Remark::Watching { directories: view.roots(), engine: name });
        Self { view, engine, burst: None }
    }

    /// Whether these settings ask for something else to be watched than those.
    pub(crate) fn differs(these: &Settings, those: &Settings) -> bool {
        these.reloading != those.reloading
            || these.config_file != those.config_file
            || these.application.chdir != those.application.chdir
            || these.application.pythonpath != those.application.pythonpath
    }

    /// Watch this file as well, wherever it is.
    pub(crate) fn also(&mut self, file: &Path, log: &mut dyn FnMut(Remark)) {
        if self.view.add(file) {
            match &mut self.engine {
                Engine::Inotify(inotify) => inotify.also(file, log),
                Engine::Poll(poll) => poll.also(file),
            }
        }
    }

    /// What becomes readable when something has happened.
    pub(crate) fn fd(&self) -> Option<BorrowedFd<'_>> {
        match &self.engine {
            Engine::Inotify(inotify) => Some(inotify.fd()),
            Engine::Poll(_) => None,
        }
    }

    /// When to call [`Watcher::changed`] at the latest.
    pub(crate) fn deadline(&self) -> Option<Millis> {
        let burst = self.burst.as_ref().map(Burst::end);
        let look = match &self.engine {
            Engine::Inotify(_) => None,
            Engine::Poll(poll) => Some(poll.due()),
        };
        burst.into_iter().chain(look).min()
    }

    /// This file has changed, whoever noticed it.
    pub(crate) fn note(&mut self, file: PathBuf, now: Millis) {
        let burst = self.burst.get_or_insert(Burst { file, began: now, last: now });
        burst.last = now;
    }

    /// A file that has changed, once nothing more happens.
    pub(crate) fn changed(&mut self, now: Millis, log: &mut dyn FnMut(Remark)) -> Option<PathBuf> {
        let first = match &mut self.engine {
            Engine::Inotify(inotify) => inotify.read(&self.view, log),
            Engine::Poll(poll) => poll.look(&self.view, now),
        };
        if let Some(file) = first {
            self.note(file, now);
        }
        self.burst.take_if(|burst| burst.end() <= now).map(|burst| burst.file)
    }
}

impl Burst {
    fn end(&self) -> Millis {
        (self.last + QUIET).min(self.began + LONGEST)
    }
}
