//! Limits on how much a request, or a connection, may have of something.

use std::{fmt, str::FromStr};

use super::{Kind, Newtype, ValueError};

/// The longest request line in bytes; `0` means any length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineLimit(pub Option<u32>);

/// The most header fields of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldLimit(pub u32);

/// The most requests, of a connection or a worker; `0` means any number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestLimit(pub Option<u32>);

/// How many more than it says a limit may become, by chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jitter(pub u32);

/// gunicorn's bound of `limit_request_line`.
const LONGEST_LINE: u32 = 8_190;
/// gunicorn's bound of `limit_request_fields`.
const MOST_FIELDS: u32 = 32_768;
/// More than any connection lives to see; it keeps a slip of the hand from becoming "for ever".
const MOST_REQUESTS: u32 = 1_000_000_000;

fn read(text: &str, least: u32, most: u32, remedy: &str) -> Result<u32, ValueError> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let problem = match text.parse::<i64>() {
        _ if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            "it is not a whole number".to_owned()
        }
        Ok(number) if number < i64::from(least) => format!("it is below {least}"),
        Ok(number) => match u32::try_from(number) {
            Ok(number) if number <= most => return Ok(number),
            _ => format!("it is above {most}"),
        },
        Err(_) if text.starts_with('-') => format!("it is below {least}"),
        Err(_) => format!("it is above {most}"),
    };
    Err(ValueError::new(problem, remedy))
}

/// `None` for 0.
fn unless_zero(number: u32) -> Option<u32> {
    (number > 0).then_some(number)
}

impl FromStr for LineLimit {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let remedy = "give a number of bytes from 1 to 8190, or 0 for no limit";
        read(text, 0, LONGEST_LINE, remedy).map(|number| Self(unless_zero(number)))
    }
}

impl FromStr for FieldLimit {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        read(text, 1, MOST_FIELDS, "give a whole number from 1 to 32768").map(Self)
    }
}

impl FromStr for RequestLimit {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let remedy = "give a whole number, or 0 for no limit";
        read(text, 0, MOST_REQUESTS, remedy).map(|number| Self(unless_zero(number)))
    }
}

impl FromStr for Jitter {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        read(text, 0, MOST_REQUESTS, "give a whole number, or 0 for none").map(Self)
    }
}

impl fmt::Display for LineLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.unwrap_or_default().fmt(f)
    }
}

impl fmt::Display for FieldLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for RequestLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.unwrap_or_default().fmt(f)
    }
}

impl fmt::Display for Jitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Newtype for LineLimit {
    const KIND: Kind = Kind::Number;
}

impl Newtype for FieldLimit {
    const KIND: Kind = Kind::Number;
}

impl Newtype for RequestLimit {
    const KIND: Kind = Kind::Number;
}

impl Newtype for Jitter {
    const KIND: Kind = Kind::Number;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_no_limit_where_there_may_be_none() {
        assert_eq!("4094".parse(), Ok(LineLimit(Some(4094))));
        assert_eq!("8190".parse(), Ok(LineLimit(Some(8190))));
        assert_eq!("0".parse(), Ok(LineLimit(None)));
        assert_eq!("0".parse(), Ok(RequestLimit(None)));
        assert_eq!("1000".parse(), Ok(RequestLimit(Some(1000))));
        assert_eq!("32768".parse(), Ok(FieldLimit(32_768)));
        assert_eq!("0".parse(), Ok(Jitter(0)));
        assert_eq!(
            (LineLimit(None).to_string(), RequestLimit(Some(7)).to_string()),
            ("0".into(), "7".into())
        );
    }

    #[test]
    fn other_numbers_are_refused_with_the_bounds() {
        for (text, problem) in [
            ("8191", "it is above 8190"),
            ("99999999999999999999", "it is above 8190"),
            ("-1", "it is below 0"),
            ("-99999999999999999999", "it is below 0"),
            ("", "it is not a whole number"),
            ("-", "it is not a whole number"),
            ("+1", "it is not a whole number"),
            ("8k", "it is not a whole number"),
        ] {
            let error = text.parse::<LineLimit>().unwrap_err();
            assert_eq!(error.problem, problem, "{text}");
            assert_eq!(error.remedy, "give a number of bytes from 1 to 8190, or 0 for no limit");
        }
        let refusal = |text: &str| text.parse::<FieldLimit>().unwrap_err().to_string();
        assert_eq!(refusal("0"), "it is below 1 (give a whole number from 1 to 32768)");
        assert_eq!(refusal("32769"), "it is above 32768 (give a whole number from 1 to 32768)");
        assert_eq!(
            "-5".parse::<RequestLimit>().unwrap_err().to_string(),
            "it is below 0 (give a whole number, or 0 for no limit)"
        );
    }
}
