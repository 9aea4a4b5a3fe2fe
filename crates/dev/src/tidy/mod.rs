//! `tidy`: the rules of the repository that no compiler checks.
//!
//! A rule is a function from a file, or from the dependency graph, to what is wrong with it. Every rule has a test that
//! shows it fail.

mod imports;
mod machine;
mod names;
mod text;

use std::{fmt, path::Path};

use crate::files::{self, File};

/// What is wrong, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    path: String,
    /// From 1; 0 for the file as a whole.
    line: usize,
    problem: String,
}

impl Finding {
    fn at(file: &File, line: usize, problem: impl Into<String>) -> Self {
        Self { path: file.path.clone(), line, problem: problem.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.problem),
            line => write!(f, "{}:{line}: {}", self.path, self.problem),
        }
    }
}

/// The rules for one file.
const FILE_RULES: [fn(&File) -> Vec<Finding>; 7] = [
    text::is_short,
    text::opens_with_its_purpose,
    text::has_no_reminder,
    text::names_no_machine,
    text::is_safe_code,
    names::are_of_the_vocabulary,
    machine::only_decides,
];

/// Fails with everything that is wrong.
pub(crate) fn check(root: &Path) -> Result<(), String> {
    let findings = findings(root)?;
    if findings.is_empty() {
        return Ok(());
    }
    let lines: Vec<_> = findings.iter().map(ToString::to_string).collect();
    Err(lines.join("\n"))
}

fn findings(root: &Path) -> Result<Vec<Finding>, String> {
    let files = files::all(root).map_err(|error| format!("cannot read the repository: {error}"))?;
    let mut findings: Vec<_> =
        files.iter().flat_map(|file| FILE_RULES.iter().flat_map(|rule| rule(file))).collect();
    findings.extend(imports::forbidden(&imports::graph(root)?));
    Ok(findings)
}

#[cfg(test)]
pub(crate) mod sample {
    //! Made-up files for the tests of the rules.

    use super::File;

    pub(crate) fn file(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_tidy() {
        if let Err(text) = check(&files::root()) {
            panic!("{text}");
        }
    }

    #[test]
    fn a_finding_is_printed_as_compilers_do() {
        let file = sample::file("a.rs", "");
        assert_eq!(Finding::at(&file, 3, "bad").to_string(), "a.rs:3: bad");
        assert_eq!(Finding::at(&file, 0, "bad").to_string(), "a.rs: bad");
    }
}
