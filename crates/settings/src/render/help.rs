//! `--help` and `--version`.

use super::wrap;
use crate::{
    table::{self, Row, Section},
    values::Shape,
};

/// Columns of the whole text.
const WIDTH: usize = 80;

/// Columns before the descriptions.
const INDENT: usize = 28;

/// The text of `--help`.
#[must_use]
pub fn help_text(program: &str) -> String {
    let mut text = format!("Usage: {program} [OPTIONS] APP_MODULE\n\n");
    text.push_str("Serve a Python web application, WSGI or ASGI.\n");
    for section in table::SECTIONS {
        text.push_str(&section_text(section));
    }
    text.push_str("\nOther:\n");
    text.push_str(&entry("  -h, --help", "Show this text and exit."));
    text.push_str(&entry("  -v, --version", "Show the version and exit."));
    text.push_str(CLOSING);
    text
}

const CLOSING: &str = "
An option wins over its environment variable, named [env] above, that over the
config file, and that over the default. Lists in variables are separated by
commas or white space. GUNICORN_CMD_ARGS and RGUNICORN_CMD_ARGS hold options.
";

/// The text of `--version`, in gunicorn's words.
#[must_use]
pub fn version_text(program: &str) -> String {
    format!("{program} (version {})\n", env!("CARGO_PKG_VERSION"))
}

fn section_text(section: &Section) -> String {
    let rows: String = section.rows.iter().filter(|row| row.spelling().is_some()).map(row_text).collect();
    format!("\n{}:\n{rows}", section.title)
}

fn row_text(row: &Row) -> String {
    let mut notes = Vec::new();
    if !row.choices.is_empty() {
        notes.push(format!("one of: {}", row.choices.join(", ")));
    }
    if row.is_on_by_default() {
        notes.push("default: on".to_owned());
    } else if row.shape != Shape::Switch && !row.default.is_empty() {
        notes.push(format!("default: {}", row.default));
    }
    let platform = row.platform.as_ref().map(|platform| platform.variable.to_owned());
    let variables: Vec<_> = row.variables().take(1).chain(platform).collect();
    notes.push(format!("env: {}", variables.join(", ")));
    let summary = row.paragraphs().next().unwrap_or_default();
    let notes: String = notes.iter().map(|note| format!(" {}", unbroken(&format!("[{note}]")))).collect();
    entry(&names(row), &format!("{summary}{notes}"))
}

/// The text with spaces at which no line is broken, if it fits on one.
fn unbroken(text: &str) -> String {
    if text.len() <= WIDTH - INDENT { text.replace(' ', "\u{a0}") } else { text.to_owned() }
}

fn names(row: &Row) -> String {
    if row.is_positional() {
        return format!("  {}", row.metavar);
    }
    let indent = if row.flags[0].starts_with("--") { "      " } else { "  " };
    // The value stands once, behind the last option that takes it.
    let operand = row.options().last().map(|flag| row.operand(flag)).unwrap_or_default();
    let options = row.options().collect::<Vec<_>>().join(", ") + &operand;
    let negation = row.negation().map(|flag| format!(", {flag}")).unwrap_or_default();
    format!("{indent}{options}{negation}")
}

/// Names on the left, the description on the right, below them where they are long.
fn entry(names: &str, description: &str) -> String {
    let mut lines = wrap(description, WIDTH - INDENT).into_iter();
    let mut text = if names.len() + 2 <= INDENT {
        format!("{names:INDENT$}{}\n", lines.next().unwrap_or_default())
    } else {
        format!("{names}\n")
    };
    for line in lines {
        text.push_str(&format!("{:INDENT$}{line}\n", ""));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_default_and_variable_is_shown() {
        let text = help_text("rgunicorn");
        for row in table::rows() {
            for flag in row.flags {
                assert!(text.contains(flag), "{flag}");
            }
            let variable = row.variables().next().unwrap();
            assert_eq!(text.contains(&variable), row.spelling().is_some(), "{variable}");
        }
        assert!(text.contains("WEB_CONCURRENCY") && text.contains("PORT"));
    }

    #[test]
    fn lines_fit_a_terminal() {
        for line in help_text("rgunicorn").lines() {
            assert!(line.len() <= WIDTH, "{line}");
        }
    }
}
