//! "Did you mean": what an option or key that there is not was probably meant to be.

use super::{absent, foreign};
use crate::{hooks::HOOKS, table};

/// What to do about an option that there is not.
pub(super) fn for_option(option: &str) -> String {
    if let Some(hint) = foreign::hint(option) {
        return hint;
    }
    let flags = table::rows().flat_map(|row| row.flags).copied().chain(["--help", "--version"]);
    match nearest(option, flags.filter(|flag| flag.starts_with("--"))) {
        Some(flag) => format!("did you mean `{flag}`? (`--help` lists the options)"),
        None => "`--help` lists the options".to_owned(),
    }
}

/// What to do about a key that there is not.
pub(super) fn for_key(key: &str) -> String {
    if let Some(advice) = absent::by_key(key) {
        return advice.to_owned();
    }
    let written = key.trim_start_matches('-').replace('-', "_");
    let by_flag = table::rows().find(|row| row.flags.iter().any(|flag| same_words(flag, &written)));
    let nearest = by_flag.map(|row| row.key).or_else(|| nearest(&written, names()));
    match nearest {
        Some(key) => format!("did you mean `{key}`?"),
        None => "`rgunicorn --help` lists the settings".to_owned(),
    }
}

/// What may stand in a configuration file.
fn names() -> impl Iterator<Item = &'static str> {
    table::rows().map(|row| row.key).chain(HOOKS.iter().map(|hook| hook.name))
}

fn same_words(flag: &str, key: &str) -> bool {
    flag.trim_start_matches('-').replace('-', "_") == key
}

/// The known name that is meant, if one is near: it starts with the text, or a few letters differ.
fn nearest<'a>(text: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let written = text.chars().filter(|c| c.is_alphanumeric()).count();
    let candidates = known.filter_map(|name| {
        if written >= 3 && name.starts_with(text) {
            return Some((0, name.len(), name));
        }
        let distance = distance(text, name);
        (distance <= written / 3).then_some((distance, name.len(), name))
    });
    candidates.min().map(|(_, _, name)| name)
}

/// Levenshtein's distance: letters to insert, remove or replace.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<_> = b.chars().collect();
    let mut row: Vec<_> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_counts_letters() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("same", "same"), 0);
    }

    #[test]
    fn a_slip_or_an_abbreviation_finds_its_option() {
        for (written, meant) in [
            ("--worker", "--workers"),
            ("--wrokers", "--workers"),
            ("--time-out", "--timeout"),
            ("--grace", "--graceful-timeout"),
            ("--keepalive", "--keep-alive"),
            ("--access-log-file", "--access-logfile"),
            ("--worker_class", "--worker-class"),
            ("--chdr", "--chdir"),
        ] {
            assert!(
                for_option(written).starts_with(&format!("did you mean `{meant}`?")),
                "{}",
                for_option(written)
            );
        }
        assert_eq!(for_option("--frobnicate"), "`--help` lists the options");
    }

    #[test]
    fn a_key_may_be_meant_by_its_option() {
        assert_eq!(for_key("keep_alive"), "did you mean `keepalive`?");
        assert_eq!(for_key("worker"), "did you mean `workers`?");
        assert_eq!(for_key("log-level"), "did you mean `loglevel`?");
        assert_eq!(for_key("frobnicate"), "`rgunicorn --help` lists the settings");
    }
}
