//! Lengths of time: `30`, `0.5`, `500ms`, `30s`, `2m`, `1h`.

use std::{fmt, str::FromStr, time::Duration};

use super::{Kind, Newtype, ValueError};

/// A length of time, written in seconds or with a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seconds(pub Duration);

/// How long something may take; more than no time at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timeout(pub Duration);

/// How long silence is allowed; `0` means for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watchdog(pub Option<Duration>);

/// Longer than any server runs, and short enough that no sum of times overflows.
const LONGEST: Duration = Duration::from_secs(u32::MAX as u64);

const REMEDY: &str = "give seconds such as `30` or `0.5`, or a unit as in `500ms`, `30s`, `2m`, `1h`";

impl FromStr for Seconds {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let number_end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(number_end);
        let scale = match unit {
            "" | "s" => 1.0,
            "ms" => 0.001,
            "m" => 60.0,
            "h" => 3600.0,
            _ if text.starts_with('-') => return Err(ValueError::new("time cannot be negative", REMEDY)),
            _ => return Err(ValueError::new("it is not a length of time", REMEDY)),
        };
        let number: f64 =
            number.parse().map_err(|_| ValueError::new("it is not a length of time", REMEDY))?;
        Duration::try_from_secs_f64(number * scale)
            .ok()
            .filter(|length| *length <= LONGEST)
            .map(Self)
            .ok_or_else(|| ValueError::new("it is too long", REMEDY))
    }
}

impl FromStr for Timeout {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let Seconds(length) = text.parse()?;
        if length.is_zero() {
            let remedy = "give seconds such as `30`, or a long time such as `24h` to wait in effect for ever";
            return Err(ValueError::new("nothing is that fast", remedy));
        }
        Ok(Self(length))
    }
}

impl FromStr for Watchdog {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let Seconds(length) = text.parse()?;
        Ok(Self((!length.is_zero()).then_some(length)))
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_secs_f64().fmt(f)
    }
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_secs_f64().fmt(f)
    }
}

impl fmt::Display for Watchdog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.unwrap_or_default().as_secs_f64().fmt(f)
    }
}

impl Newtype for Seconds {
    const KIND: Kind = Kind::Number;
}

impl Newtype for Timeout {
    const KIND: Kind = Kind::Number;
}

impl Newtype for Watchdog {
    const KIND: Kind = Kind::Number;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_units_are_understood() {
        for (text, millis) in [
            ("30", 30_000),
            ("0.5", 500),
            ("500ms", 500),
            ("30s", 30_000),
            ("2m", 120_000),
            ("1.5h", 5_400_000),
            ("0", 0),
        ] {
            assert_eq!(text.parse(), Ok(Seconds(Duration::from_millis(millis))), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for (text, problem) in [
            ("-1", "time cannot be negative"),
            ("soon", "it is not a length of time"),
            ("", "it is not a length of time"),
            (".", "it is not a length of time"),
            ("1.2.3", "it is not a length of time"),
            ("3d", "it is not a length of time"),
            ("1e3", "it is not a length of time"),
            ("inf", "it is not a length of time"),
            ("5000000000", "it is too long"),
        ] {
            let error = text.parse::<Seconds>().unwrap_err();
            assert_eq!(error.problem, problem, "{text}");
            assert_eq!(error.remedy, REMEDY);
        }
    }

    #[test]
    fn zero_turns_the_watchdog_off() {
        assert_eq!("0".parse(), Ok(Watchdog(None)));
        assert_eq!("2m".parse(), Ok(Watchdog(Some(Duration::from_secs(120)))));
        assert_eq!(Watchdog(None).to_string(), "0");
    }

    #[test]
    fn a_timeout_is_not_zero() {
        assert_eq!("24h".parse(), Ok(Timeout(Duration::from_secs(86_400))));
        for text in ["0", "0ms", "0.0"] {
            assert_eq!(
                text.parse::<Timeout>().unwrap_err().to_string(),
                "nothing is that fast \
                 (give seconds such as `30`, or a long time such as `24h` to wait in effect for ever)"
            );
        }
        assert_eq!("-1".parse::<Timeout>().unwrap_err().problem, "time cannot be negative");
        assert_eq!(Timeout(Duration::from_millis(500)).to_string(), "0.5");
    }

    #[test]
    fn lengths_are_written_in_seconds() {
        assert_eq!(Seconds(Duration::from_millis(1500)).to_string(), "1.5");
        assert_eq!(Seconds(Duration::from_secs(30)).to_string(), "30");
    }
}
