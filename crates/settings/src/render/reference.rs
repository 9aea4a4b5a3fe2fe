//! The reference page, in Markdown.

use std::fmt::Write as _;

use super::wrap;
use crate::{
    table::{self, Row},
    values::Shape,
};

/// Columns of a paragraph.
const WIDTH: usize = 118;

const OPENING: &str = "\
<!-- Written by `just gen` from crates/settings/src/table; do not edit. -->

# Settings

Every setting is an option of the command line, an environment variable, a name in the config file and an argument of
`rgunicorn.run()`. An option wins over the environment, that over the config file, and that over the default; see
[configuration](../guide/configuration.md). `rgunicorn --print-config APP_MODULE` shows what holds and where it comes
from.

A time is a number of seconds, which may have a fraction, or a number with a unit: `500ms`, `30s`, `2m`, `1h`. An empty
variable counts as none. A list in a variable is separated by commas or white space. A switch in a variable is `true` or
`false`.
";

/// The page `docs/reference/settings.md`.
#[must_use]
pub fn reference_markdown() -> String {
    let mut page = OPENING.to_owned();
    for section in table::SECTIONS {
        page.push_str(&format!("\n## {}\n", section.title));
        for row in section.rows {
            page.push_str(&row_markdown(row));
        }
    }
    page
}

fn row_markdown(row: &Row) -> String {
    let mut text = format!("\n### `{}`\n\n", row.key);
    for (name, value) in facts(row) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "- {name}: {value}");
    }
    for paragraph in row.paragraphs() {
        text.push_str(&format!("\n{}\n", wrap(&paragraph, WIDTH).join("\n")));
    }
    text
}

fn facts(row: &Row) -> Vec<(&'static str, String)> {
    let mut facts = vec![("Command line", command_line(row))];
    let variables: Vec<_> = row.variables().map(|name| format!("`{name}`")).collect();
    facts.push(("Environment", variables.join(" or ")));
    if !row.aliases.is_empty() {
        facts.push(("Also called", format!("`{}`", row.aliases.join("`, `"))));
    }
    if !row.choices.is_empty() {
        facts.push(("Choices", format!("`{}`", row.choices.join("`, `"))));
    }
    let default = match (row.shape, row.default) {
        (Shape::Switch, _) if row.is_on_by_default() => "on".to_owned(),
        (Shape::Switch, _) => "off".to_owned(),
        (_, "") => "none".to_owned(),
        (_, text) => format!("`{text}`"),
    };
    let platform = row.platform.as_ref().map(|platform| {
        format!(
            ", or `{}` where `{}` is set",
            platform.value(&format!("${}", platform.variable)),
            platform.variable
        )
    });
    facts.push(("Default", default + &platform.unwrap_or_default()));
    facts.push(("Since", row.since.to_owned()));
    facts
}

fn command_line(row: &Row) -> String {
    if row.is_positional() {
        return format!("the argument `{}`", row.metavar);
    }
    let flags: Vec<_> = row.flags.iter().map(|flag| format!("`{flag}{}`", row.operand(flag))).collect();
    if flags.is_empty() { "none".to_owned() } else { flags.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_a_heading_and_its_facts() {
        let page = reference_markdown();
        for row in table::rows() {
            assert!(page.contains(&format!("\n### `{}`\n", row.key)), "{}", row.key);
        }
        assert!(page.contains("- Command line: `-w NUMBER`, `--workers NUMBER`\n"));
        assert!(page.contains("- Environment: `RGUNICORN_APP` or `RGUNICORN_WSGI_APP`\n"));
        assert!(page.contains("- Default: `127.0.0.1:8000`, or `0.0.0.0:$PORT` where `PORT` is set\n"));
        assert!(page.contains("- Choices: `auto`, `on`, `off`\n"));
    }
}
