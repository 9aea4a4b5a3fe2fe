//! Noticing changes by looking: the time, size and number of every file that counts, once a second.

use std::{
    collections::BTreeMap,
    fs::{self, Metadata},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use rgunicorn_scoreboard::Millis;

use super::view::View;

/// The time between two looks.
const EVERY: Millis = 1_000;

/// What the files looked like.
pub(super) struct Poll {
    stamps: BTreeMap<PathBuf, Stamp>,
    due: Millis,
}

/// What changes when a file does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: (i64, i64),
    size: u64,
    number: u64,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            size: metadata.size(),
            number: metadata.ino(),
        }
    }
}

impl Poll {
    pub(super) fn new(view: &View, now: Millis) -> Self {
        Self { stamps: stamps(view), due: now + EVERY }
    }

    pub(super) fn due(&self) -> Millis {
        self.due
    }

    pub(super) fn also(&mut self, file: &Path) {
        if let Ok(metadata) = fs::metadata(file) {
            self.stamps.insert(file.to_owned(), Stamp::of(&metadata));
        }
    }

    /// A file that has changed, is new or is gone since the last look, if it is time for one.
    pub(super) fn look(&mut self, view: &View, now: Millis) -> Option<PathBuf> {
        if now < self.due {
            return None;
        }
        self.due = now + EVERY;
        let stamps = stamps(view);
        let before = std::mem::replace(&mut self.stamps, stamps);
        let changed = self.stamps.iter().find(|(file, stamp)| before.get(*file) != Some(stamp));
        let gone = || before.iter().find(|(file, _)| !self.stamps.contains_key(*file));
        changed.or_else(gone).map(|(file, _)| file.clone())
    }
}

fn stamps(view: &View) -> BTreeMap<PathBuf, Stamp> {
    let below = view.directories().into_iter().flat_map(|directory| {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).filter(|path| view.wants(path)).collect::<Vec<_>>()
    });
    let files = below.chain(view.files().map(Path::to_owned));
    let stamped = files.filter_map(|file| {
        let metadata = fs::metadata(&file).ok().filter(Metadata::is_file)?;
        Some((file, Stamp::of(&metadata)))
    });
    stamped.collect()
}
