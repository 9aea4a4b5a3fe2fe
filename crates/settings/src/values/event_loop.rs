//! Which event loop an ASGI worker runs.

use std::{fmt, str::FromStr};

use super::{Newtype, ValueError};

/// The event loop of ASGI workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventLoop {
    /// uvloop where it is installed, else asyncio.
    Auto,
    /// The standard library's.
    Asyncio,
    /// uvloop; a worker refuses to boot without it.
    Uvloop,
}

impl FromStr for EventLoop {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        match text {
            "auto" => Ok(Self::Auto),
            "asyncio" => Ok(Self::Asyncio),
            "uvloop" => Ok(Self::Uvloop),
            _ => Err(ValueError::choice(Self::CHOICES)),
        }
    }
}

impl fmt::Display for EventLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Asyncio => "asyncio",
            Self::Uvloop => "uvloop",
        })
    }
}

impl Newtype for EventLoop {
    const CHOICES: &'static [&'static str] = &["auto", "asyncio", "uvloop"];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_is_read_and_written() {
        for choice in EventLoop::CHOICES {
            assert_eq!(choice.parse::<EventLoop>().unwrap().to_string(), *choice);
        }
        let error = "trio".parse::<EventLoop>().unwrap_err();
        assert_eq!(error.to_string(), "it is none of the choices (choose `auto`, `asyncio` or `uvloop`)");
    }
}
