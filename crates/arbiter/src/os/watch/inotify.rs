//! Noticing changes by inotify: the kernel tells what happens in directories.
//!
//! Directories are watched, never files: an editor that writes a new file and renames it leaves a watch on a file
//! nothing to watch.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    os::fd::{AsFd as _, BorrowedFd},
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    sys::inotify::{AddWatchFlags, InitFlags, Inotify as Kernel, InotifyEvent, WatchDescriptor},
};

use super::view::View;
use crate::machine::notices::Remark;

/// What happens in the directories.
pub(super) struct Inotify {
    kernel: Kernel,
    /// The names that a directory is known by; more than one if a link leads to it.
    directories: HashMap<WatchDescriptor, BTreeSet<PathBuf>>,
    known: BTreeSet<PathBuf>,
}

impl Inotify {
    /// Watch everything in view; `None` where the kernel offers no more of it.
    pub(super) fn new(view: &View, log: &mut dyn FnMut(Remark)) -> Option<Self> {
        let kernel = match Kernel::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK) {
            Ok(kernel) => kernel,
            Err(errno) => {
                log(Remark::NotWatched { path: view.roots(), error: errno.desc().to_owned() });
                return None;
            }
        };
        let mut inotify = Self { kernel, directories: HashMap::new(), known: BTreeSet::new() };
        for directory in view.directories() {
            inotify.watch(directory, log);
        }
        for file in view.files() {
            inotify.also(file, log);
        }
        Some(inotify)
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.kernel.as_fd()
    }

    /// Watch what a file is in.
    pub(super) fn also(&mut self, file: &Path, log: &mut dyn FnMut(Remark)) {
        if let Some(directory) = file.parent() {
            self.watch(directory.to_owned(), log);
        }
    }

    fn watch(&mut self, directory: PathBuf, log: &mut dyn FnMut(Remark)) {
        let events = AddWatchFlags::IN_CLOSE_WRITE
            | AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_MOVED_FROM
            | AddWatchFlags::IN_MOVED_TO
            | AddWatchFlags::IN_ONLYDIR;
        if self.known.contains(&directory) {
            return;
        }
        match self.kernel.add_watch(&directory, events) {
            Ok(watch) => {
                self.known.insert(directory.clone());
                self.directories.entry(watch).or_default().insert(directory);
            }
            Err(errno) => {
                let path = directory.display().to_string();
                log(Remark::NotWatched { path, error: errno.desc().to_owned() });
            }
        }
    }

    /// The first file that has changed since the last time; what else happened is taken note of.
    pub(super) fn read(&mut self, view: &View, log: &mut dyn FnMut(Remark)) -> Option<PathBuf> {
        let mut changed = None;
        loop {
            let events = match self.kernel.read_events() {
                Ok(events) => events,
                Err(Errno::EINTR) => continue,
                // Nothing is left.
                Err(_) => return changed,
            };
            for event in events {
                let file = self.take(&event, view, log);
                changed = changed.or(file);
            }
        }
    }

    fn take(&mut self, event: &InotifyEvent, view: &View, log: &mut dyn FnMut(Remark)) -> Option<PathBuf> {
        if event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
            // So much has happened that the kernel lost count: surely something of it counts.
            return Some(PathBuf::from("a file"));
        }
        if event.mask.contains(AddWatchFlags::IN_IGNORED) {
            let gone = self.directories.remove(&event.wd).unwrap_or_default();
            self.known.retain(|directory| !gone.contains(directory));
            return None;
        }
        let name = event.name.as_ref()?;
        let directories = self.directories.get(&event.wd)?;
        let paths: Vec<_> = directories.iter().map(|directory| directory.join(name)).collect();
        paths.into_iter().find_map(|path| {
            if event.mask.contains(AddWatchFlags::IN_ISDIR) {
                self.take_directory(event.mask, path, view, log)
            } else {
                Some(path).filter(|path| has_changed(event.mask, path) && view.wants(path))
            }
        })
    }

    /// Watch this directory and those below it no longer: elsewhere they have other names. False if none was watched.
    fn forget(&mut self, root: &Path) -> bool {
        let before = self.known.len();
        self.known.retain(|directory| !directory.starts_with(root));
        let kernel = &self.kernel;
        self.directories.retain(|watch, names| {
            names.retain(|directory| !directory.starts_with(root));
            // A watch that is gone by itself is as good.
            !names.is_empty() || kernel.rm_watch(*watch).is_err()
        });
        self.known.len() < before
    }

    /// A directory that has come is watched, and files in it may have come before the watch. One that went took its files
    /// along; if it was removed, each was told of.
    fn take_directory(
        &mut self,
        mask: AddWatchFlags,
        path: PathBuf,
        view: &View,
        log: &mut dyn FnMut(Remark),
    ) -> Option<PathBuf> {
        if !view.enters(&path) {
            return None;
        }
        if mask.contains(AddWatchFlags::IN_MOVED_FROM) {
            return self.forget(&path).then_some(path);
        }
        if !mask.intersects(AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO) {
            return None;
        }
        let mut below = BTreeSet::new();
        view.descend(path, &mut below);
        let mut found = None;
        for directory in below {
            self.watch(directory.clone(), log);
            let entries = fs::read_dir(directory).into_iter().flatten().flatten();
            found = found.or_else(|| entries.map(|entry| entry.path()).find(|path| view.wants(path)));
        }
        found
    }
}

/// Whether the file is another one now. That one was made says nothing until it is written and closed, but for a link,
/// which is complete at once.
fn has_changed(mask: AddWatchFlags, path: &Path) -> bool {
    !mask.contains(AddWatchFlags::IN_CREATE)
        || fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink())
}
