//! The levels of the error log: gunicorn's names on `tracing`'s levels.

use rgunicorn_settings::Level;
use tracing::Metadata;
use tracing::level_filters::LevelFilter;

/// Target of an ERROR event that is to be logged as CRITICAL, a level that `tracing` does not have.
const CRITICAL: &str = "critical";

/// What the targets of our own crates start with: the second is the extension module.
const OURS: [&str; 2] = ["rgunicorn", "_rgunicorn"];

/// The level of an event; `None` if nobody wants it at any level: traces, and what libraries say below a warning.
pub(crate) fn level_of(metadata: &Metadata<'_>) -> Option<Level> {
    let ours = OURS.iter().any(|ours| metadata.target().starts_with(ours));
    match *metadata.level() {
        tracing::Level::ERROR if metadata.target() == CRITICAL => Some(Level::Critical),
        tracing::Level::ERROR => Some(Level::Error),
        tracing::Level::WARN => Some(Level::Warning),
        tracing::Level::INFO if ours => Some(Level::Info),
        tracing::Level::DEBUG if ours => Some(Level::Debug),
        _ => None,
    }
}

/// A level as it stands in a record.
pub(crate) const fn name(level: Level) -> &'static str {
    match level {
        Level::Debug => "DEBUG",
        Level::Info => "INFO",
        Level::Warning => "WARNING",
        Level::Error => "ERROR",
        Level::Critical => "CRITICAL",
    }
}

/// The filter that lets `level`, and whatever is more serious, reach the log.
pub(crate) const fn filter(level: Level) -> LevelFilter {
    match level {
        Level::Debug => LevelFilter::DEBUG,
        Level::Info => LevelFilter::INFO,
        Level::Warning => LevelFilter::WARN,
        Level::Error | Level::Critical => LevelFilter::ERROR,
    }
}
