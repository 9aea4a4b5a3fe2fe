//! The repository's own files: sources, tests and documents, without what is built or installed.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// A text file and where it is.
#[derive(Debug)]
pub(crate) struct File {
    /// Relative to the root, with forward slashes.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    /// The text after the last dot of the name.
    pub(crate) fn extension(&self) -> &str {
        self.path.rsplit_once('.').map_or("", |(_, extension)| extension)
    }

    /// The name without its extension.
    pub(crate) fn stem(&self) -> &str {
        let name = self.path.rsplit_once('/').map_or(self.path.as_str(), |(_, name)| name);
        name.split_once('.').map_or(name, |(stem, _)| stem)
    }

    /// The lines with their numbers, from 1.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }
}

/// Where the workspace is.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("the crate is two levels deep").to_owned()
}

const KINDS: [&str; 8] = ["rs", "py", "pyi", "md", "toml", "yml", "html", "txt"];

/// Every text file, sorted by path.
pub(crate) fn all(root: &Path) -> io::Result<Vec<File>> {
    let mut found = Vec::new();
    collect(root, root, &mut found)?;
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn collect(root: &Path, directory: &Path, found: &mut Vec<File>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            if !is_foreign(&name) {
                collect(root, &path, found)?;
            }
        } else if KINDS.iter().any(|kind| name.ends_with(&format!(".{kind}"))) {
            let relative = path.strip_prefix(root).expect("the walk starts at the root");
            found.push(File {
                path: relative.to_string_lossy().replace('\\', "/"),
                text: fs::read_to_string(&path)?,
            });
        }
    }
    Ok(())
}

/// Directories of things that are built, installed or fetched.
fn is_foreign(name: &str) -> bool {
    let hidden = name.starts_with('.') && name != ".ci";
    hidden
        || name.starts_with("target")
        || name.ends_with(".egg-info")
        || ["__pycache__", "node_modules", "dist", "static"].contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_walk_finds_sources_and_skips_what_is_built() {
        let files = all(&root()).unwrap();
        let has = |path: &str| files.iter().any(|file| file.path == path);
        assert!(has("Cargo.toml") && has("crates/dev/src/files.rs"));
        assert!(!files.iter().any(|file| file.path.starts_with("target/")));
        assert!(
            is_foreign("target-a") && is_foreign(".venv") && is_foreign("__pycache__") && !is_foreign("src")
        );
    }

    #[test]
    fn a_name_has_a_stem_and_an_extension() {
        let file = File { path: "a/b.c/_name.pyi".to_owned(), text: String::new() };
        assert_eq!((file.stem(), file.extension()), ("_name", "pyi"));
    }
}
