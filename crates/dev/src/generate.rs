//! The generated pages: the committed text must be what the tables say.
//!
//! A new page is a new line of [`pages`]; the table that it is made of lives in the crate that acts by it.

use std::{fs, path::Path};

/// One generated file.
struct Page {
    /// Relative to the root.
    path: &'static str,
    text: String,
}

fn pages() -> Vec<Page> {
    vec![
        Page { path: "docs/reference/settings.md", text: rgunicorn_settings::reference_markdown() },
        Page { path: "docs/reference/command-line.md", text: command_line_page() },
        Page { path: "docs/reference/rgunicorn.1", text: rgunicorn_settings::man_page() },
    ]
}

fn command_line_page() -> String {
    let help = rgunicorn_settings::help_text("rgunicorn");
    format!(
        "<!-- Written by `just gen` from crates/settings/src/table; do not edit. -->\n\n# Command line\n\n\
         What `rgunicorn --help` prints; [settings](settings.md) says more about each.\n\n```text\n{help}```\n"
    )
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
    fn a_missing_page_is_out_of_date() {
        let error = check(Path::new("nowhere")).unwrap_err();
        assert!(error.starts_with("out of date: docs/reference/settings.md, "), "{error}");
        assert!(error.ends_with("(run `just gen`)"), "{error}");
    }
}
