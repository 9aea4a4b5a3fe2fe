//! Numbers of bytes: `8190`, `64k`, `10m`, `1g`.

use std::{fmt, str::FromStr};

use super::{Kind, Newtype, ValueError};

/// The most bytes that are taken; `0` means any number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteLimit(pub Option<u64>);

/// The fewest bytes a second that are put up with; `0` means any number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRate(pub Option<u32>);

/// The most memory that a worker may occupy, in bytes; `0` means any amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryLimit(pub Option<u64>);

/// No interpreter is as small: whoever asks for less has thought of another unit.
const LEAST_MEMORY: u64 = 1 << 20;

/// More than any disk holds, and small enough that no sum overflows.
const MOST: u64 = 1 << 50;

const REMEDY: &str =
    "give bytes such as `8190`, or a unit as in `64k`, `10m`, `1g` (powers of 1024); `0` for no limit";

/// The number of bytes; `None` for 0.
fn read(text: &str, most: u64, remedy: &str) -> Result<Option<u64>, ValueError> {
    let number_end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(number_end);
    let scale: u64 = match unit {
        "" => 1,
        "k" | "K" => 1 << 10,
        "m" | "M" => 1 << 20,
        "g" | "G" => 1 << 30,
        _ if text.starts_with('-') => return Err(ValueError::new("it is below 0", remedy)),
        _ => return Err(ValueError::new("it is not a number of bytes", remedy)),
    };
    if number.is_empty() {
        return Err(ValueError::new("it is not a number of bytes", remedy));
    }
    match number.parse::<u64>().ok().and_then(|number| number.checked_mul(scale)) {
        Some(0) => Ok(None),
        Some(bytes) if bytes <= most => Ok(Some(bytes)),
        _ => Err(ValueError::new("it is too large", remedy)),
    }
}

impl FromStr for ByteLimit {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        read(text, MOST, REMEDY).map(Self)
    }
}

impl FromStr for ByteRate {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let remedy = "give bytes a second such as `240` or `1k`; `0` turns the check off";
        let rate = read(text, u64::from(u32::MAX), remedy)?;
        Ok(Self(rate.and_then(|rate| u32::try_from(rate).ok())))
    }
}

impl FromStr for MemoryLimit {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let remedy = "write the unit, as in `512m` or `1g`; `0` for no limit";
        match read(text, MOST, remedy)? {
            Some(bytes) if bytes < LEAST_MEMORY => {
                Err(ValueError::new("it is less than any worker occupies", remedy))
            }
            limit => Ok(Self(limit)),
        }
    }
}

impl fmt::Display for ByteLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.unwrap_or_default().fmt(f)
    }
}

impl fmt::Display for MemoryLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.unwrap_or_default().fmt(f)
    }
}

impl fmt::Display for ByteRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.unwrap_or_default().fmt(f)
    }
}

impl Newtype for ByteLimit {
    const KIND: Kind = Kind::Number;
}

impl Newtype for MemoryLimit {
    const KIND: Kind = Kind::Number;
}

impl Newtype for ByteRate {
    const KIND: Kind = Kind::Number;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_units_are_understood() {
        for (text, bytes) in [
            ("8190", Some(8190)),
            ("64k", Some(65_536)),
            ("10M", Some(10_485_760)),
            ("1g", Some(1 << 30)),
            ("0", None),
            ("0k", None),
        ] {
            assert_eq!(text.parse(), Ok(ByteLimit(bytes)), "{text}");
        }
        assert_eq!(ByteLimit(Some(1024)).to_string(), "1024");
        assert_eq!(ByteLimit(None).to_string(), "0");
    }

    #[test]
    fn anything_else_is_refused() {
        for (text, problem) in [
            ("-1", "it is below 0"),
            ("", "it is not a number of bytes"),
            ("k", "it is not a number of bytes"),
            ("1.5m", "it is not a number of bytes"),
            ("10mb", "it is not a number of bytes"),
            ("+1", "it is not a number of bytes"),
            ("1 k", "it is not a number of bytes"),
            ("99999999999999999999", "it is too large"),
            ("18446744073709551615g", "it is too large"),
            ("2000000g", "it is too large"),
        ] {
            let error = text.parse::<ByteLimit>().unwrap_err();
            assert_eq!((error.problem.as_str(), error.remedy.as_str()), (problem, REMEDY), "{text}");
        }
    }

    #[test]
    fn a_rate_of_zero_turns_the_check_off() {
        assert_eq!("240".parse(), Ok(ByteRate(Some(240))));
        assert_eq!("1k".parse(), Ok(ByteRate(Some(1024))));
        assert_eq!("0".parse(), Ok(ByteRate(None)));
        let error = "4g".parse::<ByteRate>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "it is too large (give bytes a second such as `240` or `1k`; `0` turns the check off)"
        );
    }

    #[test]
    fn memory_that_no_worker_can_do_with_is_taken_for_another_unit() {
        assert_eq!("512m".parse(), Ok(MemoryLimit(Some(512 << 20))));
        assert_eq!("1048576".parse(), Ok(MemoryLimit(Some(1 << 20))));
        assert_eq!("0".parse(), Ok(MemoryLimit(None)));
        let error = "512".parse::<MemoryLimit>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "it is less than any worker occupies (write the unit, as in `512m` or `1g`; `0` for no limit)"
        );
    }
}
