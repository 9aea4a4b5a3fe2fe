//! What can go wrong with a log, in words that say what to change.

use std::io;
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use crate::access::FormatError;

/// A log that cannot be opened, reopened or installed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The file of a log setting cannot be opened for appending.
    #[error("`{setting}`: cannot open `{}` for appending: {reason}; {remedy}", path.display())]
    Open {
        /// Name of the setting.
        setting: &'static str,
        /// Path as it was opened, absolute where the working directory is known.
        path: PathBuf,
        /// What the kernel answered, in words.
        reason: String,
        /// What the operator can do about it.
        remedy: String,
        /// The error as it came.
        source: io::Error,
    },
    /// The access log format does not compile.
    #[error("`access_log_format`: {0}")]
    Format(#[from] FormatError),
    /// Another part of this process has set a global `tracing` subscriber first.
    #[error("another `tracing` subscriber is already installed in this process; install the error log first")]
    SubscriberTaken,
}

impl LogError {
    /// Explain why `path` of `setting` could not be opened.
    pub(crate) fn open(setting: &'static str, path: &Path, source: io::Error) -> Self {
        let errno = source.raw_os_error().map(Errno::from_raw);
        let reason = errno.map_or_else(|| source.to_string(), |errno| errno.desc().to_owned());
        let remedy = remedy(path, errno);
        Self::Open { setting, path: path.to_owned(), reason, remedy, source }
    }
}

/// What to do about `errno` at `path`.
fn remedy(path: &Path, errno: Option<Errno>) -> String {
    let folder = path.parent().unwrap_or(Path::new("/")).display();
    match errno {
        Some(Errno::EISDIR) => "it is a directory: give the path of a file in it".to_owned(),
        Some(Errno::ENOENT) if path.parent().is_some_and(Path::is_dir) => {
            "no file can be made there: choose another path".to_owned()
        }
        Some(Errno::ENOENT) => format!("create the directory `{folder}` or choose another path"),
        Some(Errno::ENOTDIR) => format!("`{folder}` is not a directory: choose another path"),
        Some(Errno::EACCES | Errno::EPERM) => {
            "give this user write access to the file and its directory, or choose another path".to_owned()
        }
        Some(Errno::EROFS) => "choose a path on a file system that is not read-only".to_owned(),
        Some(Errno::ENXIO) => "start the program that reads this pipe first, or choose a file".to_owned(),
        Some(Errno::EMFILE | Errno::ENFILE) => "raise the limit of open files".to_owned(),
        _ => "choose another path, or `-` for the standard stream".to_owned(),
    }
}
