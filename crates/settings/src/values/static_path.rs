//! A directory whose files are served without the application.

use std::{fmt, path::PathBuf, str::FromStr};

use super::{Kind, Newtype, ValueError};

/// A directory and the path that its files are served under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaticPath {
    /// What request paths begin with, decoded: `/static`, without a slash at the end, or `/` for all paths.
    pub prefix: String,
    /// Where the files are; absolute once all settings were checked.
    pub directory: PathBuf,
}

const FORM: &str = "write `PREFIX=DIRECTORY`, as in `/static=/srv/site/static`";

impl FromStr for StaticPath {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let Some((prefix, directory)) = text.split_once('=') else {
            return Err(ValueError::new("it has no `=`", FORM));
        };
        if directory.is_empty() {
            return Err(ValueError::new("no directory follows the `=`", FORM));
        }
        if text.contains('\0') {
            return Err(ValueError::new("it has a NUL character", FORM));
        }
        Ok(Self { prefix: read_prefix(prefix)?, directory: PathBuf::from(directory) })
    }
}

fn read_prefix(text: &str) -> Result<String, ValueError> {
    if !text.starts_with('/') {
        return Err(ValueError::new(format!("the prefix `{text}` does not begin with `/`"), FORM));
    }
    if text.contains(['?', '#', '%']) || text.chars().any(char::is_control) {
        let remedy = format!("{FORM}, with the prefix as it reads when it is decoded");
        return Err(ValueError::new(format!("the prefix `{text}` is not the path of a URL"), remedy));
    }
    let prefix = text.strip_suffix('/').unwrap_or(text);
    if prefix.is_empty() {
        return Ok("/".to_owned());
    }
    // Requests are matched after such segments were resolved, so that none would ever match.
    if prefix[1..].split('/').any(|segment| matches!(segment, "" | "." | "..")) {
        let problem = format!("the prefix `{text}` has an empty segment, `.` or `..`");
        return Err(ValueError::new(problem, FORM));
    }
    Ok(prefix.to_owned())
}

impl fmt::Display for StaticPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.prefix, self.directory.display())
    }
}

impl Newtype for StaticPath {
    const KIND: Kind = Kind::Pairs;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        text.parse::<StaticPath>().unwrap_err().to_string()
    }

    #[test]
    fn the_first_equals_sign_divides() {
        for (text, prefix, directory) in [
            ("/static=/srv/static", "/static", "/srv/static"),
            ("/static/=static", "/static", "static"),
            ("/a/b=/srv/a=b", "/a/b", "/srv/a=b"),
            ("/=public", "/", "public"),
            ("/bücher=x", "/bücher", "x"),
        ] {
            let path: StaticPath = text.parse().unwrap();
            assert_eq!((path.prefix.as_str(), path.directory), (prefix, PathBuf::from(directory)), "{text}");
        }
        assert_eq!("/static/=x".parse::<StaticPath>().unwrap().to_string(), "/static=x");
    }

    #[test]
    fn half_a_mount_is_refused() {
        assert_eq!(refusal("/static"), format!("it has no `=` ({FORM})"));
        assert_eq!(refusal("/static="), format!("no directory follows the `=` ({FORM})"));
        assert_eq!(refusal("static=x"), format!("the prefix `static` does not begin with `/` ({FORM})"));
        assert_eq!(refusal("=x"), format!("the prefix `` does not begin with `/` ({FORM})"));
        for prefix in ["/a?b", "/a%20b", "/a#b", "/a\nb"] {
            assert!(refusal(&format!("{prefix}=x")).contains("is not the path of a URL"), "{prefix}");
        }
        for prefix in ["//", "/a//b", "/a/../b", "/.", "//a"] {
            assert!(refusal(&format!("{prefix}=x")).contains("has an empty segment"), "{prefix}");
        }
        assert!(refusal("/a=b\0c").starts_with("it has a NUL character"));
    }
}
