//! The environment variables and the working directory that each generation has asked for.

use std::{collections::BTreeMap, path::PathBuf};

use pyo3::{prelude::*, types::PyAny};
use rgunicorn_settings::Application;

/// What every generation wants of the process around it, and what was there before any of them.
pub(crate) struct Surroundings {
    /// Where the server was started: relative directories count from here, however often they are changed to.
    start: PathBuf,
    wanted: BTreeMap<u32, Application>,
    /// Variables that some generation has set, as they were before; none where there was no such variable.
    original: BTreeMap<String, Option<Py<PyAny>>>,
}

impl Surroundings {
    /// Those of this process.
    pub(crate) fn new() -> Self {
        // A directory that was removed has no name, and can still be worked in.
        let start = std::env::current_dir().unwrap_or_default();
        Self { start, wanted: BTreeMap::new(), original: BTreeMap::new() }
    }

    /// The directory that this application is to run in.
    pub(crate) fn directory(&self, application: &Application) -> PathBuf {
        self.start.join(&application.chdir)
    }

    /// Note what this generation wants.
    pub(crate) fn add(&mut self, generation: u32, application: Application) {
        self.wanted.insert(generation, application);
    }

    /// This generation is not needed any more.
    pub(crate) fn forget(&mut self, generation: u32) {
        self.wanted.remove(&generation);
    }

    /// The environment as it was before the server set anything, as C and as Python see it.
    pub(crate) fn restore(&self, py: Python<'_>) -> PyResult<()> {
        let environ = environ(py)?;
        for (name, value) in &self.original {
            match value {
                Some(value) => environ.set_item(name, value)?,
                None => environ.call_method1("pop", (name, py.None())).map(drop)?,
            }
        }
        Ok(())
    }

    /// Have what this generation wants, and nothing of the others.
    pub(crate) fn select(&mut self, py: Python<'_>, generation: u32) -> PyResult<()> {
        self.restore(py)?;
        let Some(application) = self.wanted.get(&generation).cloned() else { return Ok(()) };
        let environ = environ(py)?;
        for pair in &application.raw_env {
            if !self.original.contains_key(&pair.name) {
                let before = environ.call_method1("get", (&pair.name,))?;
                self.original.insert(pair.name.clone(), (!before.is_none()).then(|| before.unbind()));
            }
            environ.set_item(&pair.name, &pair.value)?;
        }
        py.import("os")?.call_method1("chdir", (self.directory(&application).as_os_str(),)).map(drop)
    }
}

fn environ(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    py.import("os")?.getattr("environ")
}
