//! Generations: each reload reads the configuration anew, and what it brought holds for the workers of that generation.
//!
//! A generation is more than its settings: it has the environment, the working directory, the modules that its config file
//! imported, and its hooks. One of them is in force in this process at any time.

use std::{collections::BTreeMap, env, ffi::OsString, io, path::PathBuf};

use pyo3::{prelude::*, types::PyDict};
use rgunicorn_settings::{Parsed, ProcessEnvironment, Settings, SettingsError, Value, WorkerClass};

use crate::{
    config_file::{Brought, ConfigFiles},
    failure::{describe, log_exception},
    hooks::{Configured, Facts, Moment, NewWorker, Runtime, WorkerHooks},
    values::python_value,
    variables::{Changes, Variables},
};

/// What configurations are read from, beside files and the environment.
#[derive(Debug)]
pub enum Source {
    /// A command line: the program's name and the arguments.
    CommandLine(String, Vec<OsString>),
    /// A call of `rgunicorn.run()`: settings, and the arguments that are hooks.
    Call(Vec<(String, Value)>, Py<PyDict>),
}

/// Why there is no configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Refused {
    text: String,
    /// What the command ends with for it.
    pub status: u8,
}

impl From<SettingsError> for Refused {
    fn from(error: SettingsError) -> Self {
        Self { text: error.to_string(), status: error.exit_code() }
    }
}

/// What a wrong configuration ends with, as gunicorn's.
const BAD_CONFIGURATION: u8 = 1;

/// The generations of this process.
pub struct Generations<'py> {
    py: Python<'py>,
    source: Source,
    /// As the server found them: relative names and `-e` begin there for every generation.
    directory: PathBuf,
    variables: Variables,
    known: BTreeMap<u32, Generation>,
    in_force: Option<u32>,
    runtime: Option<Runtime>,
}

struct Generation {
    directory: PathBuf,
    changes: Changes,
    brought: Brought,
    /// `None` without any hook.
    configured: Option<Configured>,
}

impl<'py> Generations<'py> {
    /// None yet, in the directory and with the environment of this moment.
    ///
    /// # Errors
    /// When Python refuses.
    pub fn new(py: Python<'py>, source: Source) -> PyResult<Self> {
        Ok(Self {
            py,
            source,
            // A directory that was removed has no name, and can still be worked in.
            directory: env::current_dir().unwrap_or_default(),
            variables: Variables::of_process(py)?,
            known: BTreeMap::new(),
            in_force: None,
            runtime: None,
        })
    }

    /// Read the configuration anew: that of the generation with this number, which does not hold yet.
    ///
    /// # Errors
    /// With a text for the operator.
    pub fn read(&mut self, number: u32) -> Result<Parsed, Refused> {
        let before = self.in_force;
        self.leave().map_err(|error| self.refused(&error))?;
        let read = self.read_here(number);
        if let Some(number) = before {
            self.enter(number).map_err(|error| self.refused(&error))?;
        }
        read
    }

    fn read_here(&mut self, number: u32) -> Result<Parsed, Refused> {
        let earlier: Vec<_> = self.known.values().map(|generation| &generation.brought).collect();
        let mut files = ConfigFiles::new(self.py, &earlier).map_err(|error| self.refused(&error))?;
        let parsed = match &self.source {
            Source::CommandLine(program, arguments) => rgunicorn_settings::from_command_line(
                program,
                arguments.clone(),
                &ProcessEnvironment,
                &mut files,
            ),
            Source::Call(values, hooks) => {
                let accepted = files.accept(hooks.bind(self.py));
                accepted.map_err(|text| Refused { text, status: BAD_CONFIGURATION })?;
                rgunicorn_settings::from_values(values, &ProcessEnvironment, &mut files)
                    .map(|settings| Parsed::Run(Box::new(settings)))
            }
        };
        // What the file did to the environment belongs to its generation, and to nobody if there is none.
        let changes = self.variables.changes(self.py).map_err(|error| self.refused(&error))?;
        let restored = self.variables.restore(self.py, &changes);
        restored.map_err(|error| self.refused(&error))?;
        let parsed = parsed?;
        if let Parsed::Run(settings) = &parsed {
            let generation = self.generation(settings, changes, files.brought());
            let generation = generation.map_err(|error| self.refused(&error))?;
            self.known.insert(number, generation);
        }
        Ok(parsed)
    }

    fn generation(&self, settings: &Settings, changes: Changes, brought: Brought) -> PyResult<Generation> {
        let py = self.py;
        for pair in &settings.application.raw_env {
            changes.set(py, &pair.name, &pair.value)?;
        }
        let hooks = brought.hooks.bind(py);
        // A worker class of another package asks for the same objects that hooks are called with.
        let foreign = matches!(settings.workers.worker_class, WorkerClass::Foreign(_));
        let configured = if hooks.is_empty() && !foreign {
            None
        } else {
            let values = PyDict::new(py);
            for (key, value) in settings.values() {
                values.set_item(key, python_value(py, &value)?)?;
            }
            Some(Runtime::configure(py, &values, hooks, self.variables.as_dict(py))?)
        };
        Ok(Generation { directory: settings.application.chdir.clone(), changes, brought, configured })
    }

    /// Let a generation hold in this process: its environment, directory, modules and hooks.
    ///
    /// # Errors
    /// With a text for the operator; usually the directory is gone.
    pub fn select(&mut self, number: u32) -> Result<(), Refused> {
        if self.in_force == Some(number) {
            return Ok(());
        }
        self.leave().and_then(|()| self.enter(number)).map_err(|error| self.refused(&error))
    }

    /// A generation that will not be selected again.
    pub fn forget(&mut self, number: u32) {
        if self.in_force == Some(number) {
            return;
        }
        let Some(generation) = self.known.remove(&number) else { return };
        if generation.brought.modules.bind(self.py).is_empty() {
            return;
        }
        drop(generation);
        // Functions and their modules refer to each other, and the master makes too few objects for the collector to come
        // round by itself.
        if let Err(error) = self.py.import("gc").and_then(|gc| gc.call_method0("collect")) {
            log_exception(self.py, "Cannot collect what a generation has left", &error);
        }
    }

    fn leave(&mut self) -> PyResult<()> {
        if let Some(generation) = self.in_force.take().and_then(|number| self.known.get(&number)) {
            self.variables.restore(self.py, &generation.changes)?;
        }
        // What is gone cannot be gone back to; absolute names lead somewhere all the same.
        let _ = env::set_current_dir(&self.directory);
        Ok(())
    }

    fn enter(&mut self, number: u32) -> PyResult<()> {
        let Some(generation) = self.known.get(&number) else { return Ok(()) };
        let py = self.py;
        self.in_force = Some(number);
        generation.changes.apply(py)?;
        let modules = py.import("sys")?.getattr("modules")?;
        modules.call_method1("update", (generation.brought.modules.bind(py),))?;
        if let Some(configured) = &generation.configured {
            let runtime = match self.runtime.take() {
                Some(runtime) => runtime,
                None => Runtime::new(py)?,
            };
            self.runtime.insert(runtime).select(py, configured)?;
        }
        env::set_current_dir(&generation.directory).map_err(|error| {
            let directory = generation.directory.display();
            let text = format!("cannot change to the directory `{directory}` (chdir): {error}");
            io::Error::new(error.kind(), text).into()
        })
    }

    /// Whether a generation has hooks at all.
    #[must_use]
    pub fn has_hooks(&self, number: u32) -> bool {
        self.known.get(&number).is_some_and(|generation| generation.configured.is_some())
    }

    /// Call a hook of a generation in the master.
    ///
    /// # Errors
    /// What the hook raises.
    pub fn call(&self, number: u32, moment: Moment, facts: &Facts<'py>) -> PyResult<()> {
        match self.with_hooks(number) {
            Some((runtime, configured)) => runtime.call(self.py, configured, moment, facts),
            None => Ok(()),
        }
    }

    /// This process is a worker of a generation; its hooks.
    ///
    /// # Errors
    /// When memory is exhausted.
    pub fn become_worker(&self, number: u32, worker: NewWorker<'_>) -> PyResult<WorkerHooks> {
        match self.with_hooks(number) {
            Some((runtime, configured)) => runtime.become_worker(self.py, configured, worker),
            None => Ok(WorkerHooks::default()),
        }
    }

    fn with_hooks(&self, number: u32) -> Option<(&Runtime, &Configured)> {
        self.runtime.as_ref().zip(self.known.get(&number)?.configured.as_ref())
    }

    fn refused(&self, error: &PyErr) -> Refused {
        let ours = error.is_instance_of::<pyo3::exceptions::PyOSError>(self.py);
        let text = if ours { error.value(self.py).to_string() } else { describe(self.py, error) };
        Refused { text, status: BAD_CONFIGURATION }
    }
}
