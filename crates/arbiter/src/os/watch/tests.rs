//! Both engines with real files. Time is given, so nothing is waited for: what was done to a file is told at once.

#![cfg(target_os = "linux")]

use std::{fs, path::PathBuf};

use rgunicorn_settings::{ReloadEngine, Settings};

use super::*;

/// A directory that is watched.
struct Site {
    directory: tempfile::TempDir,
    watcher: Watcher,
    now: Millis,
    remarks: Vec<Remark>,
}

impl Site {
    fn new(engine: ReloadEngine, files: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut settings = Settings::default();
        settings.application.chdir = directory.path().to_owned();
        settings.reloading.reload_engine = engine;
        for file in files {
            write(&directory.path().join(file), "1");
        }
        let mut remarks = Vec::new();
        let watcher = Watcher::new(&settings, 0, &mut |remark| remarks.push(remark));
        Self { directory, watcher, now: 0, remarks }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.directory.path().join(file)
    }

    /// What is told when nothing more happens, by its name in the directory.
    fn changed(&mut self) -> Option<String> {
        let mut log = |remark| self.remarks.push(remark);
        self.now += 1_000;
        assert_eq!(self.watcher.changed(self.now, &mut log), None, "more may come");
        self.now = self.watcher.deadline().unwrap_or(self.now);
        let file = self.watcher.changed(self.now, &mut log)?;
        assert_eq!(self.watcher.changed(self.now + 1, &mut log), None, "it is told once");
        Some(file.strip_prefix(self.directory.path()).unwrap().display().to_string())
    }
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

const ENGINES: [ReloadEngine; 2] = [ReloadEngine::Inotify, ReloadEngine::Poll];

#[test]
fn a_written_file_is_told_and_another_one_is_not() {
    for engine in ENGINES {
        let mut site = Site::new(engine, &["a.py", "deep/down/b.py", "c.txt"]);
        assert_eq!(site.changed(), None);
        write(&site.path("deep/down/b.py"), "22");
        assert_eq!(site.changed().as_deref(), Some("deep/down/b.py"), "{engine}");
        write(&site.path("c.txt"), "22");
        write(&site.path("__pycache__/a.py"), "22");
        assert_eq!(site.changed(), None, "{engine}");
        let named = if engine == ReloadEngine::Poll { "poll" } else { "inotify" };
        let directories = site.directory.path().display().to_string();
        assert_eq!(site.remarks, [Remark::Watching { directories, engine: named }]);
    }
}

fn settings_of(site: &Site, engine: ReloadEngine) -> Settings {
    let mut settings = Settings::default();
    settings.application.chdir = site.directory.path().to_owned();
    settings.reloading.reload_engine = engine;
    settings
}

#[test]
fn a_file_that_is_put_in_place_of_another_is_told_and_so_is_one_that_goes() {
    for engine in ENGINES {
        let mut site = Site::new(engine, &["a.py"]);
        for _ in 0..2 {
            write(&site.path(".a.py.swp"), "333");
            fs::rename(site.path(".a.py.swp"), site.path("a.py")).unwrap();
            assert_eq!(site.changed().as_deref(), Some("a.py"), "{engine}");
        }
        fs::remove_file(site.path("a.py")).unwrap();
        assert_eq!(site.changed().as_deref(), Some("a.py"), "{engine}");
    }
}

#[test]
fn new_directories_are_watched_with_what_is_in_them() {
    for engine in ENGINES {
        let mut site = Site::new(engine, &["a.py"]);
        write(&site.path("new/deep/b.py"), "1");
        assert_eq!(site.changed().as_deref(), Some("new/deep/b.py"), "{engine}");
        write(&site.path("new/deep/c.py"), "1");
        assert_eq!(site.changed().as_deref(), Some("new/deep/c.py"), "{engine}");
        write(&site.path("media/picture.png"), "1");
        assert_eq!(site.changed(), None, "{engine}");
    }
}

#[test]
fn a_directory_may_be_moved_away_and_another_one_put_in_its_place() {
    let mut site = Site::new(ReloadEngine::Inotify, &["site/a.py", ".next/a.py"]);
    fs::rename(site.path("site"), site.path(".old")).unwrap();
    assert_eq!(site.changed().as_deref(), Some("site"));
    fs::rename(site.path(".next"), site.path("site")).unwrap();
    assert_eq!(site.changed().as_deref(), Some("site/a.py"));
    write(&site.path("site/a.py"), "2");
    assert_eq!(site.changed().as_deref(), Some("site/a.py"));
    write(&site.path(".old/a.py"), "2");
    assert_eq!(site.changed(), None);
    fs::remove_dir_all(site.path("site")).unwrap();
    assert_eq!(site.changed().as_deref(), Some("site/a.py"));
    write(&site.path("site/b.py"), "2");
    assert_eq!(site.changed().as_deref(), Some("site/b.py"));
}

#[test]
fn a_module_from_elsewhere_is_watched_once_it_is_known() {
    for engine in ENGINES {
        let elsewhere = tempfile::tempdir().unwrap();
        let module = elsewhere.path().join("lib.py");
        write(&module, "1");
        let mut site = Site::new(engine, &["a.py"]);
        site.watcher.also(&module, &mut |remark| panic!("{remark}"));
        write(&elsewhere.path().join("other.py"), "1");
        assert_eq!(site.changed(), None, "{engine}");
        write(&module, "22");
        let mut log = |remark: Remark| panic!("{remark}");
        site.now += 1_000;
        assert_eq!(site.watcher.changed(site.now, &mut log), None);
        assert_eq!(site.watcher.changed(site.now + QUIET, &mut log), Some(module), "{engine}");
    }
}

#[test]
fn changes_that_come_together_are_one_but_do_not_go_on_for_ever() {
    let mut site = Site::new(ReloadEngine::Inotify, &["a.py", "b.py"]);
    let mut log = |remark: Remark| panic!("{remark}");
    let mut told = None;
    while told.is_none() && site.now < 10 * LONGEST {
        site.now += QUIET - 10;
        write(&site.directory.path().join("b.py"), &site.now.to_string());
        write(&site.directory.path().join("a.py"), &site.now.to_string());
        told = site.watcher.changed(site.now, &mut log);
    }
    assert_eq!(told, Some(site.path("b.py")), "the first of them");
    assert!((LONGEST..LONGEST + 2 * QUIET).contains(&site.now), "{}", site.now);
}

#[test]
fn what_cannot_be_watched_is_said() {
    let site = Site::new(ReloadEngine::Inotify, &[]);
    let mut settings = settings_of(&site, ReloadEngine::Inotify);
    settings.reloading.reload_dirs = vec!["nowhere".into()];
    let mut said = Vec::new();
    Watcher::new(&settings, 0, &mut |remark| said.push(remark.to_string()));
    assert!(said[0].starts_with("cannot watch `") && said[0].contains("/nowhere`: "), "{said:?}");
}

#[test]
fn the_engine_becomes_readable_when_something_happens() {
    let site = Site::new(ReloadEngine::Auto, &["a.py"]);
    let fd = site.watcher.fd().expect("this is Linux");
    let mut waited = [nix::poll::PollFd::new(fd, nix::poll::PollFlags::POLLIN)];
    assert_eq!(nix::poll::poll(&mut waited, nix::poll::PollTimeout::ZERO), Ok(0));
    write(&site.directory.path().join("a.py"), "2");
    assert_eq!(nix::poll::poll(&mut waited, nix::poll::PollTimeout::ZERO), Ok(1));
}
