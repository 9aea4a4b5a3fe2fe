//! Plain text and paths: what the standard library's types must obey to be settings.

use std::path::PathBuf;

use super::{Scalar, ValueError};

impl Scalar for String {
    fn read(text: &str) -> Result<Self, ValueError> {
        Ok(text.to_owned())
    }

    fn write(&self) -> String {
        self.clone()
    }
}

impl Scalar for PathBuf {
    fn read(text: &str) -> Result<Self, ValueError> {
        if text.is_empty() {
            return Err(ValueError::new("it is empty", "give a path"));
        }
        if text.contains('\0') {
            return Err(ValueError::new("a path has no NUL character", "give a path"));
        }
        Ok(Self::from(text))
    }

    fn write(&self) -> String {
        self.display().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_not_empty() {
        assert_eq!(PathBuf::read("a/b").unwrap(), PathBuf::from("a/b"));
        assert!(PathBuf::read("").is_err());
        assert!(PathBuf::read("a\0b").is_err());
    }
}
