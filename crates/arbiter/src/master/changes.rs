//! `--reload`: what the master waits for beside its signals, and what it makes of a change.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    io,
    ops::ControlFlow::{self, Continue},
    os::{
        fd::{AsFd as _, BorrowedFd},
        unix::{
            ffi::{OsStrExt as _, OsStringExt as _},
            fs::MetadataExt as _,
            net::UnixDatagram,
        },
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

/// The longest message: a stamp, and a path of the length that the kernel allows.
const LONGEST: usize = 16 + 4_096;

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
        let mut message = [0; LONGEST];
        while let Ok(length) = self.told.0.recv(&mut message) {
            let Some((stamp, path)) = message[..length].split_first_chunk() else { continue };
            let file = PathBuf::from(OsString::from_vec(path.to_vec()));
            watcher.also(&file, &mut remark);
            if self.loaded.insert(file.clone()) && *stamp != stamp_of(&file) {
                watcher.note(file, now());
            }
        }
        watcher.changed(now(), &mut remark)
    }
}

/// When the file was changed last. What happens to it between its import and the beginning of the watch is seen by it.
fn stamp_of(file: &Path) -> [u8; 16] {
    let time = file.metadata().map_or((0, 0), |found| (found.mtime(), found.mtime_nsec()));
    (i128::from(time.0) * 1_000_000_000 + i128::from(time.1)).to_le_bytes()
}

impl Loaded {
    /// Tell the master of a file, which it will watch.
    pub(crate) fn tell(&self, file: &Path) {
        let message = [&stamp_of(file), file.as_os_str().as_bytes()].concat();
        // A file that cannot be told is one that is not watched; a worker has better things to do than to complain.
        let _ = self.0.send(&message);
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
