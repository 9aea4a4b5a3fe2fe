//! Rules for the text of a file: its length, how it opens, what it may not say.

use super::Finding;
use crate::files::File;

/// Lines of a source file, tests included.
const LONGEST: usize = 500;

/// Lines of a file of the table of settings, where a row is mostly its documentation.
const LONGEST_TABLE: usize = 900;

/// A source file has a length that can be read in one go.
pub(super) fn is_short(file: &File) -> Vec<Finding> {
    let cap = match file.extension() {
        "rs" if file.path.starts_with("crates/settings/src/table/") => LONGEST_TABLE,
        "rs" | "py" | "pyi" => LONGEST,
        _ => return Vec::new(),
    };
    let length = file.text.lines().count();
    let problem =
        (length > cap).then(|| format!("{length} lines, and {cap} is the most (split it by nouns)"));
    problem.map(|problem| Finding::at(file, 0, problem)).into_iter().collect()
}

/// A Rust file says first what it is for.
pub(super) fn opens_with_its_purpose(file: &File) -> Vec<Finding> {
    if file.extension() != "rs" || file.text.starts_with("//! ") {
        return Vec::new();
    }
    vec![Finding::at(file, 1, "the file does not open with `//!` and what it is for")]
}

/// Nothing is left for later in a comment.
pub(super) fn has_no_reminder(file: &File) -> Vec<Finding> {
    let reminders =
        [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("to", "do!("), concat!("unimple", "mented!(")];
    let mut findings = Vec::new();
    for (line, text) in file.lines() {
        for reminder in reminders {
            if text.contains(reminder) {
                findings.push(Finding::at(
                    file,
                    line,
                    format!("`{reminder}` is left for later (do it, or leave it out)"),
                ));
            }
        }
    }
    findings
}

/// Directories of one machine or person.
const PLACES: [&str; 4] = ["home", "root", "Users", "work"];

/// What surrounds this repository on some machine.
const OUTSIDE: &str = concat!("../", "shared/");

/// No path leads out of the repository to one machine.
pub(super) fn names_no_machine(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, text) in file.lines() {
        if let Some(place) = PLACES.into_iter().find(|place| names_place(text, place)) {
            findings.push(Finding::at(
                file,
                line,
                format!("a path below `/{place}` is one machine's (make it relative)"),
            ));
        }
        if text.contains(OUTSIDE) {
            findings.push(Finding::at(
                file,
                line,
                format!("`{OUTSIDE}` is outside of the repository (say it here)"),
            ));
        }
    }
    findings
}

/// Whether `/place/something` stands there as the start of an absolute path.
fn names_place(text: &str, place: &str) -> bool {
    let wanted = format!("/{place}/");
    text.match_indices(&wanted).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + wanted.len()..].chars().next();
        let starts = before.is_none_or(|c| !(c.is_alphanumeric() || "_/-}~.".contains(c)));
        let goes_on = after.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.');
        starts && goes_on
    })
}

/// Where `unsafe` is allowed: the code that speaks to the kernel or the interpreter.
const UNSAFE: [&str; 4] =
    ["crates/arbiter/src/os/", "crates/scoreboard/src/", "crates/http/src/reactor/", "crates/bridge/src/"];

/// `unsafe` stays behind its fences.
pub(super) fn is_safe_code(file: &File) -> Vec<Finding> {
    if file.extension() != "rs" || UNSAFE.iter().any(|fence| file.path.starts_with(fence)) {
        return Vec::new();
    }
    let lint = ["allow(unsafe", "expect(unsafe"].map(|start| format!("{start}_code"));
    let lifted = file.lines().filter(|(_, text)| lint.iter().any(|lint| text.contains(lint)));
    let problem =
        "`unsafe` is for arbiter/src/os, scoreboard, http/src/reactor and bridge (put a safe wrapper there)";
    lifted.map(|(line, _)| Finding::at(file, line, problem)).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::sample::file, *};

    #[test]
    fn a_long_file_is_found() {
        let (fits, long) = ("x\n".repeat(LONGEST), "x\n".repeat(LONGEST + 1));
        assert_eq!(is_short(&file("a.rs", &fits)), []);
        for path in ["a.rs", "tests/test_a.py"] {
            assert!(is_short(&file(path, &long))[0].problem.starts_with("501 lines, and 500 is the most"));
        }
        assert_eq!(is_short(&file("a.md", &long)), []);
        assert_eq!(is_short(&file("crates/settings/src/table/a.rs", &long)), []);
        assert_eq!(is_short(&file("crates/settings/src/table/a.rs", &long.repeat(2))).len(), 1);
    }

    #[test]
    fn a_file_without_a_purpose_is_found() {
        assert_eq!(opens_with_its_purpose(&file("a.rs", "//! For this.\n")), []);
        assert_eq!(opens_with_its_purpose(&file("a.py", "import os\n")), []);
        assert_eq!(opens_with_its_purpose(&file("a.rs", "use std;\n//! Late.\n")).len(), 1);
        assert_eq!(opens_with_its_purpose(&file("a.rs", "")).len(), 1);
    }

    #[test]
    fn a_reminder_is_found() {
        for reminder in ["// TO_DO: later", "# FIX_ME", "    to_do!()", "unimple_mented!()"] {
            let text = format!("fine\n{}\n", reminder.replace('_', ""));
            let found = has_no_reminder(&file("a.rs", &text));
            assert_eq!((found.len(), found[0].line), (1, 2), "{text}");
        }
        assert_eq!(has_no_reminder(&file("a.rs", "method todos")), []);
    }

    #[test]
    fn a_path_of_one_machine_is_found() {
        for path in ["|home|me", "|root|x", "|Users|me", "|work|main", "..|shared|design.md"] {
            let path = path.replace('|', "/");
            let found = names_no_machine(&file("a.py", &format!("\nopen('{path}')\n")));
            assert_eq!((found.len(), found.first().map(|found| found.line)), (1, Some(2)), "{path}");
        }
        for fine in
            ["https://x.org/home/page", "a/home/b", "~/work/x", "GET /home/ HTTP/1.1", "path('home/', x)"]
        {
            assert_eq!(names_no_machine(&file("a.py", fine)), [], "{fine}");
        }
    }

    #[test]
    fn unsafe_code_outside_its_fences_is_found() {
        let text = concat!("#[allow(unsafe", "_code, reason = \"x\")]\n");
        assert_eq!(is_safe_code(&file("crates/http/src/a.rs", text)).len(), 1);
        assert_eq!(is_safe_code(&file("crates/bridge/src/a.rs", text)), []);
        assert_eq!(is_safe_code(&file("crates/http/src/a.rs", "deny(unsafe_code)")), []);
    }
}
