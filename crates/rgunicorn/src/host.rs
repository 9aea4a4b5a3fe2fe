//! The Python that the arbiter asks for: duties around forks, the worker's main, the check of the application.

use pyo3::{exceptions::PySystemExit, prelude::*};
use rgunicorn_arbiter::{Host, WorkerBoot};
use rgunicorn_bridge::{ForkDuties, describe, exit_status, is_forked, log_exception};
use rgunicorn_scoreboard::State;
use rgunicorn_settings::{Application, EventLoop, Settings, WorkerClass};

use crate::{command::Given, surroundings::Surroundings, worker};

/// What a worker ends with that fails while it serves.
const WORKER_FAILED: u8 = 1;

/// CPython as the arbiter's host. The master stays attached to it throughout: it has one thread.
pub(crate) struct PythonHost<'py> {
    py: Python<'py>,
    duties: ForkDuties,
    application: Application,
    class: WorkerClass,
    given: Given,
    surroundings: Surroundings,
}

impl<'py> PythonHost<'py> {
    pub(crate) fn new(
        py: Python<'py>,
        settings: &Settings,
        given: Given,
        surroundings: Surroundings,
    ) -> Self {
        Self {
            py,
            duties: ForkDuties::new(py),
            application: settings.application.clone(),
            class: settings.workers.worker_class.clone(),
            given,
            surroundings,
        }
    }
}

/// Import what every `asgi` worker will need, once, before they are forked: they start sooner and share the memory. Of
/// the application nothing is imported here. Without `-k` the name of its module is all there is to go by.
pub(crate) fn import_ahead(py: Python<'_>, settings: &Settings) {
    let asgi = match &settings.workers.worker_class {
        WorkerClass::Asgi => true,
        WorkerClass::Sync | WorkerClass::Foreign(_) => false,
        WorkerClass::Auto => settings.application.app.as_ref().is_some_and(|app| app.module.contains("asgi")),
    };
    if !asgi {
        return;
    }
    // A worker that needs what cannot be imported says so itself.
    let _ = py.import("asyncio");
    if settings.asgi.event_loop != EventLoop::Asyncio {
        let _ = py.import("uvloop");
    }
}

impl Host for PythonHost<'_> {
    fn before_fork(&mut self) {
        self.duties.before();
    }

    fn after_fork_in_parent(&mut self) {
        self.duties.in_parent();
    }

    fn after_fork_in_child(&mut self) {
        self.duties.in_child();
    }

    fn reread(&mut self, generation: u32) -> Result<Settings, String> {
        self.surroundings.restore(self.py).map_err(|error| describe(self.py, &error))?;
        let settings = self.given.read_again()?;
        let directory = self.surroundings.directory(&settings.application);
        if !directory.is_dir() {
            return Err(format!("there is no directory `{}` to change to (chdir)", directory.display()));
        }
        self.surroundings.add(generation, settings.application.clone());
        Ok(settings)
    }

    fn select(&mut self, generation: u32) {
        if let Err(error) = self.surroundings.select(self.py, generation) {
            tracing::error!("{}", describe(self.py, &error));
        }
    }

    fn forget(&mut self, generation: u32) {
        self.surroundings.forget(generation);
    }

    fn run_worker(&mut self, mut boot: WorkerBoot) -> u8 {
        worker::run(self.py, &mut boot).unwrap_or_else(|error| {
            if is_forked() {
                if !error.is_instance_of::<PySystemExit>(self.py) {
                    log_exception(self.py, "Error in a process that the application forked", &error);
                }
                return exit_status(self.py, &error);
            }
            let booting = boot.slot.state() == State::Booting;
            if !booting || boot.may_report_failure() {
                let text = describe(self.py, &error);
                tracing::error!("Exception in worker process\n{text}");
            }
            if booting { worker::BOOT_FAILED } else { WORKER_FAILED }
        })
    }

    fn check(&mut self) -> u8 {
        let Some(spec) = &self.application.app else { return 1 };
        match worker::load(self.py, spec, &self.application, &self.class) {
            Ok(_) => 0,
            Err(error) => {
                tracing::error!("{error}");
                1
            }
        }
    }
}
