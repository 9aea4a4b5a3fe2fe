//! Patterns of files: as of a shell, matched against the end of a path.

use std::path::{Path, PathBuf};

use glob::MatchOptions;

/// `*` stays in its directory; a leading dot is a letter like any other.
pub(super) const STRICT: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

/// What `--reload-include` and `--reload-exclude` say.
#[derive(Debug)]
pub(super) enum FilePattern {
    /// Everything below a directory that exists, or one file.
    Path(PathBuf),
    /// What matches, in whichever directory.
    Like(glob::Pattern),
}

impl FilePattern {
    /// The pattern that a setting means, where relative paths start in `here`.
    pub(super) fn new(text: &str, here: &Path) -> Self {
        let path = here.join(text);
        if path.exists() {
            return Self::Path(path);
        }
        let text = proper(text.trim_start_matches("./").trim_end_matches('/'));
        Self::Like(pattern(&if text.starts_with('/') { text } else { format!("**/{text}") }))
    }

    pub(super) fn matches(&self, path: &Path) -> bool {
        match self {
            Self::Path(base) => path.starts_with(base),
            Self::Like(pattern) => pattern.matches_path_with(path, STRICT),
        }
    }
}

/// The text as a pattern; what is none means itself.
fn proper(text: &str) -> String {
    glob::Pattern::new(text).map_or_else(|_| glob::Pattern::escape(text), |_| text.to_owned())
}

/// The pattern that a text is.
pub(super) fn pattern(text: &str) -> glob::Pattern {
    glob::Pattern::new(&proper(text)).expect("an escaped text is a pattern")
}

/// The directory that a pattern's files are below, and whether they may be deeper than in it; `None` for a plain path.
pub(super) fn base(path: &Path) -> Option<PathBuf> {
    let magic = |part: &Path| part.to_string_lossy().contains(['*', '?', '[']);
    if !magic(path) {
        return None;
    }
    path.ancestors().find(|ancestor| !magic(ancestor)).map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        FilePattern::new(pattern, Path::new("/nowhere")).matches(Path::new(path))
    }

    #[test]
    fn a_pattern_is_about_the_end_of_a_path() {
        for (pattern, path, expected) in [
            ("*.html", "/srv/site/a.html", true),
            ("*.html", "/srv/site/deep/down/a.html", true),
            ("*.html", "/srv/site/a.htm", false),
            ("templates/*.html", "/srv/site/templates/a.html", true),
            ("templates/*.html", "/srv/site/templates/deep/a.html", false),
            ("templates/**/*.html", "/srv/site/templates/deep/a.html", true),
            ("tests", "/srv/site/tests", true),
            ("tests/", "/srv/site/tests", true),
            ("tests", "/srv/site/latests", false),
            ("./conf/?.toml", "/srv/conf/a.toml", true),
            (".env", "/srv/.env", true),
            ("[ab].py", "/srv/a.py", true),
            ("[!ab].py", "/srv/a.py", false),
            ("/srv/*.py", "/srv/a.py", true),
            ("/srv/*.py", "/opt/srv/a.py", false),
            ("a[.py", "/srv/a[.py", true),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn what_exists_is_meant_with_all_that_is_in_it() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("media")).unwrap();
        let pattern = FilePattern::new("media", directory.path());
        assert!(pattern.matches(&directory.path().join("media/deep/a.py")));
        assert!(!pattern.matches(&directory.path().join("other/media")));
    }

    #[test]
    fn the_base_of_a_pattern_is_what_comes_before_its_first_star() {
        assert_eq!(base(Path::new("/srv/site/a.html")), None);
        assert_eq!(base(Path::new("/srv/t/**/*.html")), Some("/srv/t".into()));
        assert_eq!(base(Path::new("/srv/t?/a.html")), Some("/srv".into()));
    }
}
