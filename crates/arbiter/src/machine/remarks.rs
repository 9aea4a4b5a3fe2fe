//! What is logged about the settings themselves, as data.

use std::fmt;

use super::notices::Level;

/// A line about a setting, and what it does or does not do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are the blanks of the sentences below")]
pub enum Remark {
    /// A setting that does nothing.
    InVain { sentence: String },
    /// A daemon lets go of the terminal that its log goes to.
    LogEnds,
    /// What is watched for `reload`.
    Watching { directories: String, engine: &'static str },
    /// Something cannot be watched.
    NotWatched { path: String, error: String },
}

impl Remark {
    /// The level, and what an operator should make of the line.
    pub(super) fn about(&self) -> (Level, &'static str) {
        match self {
            Self::InVain { .. } => {
                (Level::Warning, "A setting was given that does nothing; another one is missing.")
            }
            Self::LogEnds => (
                Level::Warning,
                "A daemon without an error log file; whatever goes wrong later is not told to anybody.",
            ),
            Self::Watching { .. } => {
                (Level::Info, "A change of the code in these directories replaces the workers (`reload`).")
            }
            Self::NotWatched { .. } => (
                Level::Warning,
                "Changes there go unnoticed. With many directories, `fs.inotify.max_user_watches` is often too low.",
            ),
        }
    }

    /// One of each, with example values.
    pub(super) fn examples() -> [Self; 4] {
        let text = str::to_owned;
        [
            Self::InVain {
                sentence: text("the setting `max_requests_jitter` has no effect: `max_requests` is not set"),
            },
            Self::LogEnds,
            Self::Watching { directories: text("/srv/site"), engine: "inotify" },
            Self::NotWatched { path: text("/srv/site/media"), error: text("No space left on device") },
        ]
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InVain { sentence } => out.write_str(sentence),
            Self::LogEnds => out.write_str(
                "The error log ends here: a daemon has no terminal (give it a file with `--error-logfile`)",
            ),
            Self::Watching { directories, engine } => {
                write!(out, "Watching for changes in {directories} ({engine})")
            }
            Self::NotWatched { path, error } => write!(
                out,
                "cannot watch `{path}`: {error} (leave it out by `--reload-exclude`, or write `--reload-engine poll`)"
            ),
        }
    }
}
