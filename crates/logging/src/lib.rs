//! The error log and the access log.
//!
//! [`ErrorLog`] receives `tracing` events and writes them in gunicorn's line format; [`AccessLog`] formats one line a
//! request and writes a whole turn's lines at once. Both write to a standard stream or to a file that can be
//! reopened, never wait for ever, and let no client forge a line ([`escape`]).
//!
//! Python is not known here: the bridge passes text from it on.

mod access;
mod clock;
mod error;
mod error_log;
mod escape;
mod layer;
mod severity;
mod sink;

pub use access::{AccessFormat, AccessLog, FormatError, Record, atoms_markdown};
pub use error::LogError;
pub use error_log::{ErrorLog, reopen_error_log};
pub use escape::{Escaped, escape};

#[doc(hidden)]
pub use tracing as __tracing;

/// Log an event at CRITICAL, a level that `tracing` lacks. Takes what [`tracing::error!`] takes, without a target.
///
/// ```
/// let pid = 4242;
/// rgunicorn_logging::critical!("WORKER TIMEOUT (pid:{pid})");
/// ```
#[macro_export]
macro_rules! critical {
    ($($event:tt)+) => { $crate::__tracing::error!(target: "critical", $($event)+) };
}
