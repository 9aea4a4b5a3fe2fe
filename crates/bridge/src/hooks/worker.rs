//! The hooks of a worker, called in the worker.

use pyo3::prelude::*;
use rgunicorn_scoreboard::{Lease, now};

use super::request::{RequestHooks, ServingHooks};

/// A worker at its beginning.
#[derive(Clone, Copy)]
pub struct NewWorker<'a> {
    /// Its spawn number.
    pub age: u32,
    /// Its line on the scoreboard.
    pub slot: &'a Lease,
    /// How many requests it will answer before it is replaced, if that is limited.
    pub max_requests: Option<u64>,
}

/// The worker's line on the scoreboard, as `rgunicorn.hooks` asks for it.
#[pyclass(frozen, module = "rgunicorn")]
pub(super) struct SlotFacts(Lease);

impl SlotFacts {
    pub(super) fn new(slot: &Lease) -> Self {
        Self(slot.clone())
    }
}

#[pymethods]
impl SlotFacts {
    /// How many requests were answered.
    fn requests(&self) -> u64 {
        self.0.requests()
    }

    /// Show that the worker is alive.
    fn beat(&self) {
        self.0.beat(now());
    }

    /// When the worker last showed that, in seconds of the monotonic clock.
    fn heard(&self) -> f64 {
        std::time::Duration::from_millis(self.0.heartbeat()).as_secs_f64()
    }
}

/// The hooks of this worker; by default it has none.
#[derive(Debug, Default)]
pub struct WorkerHooks {
    object: Option<Py<PyAny>>,
    requests: bool,
    interrupt: bool,
}

impl WorkerHooks {
    pub(super) fn new(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let has = |name| object.call_method1("has", (name,))?.is_truthy();
        Ok(Self {
            requests: has("pre_request")? || has("post_request")?,
            interrupt: has("worker_int")?,
            object: Some(object.clone().unbind()),
        })
    }

    /// The hooks as Python has them, with the settings and the log of the worker; `None` if there are none.
    #[must_use]
    pub fn object(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.object.as_ref().map(|object| object.clone_ref(py))
    }

    /// Call `worker_abort`, and `worker_exit`, when the worker is given up. To be called before faulthandler is armed, so
    /// that the stacks are written first.
    ///
    /// # Errors
    /// When Python refuses.
    pub fn expect_abort(&self, py: Python<'_>) -> PyResult<()> {
        self.call(py, "expect_abort")
    }

    /// Call `post_fork`.
    ///
    /// # Errors
    /// What the hook raises.
    pub fn post_fork(&self, py: Python<'_>) -> PyResult<()> {
        self.call(py, "post_fork")
    }

    /// The application has been loaded: call `post_worker_init`.
    ///
    /// # Errors
    /// What the hook raises.
    pub fn post_worker_init(&self, app: &Bound<'_, PyAny>) -> PyResult<()> {
        let Some(object) = &self.object else { return Ok(()) };
        object.bind(app.py()).call_method1("post_worker_init", (app,)).map(drop)
    }

    /// What Python is to call on the main thread when INT or QUIT arrives; `None` without the hook `worker_int`.
    ///
    /// # Errors
    /// When memory is exhausted.
    pub fn interrupted<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let object = self.object.as_ref().filter(|_| self.interrupt);
        object.map(|object| object.bind(py).getattr("interrupted")).transpose()
    }

    /// What the worker class is to call.
    ///
    /// # Errors
    /// When memory is exhausted.
    pub fn while_serving(&self, py: Python<'_>) -> PyResult<ServingHooks> {
        let Some(object) = &self.object else { return Ok(ServingHooks::default()) };
        let around = self.requests.then(|| RequestHooks::new(object.clone_ref(py)));
        let worker_int = || Ok::<_, PyErr>(object.bind(py).getattr("worker_int")?.unbind());
        Ok(ServingHooks { around, interrupted: self.interrupt.then(worker_int).transpose()? })
    }

    /// Call `worker_exit`; what it raises is logged.
    ///
    /// # Errors
    /// When memory is exhausted.
    pub fn worker_exit(&self, py: Python<'_>) -> PyResult<()> {
        self.call(py, "worker_exit")
    }

    fn call(&self, py: Python<'_>, name: &str) -> PyResult<()> {
        self.object.as_ref().map_or(Ok(()), |object| object.bind(py).call_method0(name).map(drop))
    }
}
