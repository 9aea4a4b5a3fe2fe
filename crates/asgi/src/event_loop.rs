//! Choosing, running and closing the event loop.

use pyo3::{intern, prelude::*, types::PyDict};
use rgunicorn_settings::EventLoop;

/// An event loop and what is used of it for every request.
pub(crate) struct Loop {
    pub(crate) event_loop: Py<PyAny>,
    /// `asyncio.Task`.
    task: Py<PyAny>,
    /// The arguments that every task is made with.
    task_arguments: Py<PyDict>,
    create_future: Py<PyAny>,
    call_soon: Py<PyAny>,
    cancelled_error: Py<PyAny>,
}

impl Loop {
    /// Make the event loop that the settings ask for, and make it the thread's current one.
    ///
    /// # Errors
    /// When the loop is asked for by name and its package is missing.
    pub(crate) fn new(py: Python<'_>, choice: EventLoop) -> PyResult<Self> {
        let asyncio = py.import("asyncio")?;
        let factory = match choice {
            EventLoop::Asyncio => &asyncio,
            EventLoop::Uvloop => &py.import("uvloop")?,
            EventLoop::Auto => &py.import("uvloop").unwrap_or_else(|_| asyncio.clone()),
        };
        let event_loop = factory.call_method0("new_event_loop")?;
        asyncio.call_method1("set_event_loop", (&event_loop,))?;
        let task_arguments = PyDict::new(py);
        task_arguments.set_item("loop", &event_loop)?;
        if py.version_info() >= (3, 12) {
            // The task runs to its first wait at once: most requests never need the loop's queue.
            task_arguments.set_item("eager_start", true)?;
        } else {
            // Without a name, these versions number the tasks, which costs a string for each.
            task_arguments.set_item("name", "rgunicorn-request")?;
        }
        Ok(Self {
            task: asyncio.getattr("Task")?.unbind(),
            task_arguments: task_arguments.unbind(),
            create_future: event_loop.getattr("create_future")?.unbind(),
            call_soon: event_loop.getattr("call_soon")?.unbind(),
            cancelled_error: asyncio.getattr("CancelledError")?.unbind(),
            event_loop: event_loop.unbind(),
        })
    }

    /// Start a task for a coroutine, in a fresh context.
    pub(crate) fn start<'py>(&self, coroutine: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = coroutine.py();
        self.task.bind(py).call((coroutine,), Some(self.task_arguments.bind(py)))
    }

    /// A future of this loop.
    pub(crate) fn future<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.create_future.bind(py).call0()
    }

    /// Call something in the loop's next round.
    pub(crate) fn call_soon(&self, py: Python<'_>, callback: &Bound<'_, PyAny>) -> PyResult<()> {
        self.call_soon.bind(py).call1((callback,)).map(drop)
    }

    /// Call something after so many seconds.
    pub(crate) fn call_later(&self, seconds: f64, callback: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = callback.py();
        self.event_loop.bind(py).call_method1(intern!(py, "call_later"), (seconds, callback)).map(drop)
    }

    /// Whether an exception is `asyncio.CancelledError`.
    pub(crate) fn is_cancelled(&self, py: Python<'_>, error: &PyErr) -> bool {
        error.matches(py, self.cancelled_error.bind(py)).unwrap_or(false)
    }

    /// Run the loop until something stops it.
    pub(crate) fn run_forever(&self, py: Python<'_>) -> PyResult<()> {
        self.event_loop.bind(py).call_method0(intern!(py, "run_forever")).map(drop)
    }

    /// Run the loop until the awaitable is done.
    pub(crate) fn run_until_complete<'py>(
        &self,
        awaitable: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = awaitable.py();
        self.event_loop.bind(py).call_method1(intern!(py, "run_until_complete"), (awaitable,))
    }

    /// Cancel what is left, and close the loop as `asyncio.run` does.
    pub(crate) fn close(&self, py: Python<'_>) -> PyResult<()> {
        let event_loop = self.event_loop.bind(py);
        let asyncio = py.import("asyncio")?;
        let left = asyncio.call_method1("all_tasks", (event_loop,))?;
        if !left.is_empty()? {
            for task in left.try_iter()? {
                task?.call_method0("cancel")?;
            }
            let waited = PyDict::new(py);
            waited.set_item("timeout", 1.0)?;
            self.run_until_complete(&asyncio.call_method("wait", (left,), Some(&waited))?)?;
        }
        self.run_until_complete(&event_loop.call_method0("shutdown_asyncgens")?)?;
        event_loop.call_method0("close").map(drop)
    }
}

/// Mark a future as done, unless it is (its waiter may have been cancelled).
pub(crate) fn resolve(py: Python<'_>, future: &Py<PyAny>) -> PyResult<()> {
    let future = future.bind(py);
    if !future.call_method0(intern!(py, "done"))?.is_truthy()? {
        future.call_method1(intern!(py, "set_result"), (py.None(),))?;
    }
    Ok(())
}
