//! Our reading beside hyper's and h11's, on the corpus and on inputs made from it by chance.
//!
//! `FUZZ_H11` names a Python that has h11; without it, only hyper is asked. `FUZZ_SEED` and `FUZZ_INPUTS` set where chance
//! begins and how many inputs it makes.

use std::{env, fs, path::Path};

use rgunicorn_fuzz::{
    chance::Chance,
    classes::{CLASSES, class_of},
    compare::Peer,
    differential::{ask_h11, each_difference, unknown_differences},
    mutation::mutate,
};

/// A number from the environment.
#[expect(clippy::disallowed_methods, reason = "the settings of a test are not those of the server")]
fn number(name: &str, otherwise: usize) -> usize {
    env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

fn corpus() -> Vec<Vec<u8>> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/connection")];
    folders.extend(env::var_os("FUZZ_CORPUS").map(Into::into));
    let files = folders.iter().flat_map(|folder| fs::read_dir(folder).expect("a corpus"));
    let mut inputs: Vec<_> =
        files.map(|entry| fs::read(entry.expect("a file").path()).expect("a readable file")).collect();
    inputs.sort();
    inputs
}

/// Whether h11 is asked, too.
fn with_h11() -> bool {
    let python = env::var_os("FUZZ_H11");
    if let Some(python) = &python {
        ask_h11(python.as_ref());
    }
    python.is_some()
}

#[test]
fn whatever_is_read_differently_is_of_a_known_class() {
    with_h11();
    let inputs = corpus();
    let mut chance = Chance::new(number("FUZZ_SEED", 1) as u64);
    let made = (0..number("FUZZ_INPUTS", 2000)).map(|_| mutate(&inputs, &mut chance));
    let mut unknown = Vec::new();
    for input in inputs.iter().cloned().chain(made) {
        unknown.extend(unknown_differences(&input));
    }
    let shown = unknown[..unknown.len().min(40)].concat();
    assert!(unknown.is_empty(), "{} unknown differences:\n{shown}", unknown.len());
}

#[test]
fn every_class_is_seen_in_the_corpus() {
    let peers = if with_h11() { vec![Peer::Hyper, Peer::H11] } else { vec![Peer::Hyper] };
    let mut seen = Vec::new();
    for input in corpus() {
        each_difference(&input, |difference| {
            seen.extend(class_of(difference).map(|class| (class.name, difference.peer)));
        });
    }
    let known = CLASSES.iter().flat_map(|class| class.peers.iter().map(|peer| (class.name, *peer)));
    let unseen: Vec<_> =
        known.filter(|(name, peer)| peers.contains(peer) && !seen.contains(&(name, *peer))).collect();
    assert!(unseen.is_empty(), "not seen any more: {unseen:?}");
}

#[test]
fn every_class_is_documented() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/internals/differential.md");
    let page = fs::read_to_string(page).expect("the page of the differences");
    for class in CLASSES {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{}` |", class.name)));
        let row = row.unwrap_or_else(|| panic!("`{}` is not on the page", class.name));
        let peers = match class.peers {
            [Peer::Hyper] => "hyper",
            [Peer::H11] => "h11",
            _ => "hyper, h11",
        };
        assert_eq!(row.split('|').nth(2).map(str::trim), Some(peers), "`{}`", class.name);
        assert!(row.contains(class.clause), "`{}` is there without {}", class.name, class.clause);
    }
}
