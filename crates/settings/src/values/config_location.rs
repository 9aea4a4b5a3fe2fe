//! Where the configuration is: a file or a module.

use std::{fmt, path::PathBuf, str::FromStr};

use super::{Newtype, ValueError};

/// Where settings and hooks are read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigLocation {
    /// A file of Python source.
    File(PathBuf),
    /// A module, imported by this name.
    Module(String),
}

const FORMS: &str = "write a path such as `gunicorn.conf.py`, or `python:MODULE`";

impl FromStr for ConfigLocation {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        if let Some(module) = text.strip_prefix("python:") {
            return read_module(module);
        }
        let path = text.strip_prefix("file:").unwrap_or(text);
        if path.is_empty() {
            return Err(ValueError::new("it names no file", FORMS));
        }
        if path.contains('\0') {
            return Err(ValueError::new("a path has no NUL character", FORMS));
        }
        Ok(Self::File(PathBuf::from(path)))
    }
}

fn read_module(name: &str) -> Result<ConfigLocation, ValueError> {
    let identifier = |part: &str| {
        let starts = part.starts_with(|c: char| c.is_alphabetic() || c == '_');
        starts && part.chars().all(|c| c.is_alphanumeric() || c == '_')
    };
    if name.ends_with(".py") || name.contains('/') {
        let remedy = format!("write `{name}` without `python:` for a file");
        return Err(ValueError::new("it is the name of a file, not of a module", remedy));
    }
    if !name.split('.').all(identifier) {
        return Err(ValueError::new(format!("`{name}` is not the name of a module"), FORMS));
    }
    Ok(ConfigLocation::Module(name.to_owned()))
}

impl fmt::Display for ConfigLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // A path that looks like a module's place keeps its prefix, so that it is read back as a path.
            Self::File(path) if path.starts_with("python:") || path.to_string_lossy().contains(':') => {
                write!(f, "file:{}", path.display())
            }
            Self::File(path) => path.display().fmt(f),
            Self::Module(name) => write!(f, "python:{name}"),
        }
    }
}

impl Newtype for ConfigLocation {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_are_gunicorns() {
        let file = |path: &str| ConfigLocation::File(path.into());
        for (text, location, written) in [
            ("gunicorn.conf.py", file("gunicorn.conf.py"), "gunicorn.conf.py"),
            ("file:/etc/site/conf", file("/etc/site/conf"), "/etc/site/conf"),
            ("file:python:x", file("python:x"), "file:python:x"),
            ("python:site.conf", ConfigLocation::Module("site.conf".to_owned()), "python:site.conf"),
        ] {
            assert_eq!(location.to_string(), written);
            assert_eq!(written.parse::<ConfigLocation>().as_ref(), Ok(&location));
            assert_eq!(text.parse(), Ok(location), "{text}");
        }
    }

    #[test]
    fn what_is_neither_is_refused() {
        let refusal = |text: &str| text.parse::<ConfigLocation>().unwrap_err().to_string();
        assert!(refusal("").starts_with("it names no file (write a path"));
        assert!(refusal("file:").starts_with("it names no file"));
        assert!(refusal("python:").starts_with("`` is not the name of a module"));
        assert!(refusal("python:a-b").starts_with("`a-b` is not the name of a module"));
        assert_eq!(
            refusal("python:conf.py"),
            "it is the name of a file, not of a module (write `conf.py` without `python:` for a file)"
        );
    }
}
