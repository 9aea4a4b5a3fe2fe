//! `--reload`: what the master waits for beside its signals, and what it makes of a change.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    io,
    ops::ControlFlow::{self, Continue},
    os::{
        fd::{AsFd as _, BorrowedFd},
        unix::{ffi::OsStringExt as _, net::UnixDatagram},
    },
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rgunicorn_scoreboard::{Millis, now};
use rgunicorn_settings::Settings;

use super::{End, Master};
use crate::{
    machine::{
        event::Event,
        notices::{Notice, Remark},
    },
    os::watch::Watcher,
    run::log,
};

/// The longest name of a file that is told.
const LONGEST_PATH: usize = 4_096;

/// How long a process waits at most until the master has read what it tells.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is watched, if anything is.
pub(super) struct Changes {
    watcher: Option<Watcher>,
    /// Where processes tell what they have loaded: the master's end, and the one that they inherit.
    told: (UnixDatagram, UnixDatagram),
    loaded: BTreeSet<PathBuf>,
}

/// A new process' way to tell what it has loaded.
#[derive(Debug, Clone)]
pub(crate) struct Loaded(Arc<UnixDatagram>);

impl Changes {
    pub(super) fn new() -> io::Result<Self> {
        let told = UnixDatagram::pair()?;
        told.0.set_nonblocking(true)?;
        told.1.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { watcher: None, told, loaded: BTreeSet::new() })
    }

    /// What to wait for.
    pub(super) fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let watcher = self.watcher.as_ref();
        watcher.map(|_| self.told.0.as_fd()).into_iter().chain(watcher.and_then(Watcher::fd))
    }

    /// When to look at the latest.
    pub(super) fn deadline(&self) -> Option<Millis> {
        self.watcher.as_ref().and_then(Watcher::deadline)
    }

    /// In a new process: what it tells by, if anybody listens.
    pub(super) fn into_loaded(self) -> Option<Loaded> {
        self.watcher.is_some().then_some(Loaded(Arc::new(self.told.1)))
    }

    /// Watch what these settings say, where those before said something else.
    fn follow(&mut self, settings: &Settings, before: Option<&Settings>) {
        if !settings.reloading.reload {
            self.watcher = None;
        } else if self.watcher.is_none() || before.is_some_and(|before| Watcher::differs(settings, before)) {
            let mut watcher = Watcher::new(settings, now(), &mut remark);
            for file in &self.loaded {
                watcher.also(file, &mut remark);
            }
            self.watcher = Some(watcher);
        }
    }

    /// The file that has changed, if one has.
    fn changed(&mut self) -> Option<PathBuf> {
        let watcher = self.watcher.as_mut()?;
        let mut buffer = [0; LONGEST_PATH];
        while let Ok(length) = self.told.0.recv(&mut buffer) {
            let file = PathBuf::from(OsString::from_vec(buffer[..length].to_vec()));
            watcher.also(&file, &mut remark);
            self.loaded.insert(file);
        }
        watcher.changed(now(), &mut remark)
    }
}

impl Loaded {
    /// Tell the master of a file, which it will watch.
    pub(crate) fn tell(&self, file: &Path) {
        // A file that cannot be told is one that is not watched; a worker has better things to do than to complain.
        let _ = self.0.send(file.as_os_str().as_encoded_bytes());
    }
}

impl Master<'_> {
    /// Watch what the settings of the serving generation say.
    pub(super) fn watch(&mut self, before: Option<&Settings>) {
        self.changes.follow(&self.generations.serving().settings, before);
    }

    /// Reload if something has changed.
    pub(super) fn reload_if_changed(&mut self) -> ControlFlow<End> {
        match self.changes.changed() {
            Some(file) => self.tell(Event::FilesChanged(file.display().to_string())),
            None => Continue(()),
        }
    }
}

fn remark(remark: Remark) {
    log(&Notice::Remark(remark));
}
