//! The error log: where the server and the application's `wsgi.errors` write.

use std::os::fd::RawFd;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use rgunicorn_settings::{Destination, Level, Logging};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry;

use crate::LogError;
use crate::clock::{Zone, unix_now};
use crate::layer::{Current, LogLayer};
use crate::severity;
use crate::sink::{NOWHERE, Sink, Unwritten, reserve_standard_streams};

/// How long a record may wait for a reader that has kept up so far. The master waits no longer than this for anything
/// but its own deadlines.
const PATIENCE: Duration = Duration::from_millis(50);

/// The error log of this process and those it forks.
///
/// A record is `[2026-01-31 12:00:00 +0000] [PID] [LEVEL] text`, written with one system call. Nothing here waits for
/// ever: when the destination is a pipe that nobody reads, records are dropped, counted, and the count is logged when
/// the pipe is read again.
#[derive(Debug)]
pub struct ErrorLog {
    sink: Sink,
    stderr: Sink,
    level: Level,
    zone: &'static Zone,
    tee: AtomicBool,
    stalled: AtomicBool,
    lost: AtomicUsize,
}

/// The log behind the global subscriber.
static CURRENT: OnceLock<Current> = OnceLock::new();

impl ErrorLog {
    /// Open the error log that the settings ask for. Standard streams that are closed lead to nowhere from now on.
    ///
    /// # Errors
    /// If its file cannot be opened for appending.
    pub fn open(settings: &Logging) -> Result<Arc<Self>, LogError> {
        reserve_standard_streams()
            .map_err(|source| LogError::open("errorlog", Path::new(NOWHERE), source))?;
        Ok(Arc::new(Self {
            sink: Sink::open("errorlog", &settings.errorlog)?,
            stderr: Sink::open("errorlog", &Destination::Stderr)?,
            level: settings.loglevel,
            zone: Zone::local(),
            tee: AtomicBool::new(false),
            stalled: AtomicBool::new(false),
            lost: AtomicUsize::new(0),
        }))
    }

    /// Send the `tracing` events of this process here. A later call, on another log, takes over.
    ///
    /// # Errors
    /// If another subscriber was set first.
    pub fn install(self: &Arc<Self>) -> Result<(), LogError> {
        let mut first = false;
        let current = CURRENT.get_or_init(|| {
            first = true;
            Arc::new(RwLock::new(Arc::clone(self)))
        });
        if first {
            let subscriber = registry().with(LogLayer(Arc::clone(current)));
            tracing::subscriber::set_global_default(subscriber).map_err(|_| LogError::SubscriberTaken)?;
        } else {
            *current.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(self);
        }
        // The level may differ from the one that call sites remember.
        tracing::callsite::rebuild_interest_cache();
        Ok(())
    }

    /// Open the file anew, for log rotation. The old file stays in use if that fails.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn reopen(&self) -> Result<(), LogError> {
        self.sink.reopen()
    }

    /// Write bytes as they are: what an application writes to `wsgi.errors`, or a stack dump.
    pub fn write_raw(&self, bytes: &[u8]) {
        self.put(bytes);
    }

    /// The descriptor of the log. It keeps its number, and follows the file, when the log is reopened.
    pub fn fd(&self) -> RawFd {
        self.sink.fd()
    }

    /// Whether ERROR and CRITICAL records also go to standard error when the log is a file: what `--daemon` wants
    /// while the shell that started it still waits.
    pub fn tee_to_stderr(&self, on: bool) {
        self.tee.store(on, Ordering::Relaxed);
    }

    /// In a forked child: forget what the parent has yet to report.
    pub fn after_fork(&self) {
        self.stalled.store(false, Ordering::Relaxed);
        self.lost.store(0, Ordering::Relaxed);
    }

    /// The least serious level that is logged.
    pub(crate) fn level(&self) -> Level {
        self.level
    }

    /// Write one record.
    pub(crate) fn record(&self, level: Level, text: &[u8]) {
        let record = self.line(level, text);
        self.put(&record);
        if level >= Level::Error && self.tee.load(Ordering::Relaxed) && !self.sink.is_stderr() {
            // Nobody may be left to read it; the log has it anyway.
            let _ = self.stderr.write(&record, PATIENCE);
        }
    }

    fn line(&self, level: Level, text: &[u8]) -> Vec<u8> {
        let mut record = Vec::with_capacity(64 + text.len());
        self.zone.write_iso(&mut record, unix_now());
        let head = format!(" [{}] [{}] ", std::process::id(), severity::name(level));
        record.extend_from_slice(head.as_bytes());
        record.extend_from_slice(text);
        record.push(b'\n');
        record
    }

    /// Write, or count as lost.
    fn put(&self, bytes: &[u8]) {
        let stalled = self.stalled.load(Ordering::Relaxed);
        match self.sink.write(bytes, if stalled { Duration::ZERO } else { PATIENCE }) {
            Ok(()) => self.recovered(),
            Err(Unwritten { written, .. }) => {
                self.stalled.store(true, Ordering::Relaxed);
                self.lost.fetch_add(1, Ordering::Relaxed);
                if written > 0 && bytes[written - 1] != b'\n' {
                    self.sink.abandon_line();
                }
            }
        }
    }

    /// After a write that worked: say how many did not.
    fn recovered(&self) {
        if !self.stalled.swap(false, Ordering::Relaxed) {
            return;
        }
        let lost = self.lost.swap(0, Ordering::Relaxed);
        let text = format!("Error log can be written again; {lost} records were lost");
        self.put(&self.line(Level::Warning, text.as_bytes()));
    }
}

/// Open the file of the installed error log anew; see [`ErrorLog::reopen`]. Without one there is nothing to do.
///
/// # Errors
/// If the file cannot be opened.
pub fn reopen_error_log() -> Result<(), LogError> {
    let Some(current) = CURRENT.get() else { return Ok(()) };
    let log = Arc::clone(&current.read().unwrap_or_else(PoisonError::into_inner));
    log.reopen()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(log: &str, stderr: &str, folder: &Path) -> ErrorLog {
        let sink = |name: &str| Sink::open("errorlog", &Destination::File(folder.join(name))).unwrap();
        ErrorLog {
            sink: sink(log),
            stderr: sink(stderr),
            level: Level::Info,
            zone: Zone::local(),
            tee: AtomicBool::new(false),
            stalled: AtomicBool::new(false),
            lost: AtomicUsize::new(0),
        }
    }

    #[test]
    fn while_a_daemon_boots_errors_go_to_standard_error_too() {
        let folder = tempfile::tempdir().unwrap();
        let log = log("log", "stderr", folder.path());
        let text = |name| std::fs::read_to_string(folder.path().join(name)).unwrap();

        log.record(Level::Error, b"before");
        log.tee_to_stderr(true);
        log.record(Level::Warning, b"warning");
        log.record(Level::Error, b"error");
        log.record(Level::Critical, b"critical");
        log.tee_to_stderr(false);
        log.record(Level::Error, b"after");

        assert_eq!(text("log").lines().count(), 5);
        let teed = text("stderr");
        let ends: Vec<_> = teed.lines().map(|line| line.rsplit(' ').next().unwrap()).collect();
        assert_eq!(ends, ["error", "critical"]);
        assert!(teed.lines().all(|line| text("log").contains(line)));
    }

    #[test]
    fn a_record_has_the_head_of_gunicorn() {
        let folder = tempfile::tempdir().unwrap();
        log("log", "stderr", folder.path()).record(Level::Warning, b"text");
        let text = std::fs::read_to_string(folder.path().join("log")).unwrap();
        let (date, rest) = text.split_once("] ").unwrap();
        let shape: String = date.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        assert!(shape.starts_with("[0000-00-00 00:00:00 ") && shape.ends_with("0000"), "{date}");
        assert_eq!(rest, format!("[{}] [WARNING] text\n", std::process::id()));
    }
}
