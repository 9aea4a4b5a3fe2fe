//! Static files: directories that are served under a path, without the application.
//!
//! A request is answered in two steps. [`decide`](answer::decide) looks at the request and the directory and makes the
//! answer; [`Answer::write`] puts it into the reply and says what of which file is to be sent. Sending is the engine's.
//!
//! What is served are regular files below the directory ([`root`]), under names that are decoded once ([`path`]). Nothing
//! is cached: each request sees the directory as it is.

mod answer;
mod coding;
mod conditions;
mod path;
mod ranges;
mod root;
mod types;

use std::{
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use rgunicorn_scoreboard::Millis;

pub(crate) use self::answer::{Answer, Content, Piece};
use self::root::Root;
use crate::Exchange;

/// A directory that cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum MountError {
    /// It cannot be opened.
    #[error(
        "cannot serve `{directory}` under `{prefix}`: {error} (name a directory that the worker's user may search)"
    )]
    Directory {
        /// The path it was to be served under.
        prefix: String,
        /// The directory.
        directory: PathBuf,
        /// What the kernel says.
        error: io::Error,
    },
    /// There is another one.
    #[error("`{0}` is mounted twice (give each path one directory)")]
    Twice(String),
}

/// The directories that are served.
#[derive(Debug, Default)]
pub struct Mounts {
    /// The longest prefix first.
    mounts: Vec<Mount>,
}

#[derive(Debug)]
struct Mount {
    /// Decoded, without a slash at the end; empty for all paths.
    prefix: String,
    root: Root,
}

impl Mounts {
    /// Serve the files of `directory`, which is absolute, under `prefix`, which is decoded: `/static`, or `/` for all paths.
    ///
    /// # Errors
    /// When there is no such directory, or the prefix has one already.
    pub fn add(&mut self, prefix: &str, directory: &Path) -> Result<(), MountError> {
        let prefix = prefix.trim_end_matches('/').to_owned();
        if self.mounts.iter().any(|mount| mount.prefix == prefix) {
            return Err(MountError::Twice(if prefix.is_empty() { "/".to_owned() } else { prefix }));
        }
        let root = Root::open(directory).map_err(|error| MountError::Directory {
            prefix: if prefix.is_empty() { "/".to_owned() } else { prefix.clone() },
            directory: directory.to_owned(),
            error,
        })?;
        self.mounts.push(Mount { prefix, root });
        self.mounts.sort_by_key(|mount| std::cmp::Reverse(mount.prefix.len()));
        Ok(())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.mounts.is_empty()
    }

    /// Whether a path, as it was sent, is one of theirs.
    pub(crate) fn have(&self, path: &[u8]) -> bool {
        self.mounts.iter().any(|mount| path::below(path, mount.prefix.as_bytes()).is_some())
    }

    /// The answer to a request; `None` where its path is the application's.
    pub(crate) fn answer(&mut self, exchange: &Exchange, now: (Millis, SystemTime)) -> Option<Answer> {
        self.mounts.iter_mut().find_map(|mount| {
            let rest = path::below(exchange.path(), mount.prefix.as_bytes())?;
            Some(answer::decide(&mut mount.root, rest, exchange, now))
        })
    }
}
