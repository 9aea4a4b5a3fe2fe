//! Startup and shutdown of the application (ASGI lifespan spec 2.0).

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use pyo3::{
    exceptions::PyRuntimeError,
    intern,
    prelude::*,
    types::{PyDict, PyString},
};
use rgunicorn_bridge::describe;
use rgunicorn_settings::LifespanMode;

use crate::{
    call::Attempt,
    event_loop::{Loop, resolve},
    scope::versions,
    waiting::{Done, Waiting},
};

/// A lifespan that has started, or that there is none.
pub(crate) struct Lifespan {
    running: Option<Running>,
}

struct Running {
    protocol: Py<Protocol>,
    task: Py<PyAny>,
}

impl Lifespan {
    /// Start the application; `state` is what it leaves for its requests.
    ///
    /// The inner error is the text for the log: the application refused to start.
    ///
    /// # Errors
    /// When the event loop fails.
    pub(crate) fn start(
        event_loop: &Loop,
        app: &Bound<'_, PyAny>,
        state: &Bound<'_, PyDict>,
        mode: LifespanMode,
    ) -> PyResult<Result<Self, String>> {
        let py = app.py();
        if mode == LifespanMode::Off {
            return Ok(Ok(Self { running: None }));
        }
        let protocol = Bound::new(py, Protocol::new(event_loop, py)?)?;
        let scope = PyDict::new(py);
        scope.set_item("type", "lifespan")?;
        scope.set_item("asgi", versions(py)?)?;
        scope.set_item("state", state)?;
        let task = match spawn(event_loop, app, &scope, &protocol) {
            Ok(task) => task,
            Err(error) => return Ok(unsupported(py, mode, &error)),
        };
        task.call_method1("add_done_callback", (protocol.getattr("ended")?,))?;
        let started = protocol.get().started.bind(py);
        event_loop.run_until_complete(started)?;
        let phase = protocol.get().phase().clone();
        match phase {
            Phase::Started => {
                Ok(Ok(Self { running: Some(Running { protocol: protocol.unbind(), task: task.unbind() }) }))
            }
            Phase::Failed(message) => Ok(Err(format!("Application startup failed: {message}"))),
            Phase::Fresh | Phase::Stopped => {
                let outcome = task.call_method0("exception")?;
                if outcome.is_none() {
                    let error = PyRuntimeError::new_err("it returned without `lifespan.startup.complete`");
                    return Ok(unsupported(py, mode, &error));
                }
                Ok(unsupported(py, mode, &PyErr::from_value(outcome)))
            }
        }
    }

    /// Stop the application.
    ///
    /// # Errors
    /// When the event loop fails.
    pub(crate) fn stop(self, event_loop: &Loop, py: Python<'_>) -> PyResult<()> {
        let Some(Running { protocol, task }) = self.running else { return Ok(()) };
        let task = task.bind(py);
        if !task.call_method0("done")?.is_truthy()? {
            resolve(py, &protocol.get().stopping)?;
            event_loop.run_until_complete(protocol.get().stopped.bind(py))?;
        }
        let phase = protocol.get().phase().clone();
        if let Phase::Failed(message) = phase {
            tracing::error!("Application shutdown failed: {message}");
        }
        Ok(())
    }
}

fn spawn<'py>(
    event_loop: &Loop,
    app: &Bound<'py, PyAny>,
    scope: &Bound<'py, PyDict>,
    protocol: &Bound<'py, Protocol>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = app.py();
    let returned = app.call1((scope, protocol.getattr("receive")?, protocol.getattr("send")?))?;
    let arguments = PyDict::new(py);
    arguments.set_item("loop", event_loop.event_loop.bind(py))?;
    py.import("asyncio")?.call_method("ensure_future", (returned,), Some(&arguments))
}

/// The application raised at startup: under `auto` that means that it knows no lifespan.
fn unsupported(py: Python<'_>, mode: LifespanMode, error: &PyErr) -> Result<Lifespan, String> {
    if mode == LifespanMode::On {
        return Err(format!("Application startup failed (lifespan is on):\n{}", describe(py, error)));
    }
    tracing::debug!("The application does not support the lifespan protocol: {error}");
    Ok(Lifespan { running: None })
}

/// The application's side of the lifespan.
#[pyclass(frozen, module = "rgunicorn")]
pub(crate) struct Protocol {
    phase: Mutex<Phase>,
    /// The application has been told to start.
    asked: AtomicBool,
    /// Done when the application has started, or will not.
    started: Py<PyAny>,
    /// Done when the application is to stop.
    stopping: Py<PyAny>,
    /// Done when it has.
    stopped: Py<PyAny>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    Fresh,
    Started,
    Stopped,
    Failed(String),
}

impl Protocol {
    fn new(event_loop: &Loop, py: Python<'_>) -> PyResult<Self> {
        let future = || event_loop.future(py).map(Bound::unbind);
        Ok(Self {
            phase: Mutex::new(Phase::Fresh),
            asked: AtomicBool::new(false),
            started: future()?,
            stopping: future()?,
            stopped: future()?,
        })
    }

    /// What the application is told when the worker stops, or the future to wait for until then.
    pub(crate) fn shutdown<'py>(&self, py: Python<'py>) -> PyResult<Attempt<'py>> {
        let stopping = self.stopping.bind(py);
        if stopping.call_method0(intern!(py, "done"))?.is_truthy()? {
            return Ok(Attempt::Message(message(py, "lifespan.shutdown")?));
        }
        Ok(Attempt::Wait(stopping.clone()))
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn message<'py>(py: Python<'py>, kind: &str) -> PyResult<Bound<'py, PyDict>> {
    let message = PyDict::new(py);
    message.set_item(intern!(py, "type"), kind)?;
    Ok(message)
}

#[pymethods]
impl Protocol {
    /// `lifespan.startup` at once, `lifespan.shutdown` when the worker stops.
    fn receive<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        if slf.get().asked.swap(true, Relaxed) {
            return Ok(Bound::new(py, Waiting::for_shutdown(slf.clone().unbind()))?.into_any());
        }
        Ok(Bound::new(py, Done::with(message(py, "lifespan.startup")?))?.into_any())
    }

    /// Hear that the application has started or stopped, or could not.
    fn send(&self, py: Python<'_>, message: &Bound<'_, PyDict>) -> PyResult<Done> {
        let kind = message.get_item("type")?;
        let kind = kind.as_ref().and_then(|kind| kind.cast::<PyString>().ok()).map(|kind| kind.to_string());
        let reason = || {
            let text =
                message.get_item("message").ok().flatten().map(|text| text.to_string()).unwrap_or_default();
            if text.is_empty() { "no message was given".to_owned() } else { text }
        };
        let (phase, future) = match kind.as_deref() {
            Some("lifespan.startup.complete") => (Phase::Started, &self.started),
            Some("lifespan.startup.failed") => (Phase::Failed(reason()), &self.started),
            Some("lifespan.shutdown.complete") => (Phase::Stopped, &self.stopped),
            Some("lifespan.shutdown.failed") => (Phase::Failed(reason()), &self.stopped),
            other => {
                let other = other.unwrap_or("without a type").to_owned();
                return Err(PyRuntimeError::new_err(format!(
                    "unexpected ASGI message `{other}` in the lifespan"
                )));
            }
        };
        *self.phase() = phase;
        resolve(py, future)?;
        Ok(Done::nothing())
    }

    /// The application's task has ended.
    fn ended(&self, py: Python<'_>, task: &Bound<'_, PyAny>) -> PyResult<()> {
        // An exception that nobody looks at is reported by asyncio when the task is forgotten: look at it.
        if !task.call_method0("cancelled")?.is_truthy()? {
            let exception = task.call_method0("exception")?;
            let late = *self.phase() == Phase::Started && !exception.is_none();
            if late {
                tracing::error!(
                    "Exception in the application's lifespan\n{}",
                    describe(py, &PyErr::from_value(exception))
                );
            }
        }
        resolve(py, &self.started)?;
        resolve(py, &self.stopped)
    }
}
