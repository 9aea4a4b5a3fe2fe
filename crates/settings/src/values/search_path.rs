//! Directories that Python looks for modules in.

use std::{fmt, path::PathBuf, str::FromStr};

use super::{Kind, Newtype, ValueError};

/// Directories, separated by commas, in the order in which they are searched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchPath(pub Vec<PathBuf>);

impl FromStr for SearchPath {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        if text.contains('\0') {
            return Err(ValueError::new(
                "a path has no NUL character",
                "write directories, separated by commas",
            ));
        }
        Ok(Self(text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(PathBuf::from).collect()))
    }
}

impl fmt::Display for SearchPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<_> = self.0.iter().map(|path| path.display().to_string()).collect();
        f.write_str(&parts.join(","))
    }
}

impl Newtype for SearchPath {
    const KIND: Kind = Kind::List;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_separate_directories() {
        let path: SearchPath = "lib, /srv/site,,".parse().unwrap();
        assert_eq!(path.0, [PathBuf::from("lib"), PathBuf::from("/srv/site")]);
        assert_eq!(path.to_string(), "lib,/srv/site");
        assert_eq!("".parse(), Ok(SearchPath::default()));
    }
}
