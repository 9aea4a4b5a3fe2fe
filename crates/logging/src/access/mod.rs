//! The access log: one line a request, formatted into a buffer and written once a turn.

mod atoms;
mod format;
mod line;
mod record;
mod user;

use std::time::Duration;

use nix::errno::Errno;
use rgunicorn_settings::Logging;

pub use atoms::atoms_markdown;
pub use format::{AccessFormat, FormatError};
pub use record::Record;

use crate::LogError;
use crate::clock::Zone;
use crate::sink::{Sink, Unwritten};
use line::{Common, write_line};

/// A buffer of this size is written even within a turn, and no more than this waits for a slow reader.
const FULL: usize = 64 * 1024;

/// How long a write may wait for a reader that has kept up so far.
const PATIENCE: Duration = Duration::from_millis(20);

/// How long the last write may wait.
const LAST_PATIENCE: Duration = Duration::from_millis(200);

/// The access log of one process.
///
/// [`record`](Self::record) formats into a buffer; [`flush`](Self::flush), called once a turn, writes it. When the
/// destination fails, that is reported once to the error log, and once more when it works again.
#[derive(Debug)]
pub struct AccessLog {
    sink: Sink,
    format: AccessFormat,
    common: Common,
    buffer: Vec<u8>,
    health: Health,
}

/// Whether lines get out.
#[derive(Debug, Default)]
struct Health {
    /// Nobody reads: do not wait again until somebody does.
    stalled: bool,
    /// The failure was reported and has not ended.
    reported: bool,
    /// Lines that were dropped since the failure began.
    lost: usize,
    /// The buffer begins with the rest of a line.
    mid_line: bool,
}

impl AccessLog {
    /// Open the access log that the settings ask for; `None` if they ask for none.
    ///
    /// # Errors
    /// If the file cannot be opened or the format does not compile.
    pub fn open(settings: &Logging) -> Result<Option<Self>, LogError> {
        // A format that is wrong is better known before somebody needs the log.
        let format = AccessFormat::compile(&settings.access_log_format)?;
        let Some(destination) = &settings.accesslog else { return Ok(None) };
        let sink = Sink::open("accesslog", destination)?;
        let common = Common::new(Zone::local());
        Ok(Some(Self { sink, format, common, buffer: Vec::new(), health: Health::default() }))
    }

    /// The environ variables that the format names; see [`AccessFormat::environ_names`].
    #[must_use]
    pub fn environ_names(&self) -> &[String] {
        self.format.environ_names()
    }

    /// Add the line of an answered request to the buffer. Writes only when the buffer is full.
    pub fn record(&mut self, record: &(impl Record + ?Sized)) {
        if self.format.needs_pid() && self.buffer.is_empty() {
            // Asked once a batch: the log may have been opened before this process was forked.
            self.common.pid = std::process::id();
        }
        write_line(&mut self.buffer, &self.format, &mut self.common, record);
        if self.buffer.len() >= FULL {
            self.flush();
            self.bound();
        }
    }

    /// Write what the buffer holds, in one piece where the destination takes it.
    pub fn flush(&mut self) {
        let patience = if self.health.stalled { Duration::ZERO } else { PATIENCE };
        self.flush_within(patience);
    }

    /// Bytes that wait to be written. A write costs more than the lines in it, so a worker may let them gather while
    /// it is busy, as long as it flushes before it sleeps.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.buffer.len()
    }

    /// Open the file anew, for log rotation. The old file stays in use if that fails.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn reopen(&mut self) -> Result<(), LogError> {
        self.flush();
        self.sink.reopen()
    }

    fn flush_within(&mut self, patience: Duration) {
        if self.buffer.is_empty() {
            return;
        }
        match self.sink.write(&self.buffer, patience) {
            Ok(()) => {
                self.buffer.clear();
                self.recovered();
            }
            Err(Unwritten { written, errno: Errno::EAGAIN }) => {
                self.health.stalled = true;
                self.note_progress(written);
                self.buffer.drain(..written);
            }
            Err(Unwritten { written, errno }) => {
                self.note_progress(written);
                if std::mem::take(&mut self.health.mid_line) {
                    self.sink.abandon_line();
                }
                self.health.lost += lines(&self.buffer[written..]);
                self.buffer.clear();
                self.failed(errno.desc());
            }
        }
    }

    /// Drop whole lines from the end of a buffer that a stalled reader keeps over its bound.
    fn bound(&mut self) {
        if self.buffer.len() < FULL {
            return;
        }
        let kept = self.buffer[..FULL].iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        self.health.lost += lines(&self.buffer[kept..]);
        self.buffer.truncate(kept);
        if kept == 0 && std::mem::take(&mut self.health.mid_line) {
            self.sink.abandon_line();
        }
        self.failed("its reader is too slow");
    }

    /// Remember whether the `written` bytes, which leave the buffer, end in the middle of a line.
    fn note_progress(&mut self, written: usize) {
        if let Some(last) = self.buffer[..written].last() {
            self.health.mid_line = *last != b'\n';
        }
    }

    fn failed(&mut self, reason: &str) {
        if !self.health.reported {
            self.health.reported = true;
            tracing::error!("Access log cannot be written: {reason}; lines are lost until it can");
        }
    }

    fn recovered(&mut self) {
        if self.health.reported {
            tracing::warn!("Access log can be written again; {} lines were lost", self.health.lost);
        }
        self.health = Health::default();
    }
}

impl Drop for AccessLog {
    fn drop(&mut self) {
        self.flush_within(LAST_PATIENCE);
    }
}

fn lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::sync::{Arc, RwLock};

    use rgunicorn_settings::{Destination, Level};
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;
    use crate::ErrorLog;
    use crate::layer::LogLayer;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_reported_once_and_so_is_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let [link, good, errors] = ["link", "access.log", "error.log"].map(|name| folder.path().join(name));
        symlink("/dev/full", &link).unwrap();
        let settings = Logging {
            loglevel: Level::Info,
            errorlog: Destination::File(errors.clone()),
            accesslog: Some(Destination::File(link.clone())),
            access_log_format: String::new(),
        };
        let layer = LogLayer(Arc::new(RwLock::new(ErrorLog::open(&settings).unwrap())));
        let mut log = AccessLog::open(&settings).unwrap().unwrap();

        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            for line in ["one\n", "two\nthree\n", "four\n"] {
                log.buffer.extend_from_slice(line.as_bytes());
                log.flush();
            }
            std::fs::remove_file(&link).unwrap();
            symlink(&good, &link).unwrap();
            log.reopen().unwrap();
            for line in ["five\n", "six\n"] {
                log.buffer.extend_from_slice(line.as_bytes());
                log.flush();
            }
        });

        assert_eq!(std::fs::read_to_string(good).unwrap(), "five\nsix\n");
        let errors = std::fs::read_to_string(errors).unwrap();
        let texts: Vec<_> = errors.lines().map(|line| line.splitn(6, ' ').last().unwrap()).collect();
        assert_eq!(
            texts,
            [
                "Access log cannot be written: No space left on device; lines are lost until it can",
                "Access log can be written again; 4 lines were lost",
            ]
        );
    }
}
