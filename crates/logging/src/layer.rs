//! The `tracing` layer that turns events into records of the error log.

use std::fmt::{self, Write as _};
use std::sync::{Arc, PoisonError, RwLock};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

use crate::ErrorLog;
use crate::escape::{push_line, push_message};
use crate::severity;

/// The log that records go to. Shared with the installer, so that it can be exchanged.
pub(crate) type Current = Arc<RwLock<Arc<ErrorLog>>>;

/// Sends events to the current error log.
pub(crate) struct LogLayer(pub(crate) Current);

impl LogLayer {
    fn log(&self) -> Arc<ErrorLog> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<S: Subscriber> Layer<S> for LogLayer {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.is_event() && severity::level_of(metadata).is_some_and(|level| level >= self.log().level())
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(severity::filter(self.log().level()))
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let Some(level) = severity::level_of(event.metadata()) else { return };
        let mut text = Text::default();
        event.record(&mut text);
        text.message.extend_from_slice(&text.fields);
        self.log().record(level, &text.message);
    }
}

/// The message of an event and, after it, its fields as ` name=value`.
#[derive(Default)]
struct Text {
    message: Vec<u8>,
    fields: Vec<u8>,
}

impl Text {
    fn name(&mut self, field: &Field) {
        self.fields.push(b' ');
        self.fields.extend_from_slice(field.name().as_bytes());
        self.fields.push(b'=');
    }

    /// A value bare if it is one word, in quotes otherwise: it must not read like further fields.
    fn value(&mut self, value: &str) {
        let word = |character: char| !(character.is_whitespace() || matches!(character, '"' | '=' | '\\'));
        if is_quoted(value) || !value.is_empty() && value.chars().all(word) {
            return push_line(&mut self.fields, value);
        }
        self.fields.push(b'"');
        push_line(&mut self.fields, &value.replace('\\', r"\\").replace('"', r#"\""#));
        self.fields.push(b'"');
    }
}

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            return push_message(&mut self.message, value);
        }
        self.name(field);
        self.value(value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = String::new();
        // A value whose own formatting fails is logged as far as it got.
        let _ = write!(text, "{value:?}");
        self.record_str(field, &text);
    }
}

/// Whether `text` is one string literal, such as `Debug` makes of a string.
fn is_quoted(text: &str) -> bool {
    let Some(inner) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else { return false };
    let mut escaped = false;
    for byte in inner.bytes() {
        match byte {
            b'"' if !escaped => return false,
            b'\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    !escaped
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rgunicorn_settings::{Destination, Level, Logging};
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    /// What `events` leave in a log of level `loglevel`, without dates and process ids.
    fn logged(loglevel: Level, events: impl FnOnce()) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("error.log");
        let log = open(&path, loglevel);
        let layer = LogLayer(Arc::new(RwLock::new(log)));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), events);
        let pid = format!(" [{}] ", std::process::id());
        let text = std::fs::read_to_string(path).unwrap();
        text.lines()
            .map(|line| line.split_once(&pid).map_or(line, |(_, text)| text).to_owned() + "\n")
            .collect()
    }

    fn open(path: &Path, loglevel: Level) -> Arc<ErrorLog> {
        let errorlog = Destination::File(path.to_owned());
        ErrorLog::open(&Logging { loglevel, errorlog, accesslog: None, access_log_format: String::new() })
            .unwrap()
    }

    fn one_of_each() {
        tracing::trace!("trace");
        tracing::debug!("debug");
        tracing::info!("info");
        tracing::warn!("warning");
        tracing::error!("error");
        crate::critical!("critical");
    }

    #[test]
    fn a_level_hides_what_is_less_serious() {
        let all = [
            "[DEBUG] debug\n",
            "[INFO] info\n",
            "[WARNING] warning\n",
            "[ERROR] error\n",
            "[CRITICAL] critical\n",
        ];
        let levels = [Level::Debug, Level::Info, Level::Warning, Level::Error, Level::Critical];
        for (hidden, level) in levels.into_iter().enumerate() {
            assert_eq!(logged(level, one_of_each), all[hidden..].concat(), "{level:?}");
        }
    }

    #[test]
    fn libraries_are_heard_from_warnings_on() {
        let text = logged(Level::Debug, || {
            tracing::debug!(target: "h2::codec", "frame");
            tracing::info!(target: "h2::codec", "frame");
            tracing::warn!(target: "h2::codec", "reset");
        });
        assert_eq!(text, "[WARNING] reset\n");
    }

    #[test]
    fn our_own_crates_and_the_extension_module_are_heard_in_full() {
        let text = logged(Level::Debug, || {
            tracing::info!(target: "rgunicorn_asgi::worker", "Using uvloop");
            tracing::info!(target: "_rgunicorn::worker", "Worker class");
            tracing::debug!(target: "_rgunicorn", "Loaded");
        });
        assert_eq!(text, "[INFO] Using uvloop\n[INFO] Worker class\n[DEBUG] Loaded\n");
    }

    #[test]
    fn fields_follow_the_text() {
        let text = logged(Level::Info, || {
            tracing::info!(pid = 42, name = "two words", path = ?Path::new("/a b"), ok = true, "Booting worker");
            tracing::info!(word = "plain", empty = "", display = %"x level=\"y\"", pair = ?(1, 2), "Text");
            crate::critical!(pid = 1, "WORKER TIMEOUT (pid:{})", 1);
        });
        assert_eq!(
            text,
            "[INFO] Booting worker pid=42 name=\"two words\" path=\"/a b\" ok=true\n\
             [INFO] Text word=plain empty=\"\" display=\"x level=\\\"y\\\"\" pair=\"(1, 2)\"\n\
             [CRITICAL] WORKER TIMEOUT (pid:1) pid=1\n"
        );
    }

    #[test]
    fn neither_a_field_nor_a_quoted_text_makes_a_second_record() {
        let forged = "x\n[2026-01-31 12:00:00 +0000] [1] [CRITICAL] forged\u{1b}[2J";
        let text = logged(Level::Info, || tracing::info!(path = forged, shown = %forged, "Request {forged}"));
        let records = text.lines().filter(|line| line.starts_with('[')).count();
        assert_eq!(records, 1, "{text}");
        assert!(!text.contains('\u{1b}'));
        assert!(
            text.contains(r#" path="x\n[2026-01-31 12:00:00 +0000] [1] [CRITICAL] forged\x1b[2J""#),
            "{text}"
        );
    }

    #[test]
    fn a_traceback_keeps_its_lines() {
        let trace = "Error handling request /\nTraceback (most recent call last):\n  File \"a.py\", line 1\nValueError: é";
        assert_eq!(logged(Level::Info, || tracing::error!("{trace}")), format!("[ERROR] {trace}\n"));
    }

    #[test]
    fn string_literals_are_told_from_text_with_quotes() {
        for (text, expected) in [
            (r#""a b""#, true),
            (r#""a \"b\"""#, true),
            (r#""a\\""#, true),
            (r#""a" b="c""#, false),
            (r#""a\""#, false),
            ("\"", false),
            ("word", false),
        ] {
            assert_eq!(is_quoted(text), expected, "{text}");
        }
    }
}
