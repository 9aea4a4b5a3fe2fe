//! Where a log goes: a file, or the standard stream that is written `-`.
//!
//! By tradition `-` is standard error for the error log and standard output for the access log. The access log is the
//! one that may be off, so an optional destination is the one that means standard output.

use std::path::PathBuf;

use super::{Field, Refusal, Scalar, Shape};
use crate::sources::Value;

/// Where a log goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// Standard error: the error log's `-`.
    Stderr,
    /// Standard output: the access log's `-`.
    Stdout,
    /// A file, appended to.
    File(PathBuf),
}

impl Destination {
    fn read(texts: &[String], stream: Self) -> Result<Self, Refusal> {
        match texts.last().map_or("", String::as_str) {
            "-" => Ok(stream),
            text => {
                PathBuf::read(text).map(Self::File).map_err(|error| Refusal { text: text.to_owned(), error })
            }
        }
    }
}

impl Field for Destination {
    const SHAPE: Shape = Shape::One;
    const CHOICES: &'static [&'static str] = &[];

    fn from_texts(texts: &[String]) -> Result<Self, Refusal> {
        Self::read(texts, Self::Stderr)
    }

    fn show(&self) -> String {
        match self {
            Self::Stderr | Self::Stdout => "-".to_owned(),
            Self::File(path) => path.display().to_string(),
        }
    }

    fn value(&self) -> Value {
        Value::Text(self.show())
    }
}

impl Field for Option<Destination> {
    const SHAPE: Shape = Shape::One;
    const CHOICES: &'static [&'static str] = &[];

    fn from_texts(texts: &[String]) -> Result<Self, Refusal> {
        if texts.is_empty() {
            return Ok(None);
        }
        Destination::read(texts, Destination::Stdout).map(Some)
    }

    fn show(&self) -> String {
        self.as_ref().map_or_else(|| "None".to_owned(), Destination::show)
    }

    fn value(&self) -> Value {
        self.as_ref().map_or(Value::Nothing, Destination::value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dash_is_the_stream_of_the_log() {
        let dash = ["-".to_owned()];
        assert_eq!(Destination::from_texts(&dash).unwrap(), Destination::Stderr);
        assert_eq!(Option::<Destination>::from_texts(&dash).unwrap(), Some(Destination::Stdout));
        assert_eq!(Option::<Destination>::from_texts(&[]).unwrap(), None);
    }

    #[test]
    fn anything_else_is_a_file() {
        let texts = ["log/error.log".to_owned()];
        assert_eq!(Destination::from_texts(&texts).unwrap(), Destination::File("log/error.log".into()));
        assert!(Destination::from_texts(&[String::new()]).is_err());
    }
}
