//! Exceptions as text for the error log.

use pyo3::{prelude::*, types::PyList};

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
