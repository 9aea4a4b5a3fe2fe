//! `wsgi.errors`: the error log as a file that Python can write to.

use std::sync::Arc;

use pyo3::{prelude::*, types::PyString};
use rgunicorn_logging::ErrorLog;

/// A text file that writes to the error log (PEP 3333, "Input and Error Streams").
#[pyclass(frozen, module = "rgunicorn", name = "ErrorsFile")]
pub struct ErrorsFile {
    log: Arc<ErrorLog>,
}

impl ErrorsFile {
    /// A file on this log.
    #[must_use]
    pub fn new(log: Arc<ErrorLog>) -> Self {
        Self { log }
    }
}

#[pymethods]
impl ErrorsFile {
    /// Write text to the error log; returns the number of characters.
    fn write(&self, py: Python<'_>, text: &Bound<'_, PyString>) -> PyResult<usize> {
        let owned = text.to_string_lossy().into_owned();
        py.detach(|| self.log.write_raw(owned.as_bytes()));
        text.len()
    }

    /// Write each text of an iterable.
    fn writelines(&self, py: Python<'_>, lines: &Bound<'_, PyAny>) -> PyResult<()> {
        for line in lines.try_iter()? {
            self.write(py, line?.cast::<PyString>()?)?;
        }
        Ok(())
    }

    /// Nothing waits in a buffer.
    fn flush(&self) {}

    /// Whether this is a terminal: no.
    fn isatty(&self) -> bool {
        false
    }

    /// The file can be written to.
    fn writable(&self) -> bool {
        true
    }

    /// How text is encoded.
    #[getter]
    fn encoding(&self) -> &'static str {
        "utf-8"
    }
}
