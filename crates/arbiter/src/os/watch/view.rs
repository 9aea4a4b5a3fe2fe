//! Which files count: those below directories that look like code, and single ones wherever they are.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use rgunicorn_settings::{ConfigLocation, Settings};

use super::pattern::{FilePattern, STRICT, base, pattern};

/// Which files count.
#[derive(Debug)]
pub(super) struct View {
    trees: Vec<Tree>,
    files: BTreeSet<PathBuf>,
    includes: Vec<FilePattern>,
    excludes: Vec<FilePattern>,
}

/// A directory and what counts below it.
#[derive(Debug)]
struct Tree {
    root: PathBuf,
    wanted: Wanted,
}

#[derive(Debug)]
enum Wanted {
    /// What looks like code, or is included.
    Code,
    /// All files.
    All,
    /// What matches, whole paths.
    Like(glob::Pattern),
}

impl View {
    pub(super) fn new(settings: &Settings) -> Self {
        let here = &settings.application.chdir;
        let reloading = &settings.reloading;
        let patterns = |given: &[rgunicorn_settings::FilePattern]| {
            given.iter().map(|pattern| FilePattern::new(&pattern.0, here)).collect::<Vec<_>>()
        };
        let mut view = Self {
            trees: Vec::new(),
            files: BTreeSet::new(),
            includes: patterns(&reloading.reload_includes),
            excludes: patterns(&reloading.reload_excludes),
        };
        if reloading.reload_dirs.is_empty() {
            view.add_tree(here.clone(), Wanted::Code);
            for directory in &settings.application.pythonpath.0 {
                view.add_tree(here.join(directory), Wanted::Code);
            }
        }
        for directory in &reloading.reload_dirs {
            view.add_tree(here.join(directory), Wanted::Code);
        }
        for extra in &reloading.reload_extra_files {
            view.add_extra(here.join(extra));
        }
        if let Some(ConfigLocation::File(path)) = &settings.config_file.config {
            view.add_file(path.clone());
        }
        view
    }

    fn add_tree(&mut self, root: PathBuf, wanted: Wanted) {
        let root = normal(&root);
        let code = matches!(wanted, Wanted::Code);
        let held = |tree: &Tree| matches!(tree.wanted, Wanted::Code) && root.starts_with(&tree.root);
        if !(code && self.trees.iter().any(held)) {
            self.trees.push(Tree { root, wanted });
        }
    }

    fn add_extra(&mut self, path: PathBuf) {
        let path = normal(&path);
        if let Some(base) = base(&path) {
            self.add_tree(base, Wanted::Like(pattern(&path.to_string_lossy())));
        } else if path.is_dir() {
            self.add_tree(path, Wanted::All);
        } else {
            self.add_file(path);
        }
    }

    /// Count a file, and what it leads to if it is a link.
    fn add_file(&mut self, path: PathBuf) {
        self.files.extend(path.canonicalize());
        self.files.insert(path);
    }

    /// Count this file. False if it does already, or is not to.
    pub(super) fn add(&mut self, file: &Path) -> bool {
        !self.excludes(file) && !self.wants(file) && self.files.insert(file.to_owned())
    }

    /// The directories that everything is looked for in, as a text.
    pub(super) fn roots(&self) -> String {
        let roots = self.trees.iter().map(|tree| tree.root.display().to_string());
        roots.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ")
    }

    /// The files that count wherever they are.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(PathBuf::as_path)
    }

    /// Every directory in which a file could count.
    pub(super) fn directories(&self) -> BTreeSet<PathBuf> {
        let mut found = BTreeSet::new();
        for tree in &self.trees {
            self.descend(tree.root.clone(), &mut found);
        }
        found
    }

    /// This directory and those below it.
    pub(super) fn descend(&self, root: PathBuf, found: &mut BTreeSet<PathBuf>) {
        let mut open = vec![root];
        while let Some(directory) = open.pop() {
            if let Ok(entries) = fs::read_dir(&directory) {
                // A link to a directory is not followed: it may lead in a circle.
                let is_directory = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
                let below = entries.flatten().filter(is_directory).map(|entry| entry.path());
                open.extend(below.filter(|path| !found.contains(path) && self.enters(path)));
            }
            found.insert(directory);
        }
    }

    /// Whether files below this directory may count.
    pub(super) fn enters(&self, directory: &Path) -> bool {
        self.admits(directory) && !directory.join("pyvenv.cfg").exists()
    }

    /// The same by its name alone.
    fn admits(&self, directory: &Path) -> bool {
        let name = directory.file_name().unwrap_or_default().to_string_lossy();
        let never = name.starts_with('.') || name == "__pycache__" || name == "node_modules";
        !never && !self.excludes(directory)
    }

    fn excludes(&self, path: &Path) -> bool {
        self.excludes.iter().any(|pattern| pattern.matches(path))
    }

    /// Whether a change of this file counts.
    pub(super) fn wants(&self, path: &Path) -> bool {
        self.files.contains(path) || self.trees.iter().any(|tree| self.wants_in(tree, path))
    }

    fn wants_in(&self, tree: &Tree, path: &Path) -> bool {
        if !path.starts_with(&tree.root) || self.excludes(path) {
            return false;
        }
        let between = path.ancestors().skip(1).take_while(|ancestor| **ancestor != tree.root);
        if !between.into_iter().all(|directory| self.admits(directory)) {
            return false;
        }
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        match &tree.wanted {
            Wanted::Code => {
                let code = !hidden && path.extension().is_some_and(|extension| extension == "py");
                code || self.includes.iter().any(|pattern| pattern.matches(path))
            }
            Wanted::All => !hidden,
            Wanted::Like(pattern) => pattern.matches_path_with(path, STRICT),
        }
    }
}

/// The path without `.` and without its `..`, as far as they can be taken away; links stay what they are called.
fn normal(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut normal = PathBuf::new();
    for part in absolute.components() {
        if part == std::path::Component::ParentDir {
            normal.pop();
        } else {
            normal.push(part);
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use rgunicorn_settings::{FilePattern as Given, Settings};

    use super::*;

    /// A directory with these files.
    fn directory(files: &[&str]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for file in files {
            let path = directory.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        directory
    }

    fn view(directory: &tempfile::TempDir, change: impl FnOnce(&mut Settings)) -> View {
        let mut settings = Settings::default();
        settings.application.chdir = directory.path().to_owned();
        change(&mut settings);
        View::new(&settings)
    }

    fn given(patterns: &[&str]) -> Vec<Given> {
        patterns.iter().map(|pattern| pattern.parse().unwrap()).collect()
    }

    fn wanted<'a>(view: &View, directory: &tempfile::TempDir, files: &[&'a str]) -> Vec<&'a str> {
        files.iter().copied().filter(|file| view.wants(&directory.path().join(file))).collect()
    }

    #[test]
    fn code_below_the_directory_counts_and_what_tools_leave_there_does_not() {
        let files = [
            "a.py",
            "site/views.py",
            "a.html",
            ".a.py",
            ".#a.py",
            "a.py~",
            "a.pyc",
            "__pycache__/a.py",
            ".git/a.py",
            "node_modules/x/a.py",
            "env/lib/a.py",
        ];
        let root = directory(&files);
        fs::write(root.path().join("env/pyvenv.cfg"), "").unwrap();
        let view = view(&root, |_| {});
        let inside: Vec<_> = view.directories().into_iter().collect();
        assert_eq!(inside, [root.path().to_owned(), root.path().join("site")]);
        assert_eq!(wanted(&view, &root, &files[..10]), ["a.py", "site/views.py"]);
    }

    #[test]
    fn patterns_take_in_and_leave_out() {
        let files = ["a.py", "a.html", ".env", "tests/a.py", "site/migrations/a.py", "site/a.py"];
        let root = directory(&files);
        let view = view(&root, |settings| {
            settings.reloading.reload_includes = given(&["*.html", ".env"]);
            settings.reloading.reload_excludes = given(&["tests", "migrations/*"]);
        });
        assert_eq!(wanted(&view, &root, &files), ["a.py", "a.html", ".env", "site/a.py"]);
        assert!(!view.directories().contains(&root.path().join("tests")));
        let mut view = view;
        assert!(!view.add(&root.path().join("site/migrations/a.py")), "not even if it is loaded");
    }

    #[test]
    fn other_directories_take_the_place_of_the_working_directory() {
        let root = directory(&["a.py", "lib/b.py", "src/c.py", "src/deep/d.py"]);
        let files = ["a.py", "lib/b.py", "src/c.py", "src/deep/d.py"];
        let named = view(&root, |settings| {
            settings.reloading.reload_dirs = vec!["src".into(), "src/deep".into()];
        });
        assert_eq!(wanted(&named, &root, &files), ["src/c.py", "src/deep/d.py"]);
        assert_eq!(named.roots(), root.path().join("src").display().to_string());
        let elsewhere = directory(&["e.py"]);
        let path = view(&root, |settings| {
            settings.application.pythonpath = elsewhere.path().display().to_string().parse().unwrap();
        });
        assert!(path.wants(&elsewhere.path().join("e.py")));
    }

    #[test]
    fn extra_files_are_files_directories_or_patterns() {
        let files =
            ["conf.toml", "data/a.csv", "data/deep/b.csv", "data/.c", "t/a.html", "t/x/b.html", "t/x/c.txt"];
        let root = directory(&files);
        let elsewhere = directory(&["settings.ini"]);
        let ini = elsewhere.path().join("settings.ini");
        let view = view(&root, |settings| {
            let extra = [Path::new("conf.toml"), Path::new("data"), Path::new("t/**/*.html"), &ini];
            settings.reloading.reload_extra_files = extra.iter().map(PathBuf::from).collect();
            settings.reloading.reload_dirs = vec!["src".into()];
        });
        assert_eq!(
            wanted(&view, &root, &files),
            ["conf.toml", "data/a.csv", "data/deep/b.csv", "t/a.html", "t/x/b.html"]
        );
        assert!(view.wants(&ini));
        assert!(view.wants(&root.path().join("t/new/d.html")), "one that comes later");
    }

    #[test]
    fn the_config_file_and_loaded_modules_count_wherever_they_are() {
        let root = directory(&["a.py"]);
        let mut view = view(&root, |settings| {
            settings.config_file.config = Some(ConfigLocation::File("/etc/site.conf".into()));
        });
        assert!(view.wants(Path::new("/etc/site.conf")));
        assert!(!view.add(&root.path().join("a.py")), "it counts already");
        assert!(view.add(Path::new("/srv/lib/b.py")));
        assert!(!view.add(Path::new("/srv/lib/b.py")));
        assert!(view.wants(Path::new("/srv/lib/b.py")));
        assert_eq!(view.files().count(), 2);
    }
}
