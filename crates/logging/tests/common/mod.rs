//! What the tests of both logs share: settings for a file in a directory of its own.

use std::fs;
use std::path::PathBuf;

use rgunicorn_settings::{Destination, Level, Logging};
use tempfile::TempDir;

/// Path of a log in a fresh directory.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
    pub(crate) path: PathBuf,
}

impl Place {
    /// A place where no file is yet.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("some.log");
        Self { folder, path }
    }

    /// Everything that was logged.
    pub(crate) fn text(&self) -> String {
        fs::read_to_string(&self.path).unwrap()
    }

    /// Move the log away, as `logrotate` does; the new path.
    pub(crate) fn rotate(&self) -> PathBuf {
        let old = self.folder.path().join("some.log.1");
        fs::rename(&self.path, &old).unwrap();
        old
    }

    /// Settings with both logs here.
    pub(crate) fn settings(&self, format: &str) -> Logging {
        Logging {
            loglevel: Level::Info,
            errorlog: Destination::File(self.path.clone()),
            accesslog: Some(Destination::File(self.path.clone())),
            access_log_format: format.to_owned(),
        }
    }
}
