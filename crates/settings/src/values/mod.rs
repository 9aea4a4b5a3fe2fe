//! The types that settings have: each is read by one function, which is the whole validation.
//!
//! A [`Scalar`] is written as one text; all but the standard library's are a [`Newtype`]. A [`Field`] is what a
//! section's struct holds: a scalar, an optional scalar, a list of scalars, or a switch. What is parsed here needs no
//! further check in the rest of the program; what depends on the machine (does the directory exist) is checked after
//! all sources were merged.

mod account;
mod app;
mod bind;
mod bytes;
mod choices;
mod config_location;
mod count;
mod destination;
mod env_pair;
mod event_loop;
mod field_names;
mod file_mode;
mod file_pattern;
mod header_map;
mod level;
mod lifespan;
mod limit;
mod networks;
mod proxy_headers;
mod proxy_protocol;
mod reload_engine;
mod reload_strategy;
mod request_path;
mod root_path;
mod scheme_headers;
mod search_path;
mod seconds;
mod static_path;
mod text;
mod wire_protocol;
mod worker_class;

use std::{fmt::Display, str::FromStr};

pub use account::{Account, Owner};
pub use app::{AppSpec, AppTarget};
pub use bind::{Address, Bind};
pub use bytes::{ByteLimit, ByteRate, MemoryLimit};
pub use config_location::ConfigLocation;
pub use count::{Backlog, Count, WorkerCount};
pub use destination::Destination;
pub use env_pair::EnvPair;
pub use event_loop::EventLoop;
pub use field_names::FieldNames;
pub use file_mode::{FileMode, Umask};
pub use file_pattern::FilePattern;
pub use header_map::HeaderMap;
pub use level::Level;
pub use lifespan::LifespanMode;
pub use limit::{FieldLimit, Jitter, LineLimit, RequestLimit};
pub use networks::Networks;
pub use proxy_headers::ProxyHeaders;
pub use proxy_protocol::ProxyProtocol;
pub use reload_engine::ReloadEngine;
pub use reload_strategy::ReloadStrategy;
pub use request_path::RequestPath;
pub use root_path::RootPath;
pub use scheme_headers::SchemeHeaders;
pub use search_path::SearchPath;
pub use seconds::{Seconds, Timeout, Watchdog};
pub use static_path::StaticPath;
pub use wire_protocol::WireProtocol;
pub use worker_class::WorkerClass;

use crate::sources::Value;

/// Why a text is not a value: what is wrong with it, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem} ({remedy})")]
pub struct ValueError {
    /// What is wrong, as the end of a sentence that has named setting and value.
    pub problem: String,
    /// What to write instead, as an imperative.
    pub remedy: String,
}

impl ValueError {
    /// An error from its two halves.
    pub(crate) fn new(problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { problem: problem.into(), remedy: remedy.into() }
    }

    /// The text is none of the words that are allowed.
    pub(crate) fn choice(choices: &[&str]) -> Self {
        Self::new("it is none of the choices", format!("choose {}", one_of(choices)))
    }
}

/// `` `a`, `b` or `c` ``.
pub(crate) fn one_of(choices: &[&str]) -> String {
    let quoted: Vec<_> = choices.iter().map(|choice| format!("`{choice}`")).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

/// A value that is written as one text.
pub(crate) trait Scalar: Sized {
    /// The words that may be written, where there are only some.
    const CHOICES: &'static [&'static str] = &[];
    /// What an option of this type means that stands without a value, where it may.
    const BARE: Option<&'static str> = None;
    /// What it is to Python.
    const KIND: Kind = Kind::Text;

    /// Reads the value; the whole validation.
    fn read(text: &str) -> Result<Self, ValueError>;

    /// Writes the value back so that [`Scalar::read`] gives it again.
    fn write(&self) -> String;
}

/// A type of ours: its `FromStr` is the whole validation, and its `Display` writes what that reads.
pub(crate) trait Newtype: FromStr<Err = ValueError> + Display {
    /// The words that may be written, where there are only some.
    const CHOICES: &'static [&'static str] = &[];
    /// What an option of this type means that stands without a value, where it may.
    const BARE: Option<&'static str> = None;
    /// What it is to Python.
    const KIND: Kind = Kind::Text;
}

impl<T: Newtype> Scalar for T {
    const CHOICES: &'static [&'static str] = T::CHOICES;
    const BARE: Option<&'static str> = T::BARE;
    const KIND: Kind = T::KIND;

    fn read(text: &str) -> Result<Self, ValueError> {
        text.parse()
    }

    fn write(&self) -> String {
        self.to_string()
    }
}

/// Whether the text is a token, as the name of a header field is (RFC 9110 5.1).
fn is_field_name(text: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(token)
}

/// How a setting is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Present or absent; takes no value.
    Switch,
    /// One value; the last one given counts.
    One,
    /// Any number of values.
    Many,
}

/// What a value is to Python, beside the text that every value may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A text and nothing else.
    Text,
    /// `int` or `float`.
    Number,
    /// `int`, which is written in octal.
    Octal,
    /// `list` or `tuple` of texts.
    List,
    /// `dict` of texts.
    Pairs,
}

/// A text that could not be read, and why.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) text: String,
    pub(crate) error: ValueError,
}

/// What a section's struct holds for one setting.
pub(crate) trait Field: Sized {
    /// How the setting is given.
    const SHAPE: Shape;
    /// The words that may be written, where there are only some.
    const CHOICES: &'static [&'static str];
    /// What the option means that stands without a value, where it may; it is also a choice.
    const BARE: Option<&'static str> = None;
    /// What it is to Python.
    const KIND: Kind = Kind::Text;

    /// Reads the value from what one source gave; no text at all is the empty default.
    fn from_texts(texts: &[String]) -> Result<Self, Refusal>;

    /// The value as `--print-config` shows it, in Python's notation.
    fn show(&self) -> String;

    /// The value as Python has it.
    fn value(&self) -> Value;
}

/// A text as what it is to Python.
fn python_value(kind: Kind, text: String) -> Value {
    match kind {
        Kind::Number => text.parse().map_or(Value::Text(text), Value::Number),
        Kind::Octal => {
            let number = u32::from_str_radix(text.trim_start_matches("0o"), 8);
            number.map_or(Value::Text(text), |number| Value::Number(number.into()))
        }
        Kind::List => {
            let items = text.split(',').filter(|item| !item.is_empty());
            Value::List(items.map(|item| Value::Text(item.to_owned())).collect())
        }
        Kind::Text | Kind::Pairs => Value::Text(text),
    }
}

fn read<T: Scalar>(text: &str) -> Result<T, Refusal> {
    T::read(text).map_err(|error| Refusal { text: text.to_owned(), error })
}

impl<T: Scalar> Field for T {
    const SHAPE: Shape = Shape::One;
    const CHOICES: &'static [&'static str] = T::CHOICES;
    const BARE: Option<&'static str> = T::BARE;
    const KIND: Kind = T::KIND;

    fn from_texts(texts: &[String]) -> Result<Self, Refusal> {
        read(texts.last().map_or("", String::as_str))
    }

    fn show(&self) -> String {
        let text = self.write();
        if text.is_empty() { "''".to_owned() } else { text }
    }

    fn value(&self) -> Value {
        python_value(T::KIND, self.write())
    }
}

impl<T: Scalar> Field for Option<T> {
    const SHAPE: Shape = Shape::One;
    const CHOICES: &'static [&'static str] = T::CHOICES;
    const KIND: Kind = T::KIND;

    fn from_texts(texts: &[String]) -> Result<Self, Refusal> {
        texts.last().map(|text| read(text)).transpose()
    }

    fn show(&self) -> String {
        self.as_ref().map_or_else(|| "None".to_owned(), T::write)
    }

    fn value(&self) -> Value {
        self.as_ref().map_or(Value::Nothing, |value| python_value(T::KIND, value.write()))
    }
}

impl<T: Scalar> Field for Vec<T> {
    const SHAPE: Shape = Shape::Many;
    const CHOICES: &'static [&'static str] = T::CHOICES;
    const KIND: Kind = T::KIND;

    fn from_texts(texts: &[String]) -> Result<Self, Refusal> {
        texts.iter().map(|text| read(text)).collect()
    }

    fn show(&self) -> String {
        let items: Vec<_> =
            self.iter().map(|item| format!("'{}'", item.write().replace('\'', "\\'"))).collect();
        format!("[{}]", items.join(", "))
    }

    fn value(&self) -> Value {
        Value::List(self.iter().map(|item| Value::Text(item.write())).collect())
    }
}

impl Field for bool {
    const SHAPE: Shape = Shape::Switch;
    const CHOICES: &'static [&'static str] = &[];

    fn from_texts(texts: &[String]) -> Result<Self, Refusal> {
        let Some(text) = texts.last() else { return Ok(false) };
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "y" | "on" => Ok(true),
            "false" | "0" | "no" | "n" | "off" => Ok(false),
            _ => Err(Refusal {
                text: text.clone(),
                error: ValueError::new("it is neither yes nor no", "write `true` or `false`"),
            }),
        }
    }

    fn show(&self) -> String {
        if *self { "True" } else { "False" }.to_owned()
    }

    fn value(&self) -> Value {
        Value::Flag(*self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_listed_as_prose() {
        assert_eq!(one_of(&["a"]), "`a`");
        assert_eq!(one_of(&["a", "b", "c"]), "`a`, `b` or `c`");
    }

    #[test]
    fn a_switch_takes_the_usual_words() {
        for (text, value) in [("1", true), ("Yes", true), ("TRUE", true), ("off", false), ("0", false)] {
            assert_eq!(bool::from_texts(&[text.to_owned()]).unwrap(), value, "{text}");
        }
        assert_eq!(
            bool::from_texts(&["maybe".to_owned()]).unwrap_err().error.remedy,
            "write `true` or `false`"
        );
    }

    #[test]
    fn the_last_of_several_texts_counts() {
        let texts = ["2".to_owned(), "3".to_owned()];
        assert_eq!(Count::from_texts(&texts).unwrap(), Count(3));
        assert_eq!(Option::<Count>::from_texts(&texts).unwrap(), Some(Count(3)));
        assert_eq!(Vec::<Count>::from_texts(&texts).unwrap(), [Count(2), Count(3)]);
    }

    #[test]
    fn values_are_to_python_what_they_are_to_gunicorn() {
        assert_eq!(true.value(), Value::Flag(true));
        assert_eq!(Count(3).value(), Value::Number(3.0));
        assert_eq!(None::<Count>.value(), Value::Nothing);
        let text = |text: &str| Value::Text(text.to_owned());
        let binds: Vec<Bind> = vec!["127.0.0.1:80".parse().unwrap()];
        assert_eq!(binds.value(), Value::List(vec![text("127.0.0.1:80")]));
        assert_eq!("0o27".parse::<Umask>().unwrap().value(), Value::Number(23.0));
        let networks: Networks = "10.0.0.0/8,::1".parse().unwrap();
        assert_eq!(networks.value(), Value::List(vec![text("10.0.0.0/8"), text("::1")]));
        let headers: SchemeHeaders = "X-SSL=on".parse().unwrap();
        assert_eq!(headers.value(), Value::Pairs(vec![("X-SSL".to_owned(), text("on"))]));
        assert_eq!((Destination::Stderr.value(), None::<Destination>.value()), (text("-"), Value::Nothing));
    }

    #[test]
    fn values_are_shown_as_python_writes_them() {
        assert_eq!(true.show(), "True");
        assert_eq!(None::<Count>.show(), "None");
        assert_eq!(vec![Count(1), Count(2)].show(), "['1', '2']");
    }
}
