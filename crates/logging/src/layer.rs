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
