//! Permissions: those that a file gets, and those that it does not.
//!
//! A mode is octal however it is written, as for chmod. The umask is a number as Python and gunicorn write it. An integer
//! of Python is neither: it is given to both as `0o`-literal, see [`super::Kind::Octal`].

use std::{fmt, str::FromStr};

use super::{Kind, Newtype, ValueError};

/// The permissions of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileMode(pub u32);

/// Permissions that no file is created with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Umask(pub u32);

/// Read, write and enter, for everybody.
const ALL: u32 = 0o777;

fn digits(text: &str, radix: u32) -> Option<u32> {
    let proper = !text.is_empty() && text.chars().all(|c| c.is_digit(radix));
    proper.then(|| u32::from_str_radix(text, radix).unwrap_or(u32::MAX))
}

fn permissions(number: Option<u32>, remedy: &str) -> Result<u32, ValueError> {
    match number {
        None => Err(ValueError::new("it is not a number", remedy)),
        Some(number) if number > ALL => Err(ValueError::new("it is more than octal 777", remedy)),
        Some(number) => Ok(number),
    }
}

impl FromStr for FileMode {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let octal = text.strip_prefix("0o").unwrap_or(text);
        permissions(digits(octal, 8), "write three octal digits as in `660`; in Python, `0o660`").map(Self)
    }
}

impl FromStr for Umask {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let number = if let Some(hexadecimal) = text.strip_prefix("0x") {
            digits(hexadecimal, 16)
        } else if let Some(octal) = text.strip_prefix("0o").or_else(|| text.strip_prefix('0')) {
            if octal.is_empty() { Some(0) } else { digits(octal, 8) }
        } else {
            digits(text, 10)
        };
        permissions(number, "write octal digits after a `0`, as in `027`").map(Self)
    }
}

impl fmt::Display for FileMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0o{:03o}", self.0)
    }
}

impl fmt::Display for Umask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0o{:03o}", self.0)
    }
}

impl Newtype for FileMode {
    const KIND: Kind = Kind::Octal;
}

impl Newtype for Umask {
    const KIND: Kind = Kind::Octal;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_octal_however_it_is_written() {
        for text in ["660", "0660", "0o660"] {
            assert_eq!(text.parse(), Ok(FileMode(0o660)), "{text}");
        }
        assert_eq!(FileMode(0o60).to_string(), "0o060");
        for text in ["", "rw", "668", "-1", "0x1b0", "1777"] {
            assert!(text.parse::<FileMode>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_umask_is_a_number_as_gunicorn_reads_it() {
        for (text, mask) in [("0", 0), ("022", 0o22), ("18", 0o22), ("0x12", 0o22), ("0o22", 0o22)] {
            assert_eq!(text.parse(), Ok(Umask(mask)), "{text}");
        }
        assert_eq!(Umask(0o22).to_string(), "0o022");
        for text in ["", "089", "u=rwx", "-1", "777777777777"] {
            assert!(text.parse::<Umask>().is_err(), "{text}");
        }
    }
}
