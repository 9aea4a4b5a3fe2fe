//! The path under which a proxy has mounted the application.

use std::{fmt, str::FromStr};

use super::{Newtype, ValueError};

/// A path without a slash at its end, as in `/app`; empty where the application has the whole site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootPath(pub String);

impl FromStr for RootPath {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let path = text.trim_end_matches('/');
        let remedy = "write a path such as `/app`";
        if path.contains(['?', '#']) || path.chars().any(char::is_control) {
            return Err(ValueError::new("it is not the path of a URL", remedy));
        }
        if !path.is_empty() && !path.starts_with('/') {
            return Err(ValueError::new("it does not begin with `/`", format!("write `/{path}`")));
        }
        Ok(Self(path.to_owned()))
    }
}

impl fmt::Display for RootPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Newtype for RootPath {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_begins_with_a_slash_and_ends_without() {
        for (text, path) in [("", ""), ("/", ""), ("/app", "/app"), ("/app/", "/app"), ("/a/b//", "/a/b")] {
            assert_eq!(text.parse(), Ok(RootPath(path.to_owned())), "{text}");
        }
        let refusal = |text: &str| text.parse::<RootPath>().unwrap_err().to_string();
        assert_eq!(refusal("app/"), "it does not begin with `/` (write `/app`)");
        assert_eq!(refusal("/a?b"), "it is not the path of a URL (write a path such as `/app`)");
        assert!(refusal("/a\r\nb").starts_with("it is not the path"));
    }
}
