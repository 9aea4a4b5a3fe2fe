//! Exceptions as text for the error log.

use pyo3::{
    create_exception,
    exceptions::{PyBaseException, PyOSError},
    intern,
    prelude::*,
    types::PyList,
};

create_exception!(
    rgunicorn,
    ClientDisconnected,
    PyOSError,
    "The client left before the request or the response was complete (ASGI HTTP spec, \"Disconnect\")."
);

create_exception!(
    rgunicorn,
    RequestTimeout,
    PyBaseException,
    "The request has taken longer than `request_timeout`: raised in the thread that works on it."
);

/// How far back in a chain of exceptions a disconnect is looked for.
const DEPTH: usize = 16;

/// Whether an exception is, or was raised because of, a client that left.
#[must_use]
pub fn is_disconnect(py: Python<'_>, error: &PyErr) -> bool {
    let mut exception = error.value(py).clone().into_any();
    for _ in 0..DEPTH {
        if exception.is_instance_of::<ClientDisconnected>() {
            return true;
        }
        let linked = |name| exception.getattr(name).ok().filter(|linked| !linked.is_none());
        match linked(intern!(py, "__cause__")).or_else(|| linked(intern!(py, "__context__"))) {
            Some(earlier) => exception = earlier,
            None => return false,
        }
    }
    false
}

/// The exception with its traceback, as Python prints it, without the last line end.
#[must_use]
pub fn describe(py: Python<'_>, error: &PyErr) -> String {
    format(py, error).unwrap_or_else(|_| error.to_string())
}

fn format(py: Python<'_>, error: &PyErr) -> PyResult<String> {
    let value = error.value(py);
    let lines = py
        .import("traceback")?
        .call_method1("format_exception", (value.get_type(), value, error.traceback(py)))?;
    let mut text = String::new();
    for line in lines.cast::<PyList>()? {
        text.push_str(&line.extract::<String>()?);
    }
    text.truncate(text.trim_end().len());
    Ok(text)
}

/// Log an exception at ERROR: what was being done, then the traceback.
pub fn log_exception(py: Python<'_>, doing: &str, error: &PyErr) {
    let text = describe(py, error);
    py.detach(|| tracing::error!("{doing}\n{text}"));
}
