//! Whether an ASGI application is told of start-up and shutdown.

use std::{fmt, str::FromStr};

use super::{Newtype, ValueError};

/// The ASGI lifespan protocol: used, not used, or used where the application knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LifespanMode {
    /// Try; an application that does not know the protocol is served without it.
    Auto,
    /// Use it; an application that fails in it does not boot.
    On,
    /// Do not use it.
    Off,
}

impl FromStr for LifespanMode {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        match text {
            "auto" => Ok(Self::Auto),
            "on" => Ok(Self::On),
            "off" => Ok(Self::Off),
            _ => Err(ValueError::choice(Self::CHOICES)),
        }
    }
}

impl fmt::Display for LifespanMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::On => "on",
            Self::Off => "off",
        })
    }
}

impl Newtype for LifespanMode {
    const CHOICES: &'static [&'static str] = &["auto", "on", "off"];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_is_read_and_written() {
        for choice in LifespanMode::CHOICES {
            assert_eq!(choice.parse::<LifespanMode>().unwrap().to_string(), *choice);
        }
        let error = "yes".parse::<LifespanMode>().unwrap_err();
        assert_eq!(error.to_string(), "it is none of the choices (choose `auto`, `on` or `off`)");
    }
}
