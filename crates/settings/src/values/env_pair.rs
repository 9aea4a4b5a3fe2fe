//! A variable for the application's environment.

use std::{fmt, str::FromStr};

use super::{Kind, Newtype, ValueError};

/// A variable to set before the application is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvPair {
    /// Its name.
    pub name: String,
    /// Its value, which may be empty.
    pub value: String,
}

impl FromStr for EnvPair {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let remedy = "write `NAME=VALUE`";
        let Some((name, value)) = text.split_once('=') else {
            return Err(ValueError::new("it has no `=`", remedy));
        };
        if name.is_empty() {
            return Err(ValueError::new("it has no name before the `=`", remedy));
        }
        if text.contains('\0') {
            return Err(ValueError::new("it has a NUL character", remedy));
        }
        Ok(Self { name: name.to_owned(), value: value.to_owned() })
    }
}

impl fmt::Display for EnvPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.value)
    }
}

impl Newtype for EnvPair {
    const KIND: Kind = Kind::Pairs;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_equals_sign_divides() {
        let pair: EnvPair = "URL=a?b=c".parse().unwrap();
        assert_eq!((pair.name.as_str(), pair.value.as_str()), ("URL", "a?b=c"));
        assert_eq!(pair.to_string(), "URL=a?b=c");
        assert_eq!("EMPTY=".parse::<EnvPair>().unwrap().value, "");
    }

    #[test]
    fn half_a_pair_is_refused() {
        assert_eq!("DEBUG".parse::<EnvPair>().unwrap_err().to_string(), "it has no `=` (write `NAME=VALUE`)");
        assert!("=1".parse::<EnvPair>().unwrap_err().problem.starts_with("it has no name"));
        assert!("A=\0".parse::<EnvPair>().unwrap_err().problem.contains("NUL"));
    }
}
