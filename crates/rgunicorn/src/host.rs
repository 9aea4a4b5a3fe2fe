//! The Python that the arbiter asks for: duties around forks, the worker's main, the check of the application.

use std::sync::Arc;

use pyo3::{exceptions::PySystemExit, prelude::*};
use rgunicorn_arbiter::{Hook, HookFailed, Host, Origin, ServerFacts, TemplateBoot, WorkerBoot};
use rgunicorn_bridge::{
    ForkDuties, Generations, describe, exit_status,
    hooks::{NewWorker, log_failed_hook},
    is_forked, log_exception,
};
use rgunicorn_scoreboard::State;
use rgunicorn_settings::{Application, Parsed, Settings, WorkerClass};

use crate::{foreign, hooks, template, title, worker};

/// What a worker ends with that fails while it serves.
const WORKER_FAILED: u8 = 1;

/// CPython as the arbiter's host. The master stays attached to it throughout: it has one thread.
pub(crate) struct PythonHost<'py> {
    py: Python<'py>,
    duties: ForkDuties,
    generations: Generations<'py>,
    application: Application,
    class: WorkerClass,
    origin: Origin,
    /// In a template, and in what it forks: the application.
    loaded: Option<worker::Loaded<'py>>,
}

impl<'py> PythonHost<'py> {
    pub(crate) fn new(
        py: Python<'py>,
        settings: &Settings,
        generations: Generations<'py>,
        origin: Origin,
    ) -> Self {
        Self {
            py,
            duties: ForkDuties::new(py),
            generations,
            application: settings.application.clone(),
            class: settings.workers.worker_class.clone(),
            origin,
            loaded: None,
        }
    }
}

/// What nearly every framework imports from the standard library, above all what is beneath asyncio: most of the time that
/// asyncio takes, and little memory. What is missing, TLS above all, is as large as the rest of the master, and would keep
/// an upgraded asyncio or uvloop from being taken up by a reload.
const COMMON: [&str; 7] =
    ["concurrent.futures", "contextvars", "inspect", "selectors", "socket", "subprocess", "threading"];

/// Import what every worker will need, once, before they are forked: they start sooner and share the memory. Of the
/// application nothing is imported here. Where there is a template, it imports once for all.
pub(crate) fn import_ahead(py: Python<'_>, settings: &Settings) {
    for module in COMMON.into_iter().filter(|_| !settings.workers.preload_app) {
        // A worker that needs what cannot be imported says so itself.
        let _ = py.import(module);
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

    fn origin(&mut self) -> Origin {
        self.origin.clone()
    }

    fn name_process(&mut self, title: &str) {
        title::name_process(self.py, title);
    }

    fn reread(&mut self, generation: u32) -> Result<Settings, String> {
        match self.generations.read(generation) {
            Ok(Parsed::Run(settings)) => Ok(*settings),
            Ok(Parsed::Print(_)) => Err("the command line asks for a text, not for a server".to_owned()),
            Err(refused) => Err(refused.to_string()),
        }
    }

    fn select(&mut self, generation: u32) {
        if let Err(refused) = self.generations.select(generation) {
            tracing::error!("{refused}");
        }
    }

    fn forget(&mut self, generation: u32) {
        self.generations.forget(generation);
    }

    fn hook(&mut self, hook: Hook, server: &ServerFacts) -> Result<(), HookFailed> {
        if !self.generations.has_hooks(server.generation) {
            return Ok(());
        }
        let moment = hooks::moment(hook);
        let called = hooks::facts(self.py, server)
            .and_then(|facts| self.generations.call(server.generation, moment, &facts));
        called.map_err(|error| {
            log_failed_hook(self.py, moment.hook(), &error);
            HookFailed
        })
    }

    fn run_worker(&mut self, mut boot: WorkerBoot) -> u8 {
        let worker = NewWorker { age: boot.age, slot: &boot.slot, max_requests: boot.retire_after };
        let hooks = match self.generations.become_worker(boot.generation, worker) {
            Ok(hooks) => hooks,
            Err(error) => return self.failed(&boot, &error),
        };
        let (settings, loaded) = (Arc::clone(&boot.settings), self.loaded.take());
        let status = if let WorkerClass::Foreign(class) = &settings.workers.worker_class {
            foreign::run(self.py, boot, class, &hooks, loaded)
        } else {
            let run = worker::run(self.py, &mut boot, &hooks, loaded);
            run.unwrap_or_else(|error| self.failed(&boot, &error))
        };
        if !is_forked()
            && let Err(error) = hooks.worker_exit(self.py)
        {
            log_failed_hook(self.py, "worker_exit", &error);
        }
        status
    }

    fn load(&mut self, boot: &TemplateBoot) -> Result<(), u8> {
        self.loaded = Some(template::load(self.py, boot)?);
        Ok(())
    }

    fn wait(&self, wait: &mut (dyn FnMut() + Send)) {
        self.py.detach(wait);
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

impl PythonHost<'_> {
    /// The end of a process, with this status; a template does not return from here.
    pub(crate) fn end(&self, status: u8) -> u8 {
        // Workers have taken what their template has loaded.
        if self.loaded.is_some()
            && let Err(error) = template::leave(self.py, status)
        {
            log_exception(self.py, "Error at the end of the template process", &error);
        }
        status
    }

    /// The status of a worker that an exception ends.
    fn failed(&self, boot: &WorkerBoot, error: &PyErr) -> u8 {
        if is_forked() {
            if !error.is_instance_of::<PySystemExit>(self.py) {
                log_exception(self.py, "Error in a process that the application forked", error);
            }
            return exit_status(self.py, error);
        }
        let booting = boot.slot.state() == State::Booting;
        if !booting || boot.may_report_failure() {
            let text = describe(self.py, error);
            tracing::error!("Exception in worker process\n{text}");
        }
        if booting { worker::BOOT_FAILED } else { WORKER_FAILED }
    }
}
