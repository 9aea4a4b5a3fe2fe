//! Names say what a thing is or does: words that say nothing are not used for public items, modules and files.

use super::Finding;
use crate::files::File;

/// Words that say nothing.
const EMPTY_WORDS: [&str; 16] = [
    "manager", "managers", "helper", "helpers", "util", "utils", "common", "misc", "data", "ctx", "cb",
    "impl", "mt", "st", "fut", "stuff",
];

/// First words that say nothing.
const EMPTY_STARTS: [&str; 2] = ["do", "get"];

/// What a name follows in a public item of Rust.
const RUST_ITEMS: [&str; 8] = ["fn", "struct", "enum", "trait", "mod", "type", "const", "static"];

/// No public item, module or file has an empty name.
pub(super) fn are_of_the_vocabulary(file: &File) -> Vec<Finding> {
    let items: Vec<(usize, &str)> = match file.extension() {
        "rs" => file.lines().filter_map(|(line, text)| Some((line, rust_item(text)?))).collect(),
        "py" | "pyi" if file.path.starts_with("python/") => {
            file.lines().filter_map(|(line, text)| Some((line, python_item(text)?))).collect()
        }
        _ => return Vec::new(),
    };
    let items = items.into_iter().chain([(0, file.stem())]);
    let empty = items.filter_map(|(line, name)| Some((line, name, empty_word(name)?)));
    let finding = |(line, name, word)| {
        Finding::at(
            file,
            line,
            format!("`{word}` in the name `{name}` says nothing (name what it is or does)"),
        )
    };
    empty.map(finding).collect()
}

/// The name of the item that the line declares, if the whole crate sees it.
fn rust_item(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix("pub")?;
    let rest = rest.strip_prefix("(crate)").unwrap_or(rest).strip_prefix(' ')?;
    let mut words = rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty());
    let mut word = words.next()?;
    while ["async", "unsafe", "extern"].contains(&word) || (word == "const" && rest.contains(" fn ")) {
        word = words.next()?;
    }
    RUST_ITEMS.contains(&word).then(|| words.next()).flatten()
}

/// The name of the public class or function that the line declares.
fn python_item(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let line = line.strip_prefix("async ").unwrap_or(line);
    let rest = line.strip_prefix("def ").or_else(|| line.strip_prefix("class "))?;
    let name = rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next()?;
    (!name.starts_with('_')).then_some(name)
}

/// The word of the name that says nothing.
fn empty_word(name: &str) -> Option<String> {
    let words = words(name);
    let first = words.first().filter(|first| words.len() > 1 && EMPTY_STARTS.contains(&first.as_str()));
    first.or_else(|| words.iter().find(|word| EMPTY_WORDS.contains(&word.as_str()))).cloned()
}

/// The words of `snake_case`, `CamelCase` and `UPPER_CASE`, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_lower = false;
    for c in name.chars() {
        if c == '_' || (after_lower && c.is_uppercase()) {
            words.push(String::new());
        }
        if c != '_' {
            let word = words.last_mut().expect("there always is a word");
            word.extend(c.to_lowercase());
        }
        after_lower = c.is_lowercase() || c.is_ascii_digit();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::{super::sample::file, *};

    #[test]
    fn names_are_split_into_words() {
        assert_eq!(words("CamelCaseName"), ["camel", "case", "name"]);
        assert_eq!(words("_snake_case2"), ["snake", "case2"]);
        assert_eq!(words("UPPER_CASE"), ["upper", "case"]);
    }

    #[test]
    fn an_empty_name_is_found() {
        for line in [
            "pub struct ConnectionManager {",
            "    pub(crate) fn get_name(&self) {",
            "pub const fn do_it() {",
            "pub mod utils;",
            "pub async fn run_cb() {",
            "pub(crate) enum DataKind {",
            "pub static MISC: u8 = 0;",
        ] {
            let found = are_of_the_vocabulary(&file("a.rs", line));
            assert_eq!((found.len(), found.first().map(|found| found.line)), (1, Some(1)), "{line}");
        }
        assert_eq!(are_of_the_vocabulary(&file("src/helpers.rs", "//! x"))[0].line, 0);
        assert_eq!(are_of_the_vocabulary(&file("python/rgunicorn/a.py", "class TaskManager:\n")).len(), 1);
        assert_eq!(are_of_the_vocabulary(&file("python/rgunicorn/a.py", "async def get_x():\n")).len(), 1);
    }

    #[test]
    fn other_names_are_fine() {
        for line in [
            "fn get_private() {",
            "pub(super) struct Common {",
            "pub fn get(&self) {",
            "pub fn database() {",
            "pub struct Implied;",
            "pub use util::x;",
            "pub field: Data,",
            "publish_data()",
        ] {
            assert_eq!(are_of_the_vocabulary(&file("a.rs", line)), [], "{line}");
        }
        assert_eq!(are_of_the_vocabulary(&file("python/a.py", "def _get_x():\nget_x()\n")), []);
        assert_eq!(are_of_the_vocabulary(&file("tests/test_a.py", "def get_x():\n")), []);
    }
}
