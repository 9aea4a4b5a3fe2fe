//! The table as text: `--help`, `--print-config`, the reference page, the man page.

mod help;
mod man;
mod print_config;
mod reference;

pub use help::{help_text, version_text};
pub use man::man_page;
pub use reference::reference_markdown;

/// The text in lines of at most so many columns; a longer word has a line of its own.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there always is a line");
        if line.is_empty() {
            line.push_str(word);
        } else if line.len() + 1 + word.len() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kept_whole() {
        assert_eq!(wrap("a bb ccc dddd", 6), ["a bb", "ccc", "dddd"]);
        assert_eq!(wrap("incomprehensible x", 4), ["incomprehensible", "x"]);
        assert_eq!(wrap("", 4), [""]);
    }
}
