//! Whole numbers with the bounds that make sense for them.

use std::{fmt, str::FromStr};

use super::{Kind, Newtype, ValueError};

/// How many of something that must exist: at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count(pub u32);

/// How many worker processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct WorkerCount(pub u32);

/// How many connections the kernel queues for a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Backlog(pub u32);

/// More than any machine has room for; it keeps a slip of the hand from becoming a flood.
const MOST: u32 = 1_000_000;

impl WorkerCount {
    /// The most workers that one master keeps.
    pub const MOST: u32 = 1_000;
}

fn read_positive(text: &str, most: u32) -> Result<u32, ValueError> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let problem = match text.parse::<u32>() {
        _ if text.starts_with('-') && text[1..].parse::<u32>().is_ok() => "it is below 1",
        Ok(0) => "it is below 1",
        Ok(number) if digits && number <= most => return Ok(number),
        _ if digits => "it is too large",
        _ => "it is not a whole number",
    };
    Err(ValueError::new(problem, format!("give a whole number from 1 to {most}")))
}

impl FromStr for Count {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        read_positive(text, MOST).map(Self)
    }
}

impl FromStr for WorkerCount {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        read_positive(text, Self::MOST).map(Self)
    }
}

impl FromStr for Backlog {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        read_positive(text, MOST).map(Self)
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for WorkerCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Backlog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Newtype for Count {
    const KIND: Kind = Kind::Number;
}

impl Newtype for WorkerCount {
    const KIND: Kind = Kind::Number;
}

impl Newtype for Backlog {
    const KIND: Kind = Kind::Number;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_numbers_from_one_are_taken() {
        assert_eq!("4".parse(), Ok(Count(4)));
        assert_eq!("2048".parse(), Ok(Backlog(2048)));
        for (text, problem) in [
            ("0", "it is below 1"),
            ("-1", "it is below 1"),
            ("x", "it is not a whole number"),
            ("", "it is not a whole number"),
            ("-", "it is not a whole number"),
            ("+1", "it is not a whole number"),
            ("2.5", "it is not a whole number"),
            ("1000001", "it is too large"),
            ("99999999999", "it is too large"),
        ] {
            let error = text.parse::<Count>().unwrap_err();
            assert_eq!(error.problem, problem, "{text}");
            assert_eq!(error.remedy, "give a whole number from 1 to 1000000");
        }
        assert_eq!("1000".parse(), Ok(WorkerCount(WorkerCount::MOST)));
        let error = "1001".parse::<WorkerCount>().unwrap_err();
        assert_eq!(error.to_string(), "it is too large (give a whole number from 1 to 1000)");
    }
}
