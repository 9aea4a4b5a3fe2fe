//! What `receive()` and `send()` return: awaitables that pass for coroutines, as those of other servers do, so that
//! `asyncio.create_task(receive())` and `asyncio.wait_for(receive(), 1)` work.

use pyo3::{
    exceptions::PyStopIteration,
    intern,
    prelude::*,
    types::{PyBytes, PyDict},
};
use rgunicorn_bridge::{Step, step, throw};

use crate::{
    call::{Attempt, Call},
    lifespan::Protocol,
};

/// An awaitable that is done. The one without a value is shared by all.
#[pyclass(frozen, module = "rgunicorn")]
pub(crate) struct Done {
    value: Option<Py<PyDict>>,
}

impl Done {
    pub(crate) fn nothing() -> Self {
        Self { value: None }
    }

    pub(crate) fn with(value: Bound<'_, PyDict>) -> Self {
        Self { value: Some(value.unbind()) }
    }
}

#[pymethods]
impl Done {
    fn __await__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        match &self.value {
            None => Ok(None),
            Some(value) => Err(PyStopIteration::new_err((value.clone_ref(py),))),
        }
    }

    /// Run to the end, which is at once.
    fn send(&self, py: Python<'_>, _value: &Bound<'_, PyAny>) -> PyResult<()> {
        let value = self.value.as_ref().map_or_else(|| py.None(), |value| value.clone_ref(py).into_any());
        Err(PyStopIteration::new_err((value,)))
    }

    /// Raise an exception where the awaitable waits.
    #[pyo3(signature = (exception, value=None, traceback=None))]
    fn throw(
        &self,
        exception: Bound<'_, PyAny>,
        value: Option<Bound<'_, PyAny>>,
        traceback: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        drop(traceback);
        Err(PyErr::from_value(instance(exception, value)?))
    }

    /// Nothing to close.
    fn close(&self) {}
}

/// Whom a [`Waiting`] asks.
enum Source {
    Call(Py<Call>, Awaited),
    Lifespan(Py<Protocol>),
}

/// What is waited for in a call.
pub(crate) enum Awaited {
    /// A message for the application.
    Message,
    /// Room for these bytes from here on, of which these are the last.
    Room { body: Py<PyBytes>, from: usize, last: bool },
}

/// An awaitable that has to wait: for the client, or for the end of the worker.
#[pyclass(module = "rgunicorn")]
pub(crate) struct Waiting {
    source: Source,
    /// The iterator of the future that is waited for, and the future.
    future: Option<(Py<PyAny>, Py<PyAny>)>,
}

impl Waiting {
    pub(crate) fn new(call: Py<Call>, awaited: Awaited) -> Self {
        Self { source: Source::Call(call, awaited), future: None }
    }

    pub(crate) fn for_shutdown(protocol: Py<Protocol>) -> Self {
        Self { source: Source::Lifespan(protocol), future: None }
    }

    fn run(&mut self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        loop {
            if let Some((iterator, _)) = &self.future {
                match step(iterator.bind(py), py.None().bind(py))? {
                    Step::Yielded(future) => return Ok(Some(future.unbind())),
                    Step::Returned(_) => self.future = None,
                }
            }
            let attempt = match &mut self.source {
                Source::Call(call, awaited) => call.get().attempt(py, awaited)?,
                Source::Lifespan(protocol) => protocol.get().shutdown(py)?,
            };
            match attempt {
                Attempt::Message(message) => return Err(PyStopIteration::new_err((message.unbind(),))),
                Attempt::Sent => return Ok(None),
                Attempt::Wait(future) => {
                    let iterator = future.call_method0(intern!(py, "__await__"))?;
                    self.future = Some((iterator.unbind(), future.unbind()));
                }
            }
        }
    }
}

#[pymethods]
impl Waiting {
    fn __await__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__(&mut self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.run(py)
    }

    /// Go on to the next wait.
    fn send(&mut self, py: Python<'_>, _value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        match self.run(py)? {
            Some(future) => Ok(future),
            None => Err(PyStopIteration::new_err((py.None(),))),
        }
    }

    /// Raise an exception where the awaitable waits: a cancellation, most often.
    #[pyo3(signature = (exception, value=None, traceback=None))]
    fn throw(
        &mut self,
        py: Python<'_>,
        exception: Bound<'_, PyAny>,
        value: Option<Bound<'_, PyAny>>,
        traceback: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Option<Py<PyAny>>> {
        drop(traceback);
        let exception = instance(exception, value)?;
        let Some((iterator, _)) = self.future.take() else { return Err(PyErr::from_value(exception)) };
        match throw(iterator.bind(py), &exception)? {
            Step::Yielded(future) => Ok(Some(future.unbind())),
            Step::Returned(_) => self.run(py),
        }
    }

    /// Give up waiting.
    fn close(&mut self, py: Python<'_>) -> PyResult<()> {
        match self.future.take() {
            Some((_, future)) => future.bind(py).call_method0(intern!(py, "cancel")).map(drop),
            None => Ok(()),
        }
    }
}

/// The exception of a `throw`, which may be named by its class.
pub(crate) fn instance<'py>(
    exception: Bound<'py, PyAny>,
    value: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    match value {
        Some(value) if value.is_instance_of::<pyo3::exceptions::PyBaseException>() => Ok(value),
        Some(value) => exception.call1((value,)),
        None if exception.is_instance_of::<pyo3::exceptions::PyBaseException>() => Ok(exception),
        None => exception.call0(),
    }
}
