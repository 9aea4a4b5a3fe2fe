//! Every file of the corpora, and every input that once broke something, through the targets that can read it.

use std::{fs, path::Path};

use rgunicorn_fuzz::TARGETS;

/// The files of a folder, sorted by name; none where there is no such folder.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<_> = entries
        .map(|entry| entry.expect("a readable folder").path())
        .map(|path| (path.display().to_string(), fs::read(&path).expect("a readable file")))
        .collect();
    files.sort();
    files
}

#[test]
fn every_target_holds_on_its_corpora_and_on_what_once_broke_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for target in TARGETS {
        let mut inputs = files(&root.join("regressions").join(target.name));
        for corpus in target.corpora {
            let found = files(&root.join("corpus").join(corpus));
            assert!(found.len() > 4, "the corpus `{corpus}` of `{}` is missing", target.name);
            inputs.extend(found);
        }
        for (path, bytes) in inputs {
            let held = std::panic::catch_unwind(|| (target.run)(&bytes));
            assert!(held.is_ok(), "`{}` fails on {path}", target.name);
        }
    }
}
