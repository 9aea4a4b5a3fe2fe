//! How much the error log says.

use std::{fmt, str::FromStr};

use super::{Newtype, ValueError};

/// The least severe kind of record that is logged, in Python's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Everything.
    Debug,
    /// What an operator wants to know of a healthy server.
    Info,
    /// What may need a look.
    Warning,
    /// What went wrong.
    Error,
    /// Only what ends a worker or the server.
    Critical,
}

impl FromStr for Level {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        match text.to_ascii_lowercase().as_str() {
            "debug" => Ok(Self::Debug),
            "info" => Ok(Self::Info),
            "warning" | "warn" => Ok(Self::Warning),
            "error" => Ok(Self::Error),
            "critical" => Ok(Self::Critical),
            _ => Err(ValueError::choice(Self::CHOICES)),
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        })
    }
}

impl Newtype for Level {
    const CHOICES: &'static [&'static str] = &["debug", "info", "warning", "error", "critical"];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_is_read_and_written() {
        for choice in Level::CHOICES {
            assert_eq!(choice.parse::<Level>().unwrap().to_string(), *choice);
            assert!(choice.to_uppercase().parse::<Level>().is_ok());
        }
        assert_eq!("warn".parse(), Ok(Level::Warning));
        let error = "trace".parse::<Level>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "it is none of the choices (choose `debug`, `info`, `warning`, `error` or `critical`)"
        );
    }

    #[test]
    fn levels_are_ordered_by_severity() {
        assert!(Level::Debug < Level::Info && Level::Error < Level::Critical);
    }
}
