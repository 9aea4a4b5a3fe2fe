//! Patterns of file names, for what is watched and what is not.

use std::{fmt, str::FromStr};

use super::{Newtype, ValueError};

/// A pattern of file names as of a shell, or a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePattern(pub String);

impl FromStr for FilePattern {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        if text.is_empty() || text.contains('\0') {
            let problem = if text.is_empty() { "it is empty" } else { "it has a NUL character" };
            return Err(ValueError::new(problem, "write a pattern such as `*.html` or a directory"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for FilePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Newtype for FilePattern {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_not_empty() {
        assert_eq!("*.html".parse(), Ok(FilePattern("*.html".to_owned())));
        assert!("".parse::<FilePattern>().unwrap_err().problem.contains("empty"));
        assert!("a\0".parse::<FilePattern>().unwrap_err().problem.contains("NUL"));
    }
}
