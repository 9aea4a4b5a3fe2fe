//! The table as text: `--help`, `--print-config`, the reference page, the man page.

mod help;
mod man;
mod print_config;
mod reference;

pub use help::{help_text, version_text};
pub use man::man_page;
pub use reference::reference_markdown;

/// The text in lines of at most so many columns, broken at spaces but not at no-break spaces; a longer word has a line
/// of its own.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let word = word.replace('\u{a0}', " ");
        let line = lines.last_mut().expect("there always is a line");
        if line.is_empty() {
            line.push_str(&word);
        } else if line.len() + 1 + word.len() <= width {
            line.push(' ');
            line.push_str(&word);
        } else {
            lines.push(word);
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
        assert_eq!(wrap("a b\u{a0}c d", 4), ["a", "b c", "d"]);
    }
}
