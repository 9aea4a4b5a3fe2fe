//! Hooks: the operator's functions that are called at moments in the life of the server, of a worker and of a request.
//!
//! What they are called with is made in Python, by `rgunicorn.hooks`; here is the other side of each call. Where no hook
//! is set nothing of it is imported and nothing is called: everything begins with an [`Option`].

mod request;
mod worker;

use pyo3::{
    exceptions::PyBaseException,
    prelude::*,
    types::{PyDict, PyList},
};
use rgunicorn_logging::critical;

pub use request::{Answered, Asked, RequestHooks, ServingHooks, Style};
use worker::SlotFacts;
pub use worker::{NewWorker, WorkerHooks};

use crate::failure::log_exception;

/// The settings and hooks of one generation as hooks see them.
pub type Configured = Py<PyAny>;

/// A moment in the life of the master that has a hook.
#[derive(Debug, Clone, Copy)]
pub enum Moment {
    /// One that is about the server alone, by the hook's name.
    Server(&'static str),
    /// A worker of this age is about to be forked.
    Fork(u32),
    /// The worker of this age, with this pid, has ended.
    Exited(u32, i32),
    /// The number of workers is another one: the new one, and the old one unless it is the first.
    NumWorkers(u32, Option<u32>),
}

impl Moment {
    /// The hook that is called.
    #[must_use]
    pub fn hook(self) -> &'static str {
        match self {
            Self::Server(name) => name,
            Self::Fork(_) => "pre_fork",
            Self::Exited(..) => "child_exit",
            Self::NumWorkers(..) => "nworkers_changed",
        }
    }
}

/// What the master knows of itself at that moment, by the names that `rgunicorn.hooks` has for it.
#[derive(Debug)]
pub struct Facts<'py> {
    /// Everything but the workers.
    pub server: Bound<'py, PyDict>,
    /// Pid and age of every worker.
    pub workers: Bound<'py, PyList>,
}

/// The objects of this process.
#[derive(Debug)]
pub struct Runtime(Py<PyAny>);

impl Runtime {
    /// Import what hooks need.
    ///
    /// # Errors
    /// When it cannot be imported.
    pub fn new(py: Python<'_>) -> PyResult<Self> {
        let (write, failed) = (wrap_pyfunction!(write_record, py)?, wrap_pyfunction!(log_failure, py)?);
        Ok(Self(runtime(py)?.call_method1("Runtime", (write, failed))?.unbind()))
    }

    /// A generation of these settings and hooks. The environment is the one that the server found.
    ///
    /// # Errors
    /// When memory is exhausted.
    pub fn configure(
        py: Python<'_>,
        settings: &Bound<'_, PyDict>,
        hooks: &Bound<'_, PyDict>,
        environment: &Bound<'_, PyDict>,
    ) -> PyResult<Configured> {
        Ok(runtime(py)?.call_method1("Generation", (settings, hooks, environment))?.unbind())
    }

    /// From now on the settings and hooks of this generation hold.
    ///
    /// # Errors
    /// When its logs cannot be set up.
    pub fn select(&self, py: Python<'_>, configured: &Configured) -> PyResult<()> {
        self.0.bind(py).call_method1("select", (configured,)).map(drop)
    }

    /// Call a generation's hook in the master.
    ///
    /// # Errors
    /// What the hook raises.
    pub fn call(
        &self,
        py: Python<'_>,
        configured: &Configured,
        moment: Moment,
        facts: &Facts<'_>,
    ) -> PyResult<()> {
        let runtime = self.0.bind(py);
        let Facts { server, workers } = facts;
        match moment {
            Moment::Server(name) => runtime.call_method1("master", (configured, name, server, workers)),
            Moment::Fork(age) => runtime.call_method1("fork", (configured, age, server, workers)),
            Moment::Exited(age, pid) => {
                runtime.call_method1("exited", (configured, (age, pid), server, workers))
            }
            Moment::NumWorkers(new, old) => {
                runtime.call_method1("workers_changed", (configured, (new, old), server, workers))
            }
        }
        .map(drop)
    }

    /// This process is this worker.
    ///
    /// # Errors
    /// When memory is exhausted.
    pub fn become_worker(
        &self,
        py: Python<'_>,
        configured: &Configured,
        worker: NewWorker<'_>,
    ) -> PyResult<WorkerHooks> {
        let NewWorker { age, slot, max_requests } = worker;
        let arguments = (configured, age, SlotFacts::new(slot), max_requests);
        let hooks = self.0.bind(py).call_method1("become_worker", arguments)?;
        WorkerHooks::new(&hooks)
    }
}

fn runtime(py: Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    py.import("rgunicorn.hooks._runtime")
}

/// Log that a hook of the master or of a worker has failed.
pub fn log_failed_hook(py: Python<'_>, hook: &str, error: &PyErr) {
    log_exception(py, &format!("Exception in the hook `{hook}`"), error);
}

/// Write a record of Python's `logging` to the error log.
#[pyfunction]
fn write_record(py: Python<'_>, level: i64, text: &str) {
    py.detach(|| match level {
        50.. => critical!("{text}"),
        40.. => tracing::error!("{text}"),
        30.. => tracing::warn!("{text}"),
        20.. => tracing::info!("{text}"),
        _ => tracing::debug!("{text}"),
    });
}

#[pyfunction]
fn log_failure(py: Python<'_>, hook: &str, error: &Bound<'_, PyBaseException>) {
    log_failed_hook(py, hook, &PyErr::from_value(error.clone().into_any()));
}
