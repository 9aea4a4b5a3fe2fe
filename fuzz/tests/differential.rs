//! Our reading beside hyper's and h11's, on the corpus and on inputs made from it by chance.
//!
//! `FUZZ_H11` names a Python that has h11; without it, only hyper is asked. `FUZZ_SEED` and `FUZZ_INPUTS` set where chance
//! begins and how many inputs it makes.

use std::{env, fs, path::Path};

use rgunicorn_fuzz::{
    chance::Chance,
    classes::{CLASSES, class_of},
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

#[test]
fn whatever_is_read_differently_is_of_a_known_class() {
    if let Some(python) = env::var_os("FUZZ_H11") {
        ask_h11(python.as_ref());
    }
    let inputs = corpus();
    let mut chance = Chance::new(number("FUZZ_SEED", 1) as u64);
    let made = (0..number("FUZZ_INPUTS", 2000)).map(|_| mutate(&inputs, &mut chance));
    let mut unknown = Vec::new();
    for input in inputs.iter().cloned().chain(made) {
        unknown.extend(unknown_differences(&input));
    }
    assert!(
        unknown.is_empty(),
        "{} unknown differences:\n{}",
        unknown.len(),
        unknown[..unknown.len().min(40)].concat()
    );
}

#[test]
fn every_class_is_seen_and_documented() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/internals/differential.md");
    let page = fs::read_to_string(page).expect("the page of the differences");
    for class in CLASSES {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{}` ", class.name)));
        let row = row.unwrap_or_else(|| panic!("`{}` is not on the page", class.name));
        assert!(row.contains(class.clause), "`{}` is there without {}", class.name, class.clause);
    }
}
