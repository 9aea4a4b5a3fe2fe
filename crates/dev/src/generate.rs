//! The generated pages: the committed text must be what the tables say.
//!
//! A new page is a new line of [`pages`]; the table that it is made of lives in the crate that acts by it.

use std::{fmt::Write as _, fs, path::Path};

use rgunicorn_arbiter::{notices, signals, statuses};

/// One generated file.
struct Page {
    /// Relative to the root.
    path: &'static str,
    text: String,
}

fn pages() -> Vec<Page> {
    vec![
        Page { path: "docs/reference/settings.md", text: rgunicorn_settings::reference_markdown() },
        Page { path: "docs/reference/hooks.md", text: hooks_page() },
        Page { path: "docs/reference/command-line.md", text: command_line_page() },
        Page { path: "docs/reference/rgunicorn.1", text: rgunicorn_settings::man_page() },
        Page { path: "docs/reference/signals.md", text: signals_page() },
        Page { path: "docs/reference/exit-codes.md", text: exit_codes_page() },
        Page { path: "docs/reference/log-lines.md", text: log_lines_page() },
        Page { path: "docs/reference/access-log.md", text: access_log_page() },
    ]
}

/// A page of Markdown, with the place that it is made from.
fn page(source: &str, title: &str, text: &str) -> String {
    format!("<!-- Written by `just gen` from {source}; do not edit. -->\n\n# {title}\n\n{text}")
}

/// A table of Markdown; a bar inside a cell is escaped.
fn table<const N: usize>(head: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let mut text = format!("| {} |\n|{}\n", head.join(" | "), " --- |".repeat(N));
    for row in rows {
        // Writing into a string cannot fail.
        let _ = writeln!(text, "| {} |", row.map(|cell| cell.replace('|', "\\|")).join(" | "));
    }
    text
}

/// Text as code, whatever is in it.
fn code(text: &str) -> String {
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}

fn command_line_page() -> String {
    let help = rgunicorn_settings::help_text("rgunicorn");
    page(
        "crates/settings/src/table",
        "Command line",
        &format!(
            "What `rgunicorn --help` prints; [settings](settings.md) says more about each.\n\n```text\n{help}```\n"
        ),
    )
}

fn hooks_page() -> String {
    let text = format!(
        "Functions of a [config file](../guide/configuration.md) with these names are called at these moments. In place of a\n\
         function a hook may be a text that says where it is, as in `on_starting = \"site_hooks.starting\"`. An exception is\n\
         written to the error log with its traceback.\n\n{}",
        rgunicorn_settings::hooks_markdown()
    );
    page("crates/settings/src/hooks.rs", "Hooks", &text)
}

fn signals_page() -> String {
    let row = |row: &signals::Row| [code(row.name), row.master.to_owned(), row.worker.to_owned()];
    let table = table(["Signal", "Sent to the master", "Sent to a worker"], signals::table().iter().map(row));
    let text = format!(
        "The master is the process that was started and whose number is in the pid file: `kill -TERM $(cat server.pid)`\n\
         stops the server. Signals that are not listed do what they do to any process.\n\n{table}\n\
         A worker that ends, whatever the reason, is replaced; to change the number of workers, tell the master.\n"
    );
    page("crates/arbiter/src/signals.rs", "Signals", &text)
}

fn exit_codes_page() -> String {
    let row = |row: &statuses::Row| [code(row.status), row.meaning.to_owned()];
    let table = table(["Status", "Meaning"], statuses::table().iter().map(row));
    let text = format!("What `rgunicorn` ends with. The error log says more.\n\n{table}");
    page("crates/arbiter/src/statuses.rs", "Exit codes", &text)
}

fn log_lines_page() -> String {
    let row = |row: notices::Row| [code(row.level.name()), code(&row.line), row.meaning.to_owned()];
    let table = table(["Level", "Line", "What to make of it"], notices::table().into_iter().map(row));
    let text = format!(
        "What the master writes to the error log, with example values. A line begins with the local time, the process\n\
         that wrote it and the level: `[2026-01-31 12:00:00 +0000] [100] [INFO] Handling signal: term`.\n\n{table}"
    );
    page("crates/arbiter/src/machine/notices.rs", "Log lines", &text)
}

fn access_log_page() -> String {
    let text = format!(
        "What `access_log_format` (`--access-logformat`) is made of.\n\n{}",
        rgunicorn_logging::atoms_markdown()
    );
    page("crates/logging/src/access/atoms.rs", "Access log", &text)
}

/// Writes every page that differs.
pub(crate) fn write(root: &Path) -> Result<(), String> {
    for page in stale(root) {
        let path = root.join(page.path);
        let directory = path.parent().expect("a page is in a directory");
        let written = fs::create_dir_all(directory).and_then(|()| fs::write(&path, &page.text));
        written.map_err(|error| format!("cannot write `{}`: {error}", page.path))?;
        println!("wrote {}", page.path);
    }
    Ok(())
}

/// Fails if a page differs from the committed file.
pub(crate) fn check(root: &Path) -> Result<(), String> {
    let stale: Vec<_> = stale(root).iter().map(|page| page.path).collect();
    if stale.is_empty() {
        return Ok(());
    }
    Err(format!("out of date: {} (run `just gen`)", stale.join(", ")))
}

fn stale(root: &Path) -> Vec<Page> {
    let current = |page: &Page| fs::read_to_string(root.join(page.path)).is_ok_and(|text| text == page.text);
    pages().into_iter().filter(|page| !current(page)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_pages_are_current() {
        check(&crate::files::root()).unwrap();
    }

    #[test]
    fn a_table_has_a_cell_for_every_column() {
        let text = table(["A", "B"], [["a|b".to_owned(), "`c`".to_owned()]].into_iter());
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("`a`"), "`` `a` ``");
        assert_eq!(text, "| A | B |\n| --- | --- |\n| a\\|b | `c` |\n");
    }

    #[test]
    fn a_missing_page_is_out_of_date() {
        let error = check(Path::new("nowhere")).unwrap_err();
        assert!(error.starts_with("out of date: docs/reference/settings.md, "), "{error}");
        assert!(error.ends_with("(run `just gen`)"), "{error}");
    }
}
