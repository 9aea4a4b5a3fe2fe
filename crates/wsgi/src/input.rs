//! `wsgi.input`: the request body as a Python file.
//!
//! The body was read before the application is called, so reading never waits for the client; the one exception is a
//! client that waits for `100 Continue`, which is sent when the application first reads.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    sync::{Mutex, PoisonError},
};

use pyo3::{
    prelude::*,
    types::{PyBytes, PyList},
};
use rgunicorn_http::Body;

use crate::call::Call;

/// A request body.
#[pyclass(frozen, module = "rgunicorn")]
pub(crate) struct Input {
    source: Mutex<Source>,
}

enum Source {
    /// There is none, or all has been read.
    Empty,
    /// In memory, read up to a position.
    Memory(Py<PyBytes>, usize),
    /// In an unlinked file.
    File(BufReader<File>),
    /// Not read yet: the client waits for `100 Continue`.
    Awaited(Py<Call>),
}

impl Input {
    pub(crate) fn empty() -> Self {
        Self { source: Mutex::new(Source::Empty) }
    }

    pub(crate) fn memory(bytes: Py<PyBytes>) -> Self {
        Self { source: Mutex::new(Source::Memory(bytes, 0)) }
    }

    pub(crate) fn file(file: File) -> Self {
        Self { source: Mutex::new(Source::File(BufReader::with_capacity(64 * 1024, file))) }
    }

    pub(crate) fn awaited(call: Py<Call>) -> Self {
        Self { source: Mutex::new(Source::Awaited(call)) }
    }

    /// Take the source, read from it, and put it back. Python may run in between (an awaited body), so the lock is not
    /// held meanwhile.
    fn with<T>(&self, py: Python<'_>, read: impl FnOnce(&mut Source) -> PyResult<T>) -> PyResult<T> {
        let lock = || self.source.lock().unwrap_or_else(PoisonError::into_inner);
        let mut source = std::mem::replace(&mut *lock(), Source::Empty);
        if let Source::Awaited(call) = &source {
            source = match call.get().read_awaited(py)? {
                Body::Memory(bytes) => Source::Memory(PyBytes::new(py, &bytes).unbind(), 0),
                Body::File(file, _) => Source::File(BufReader::with_capacity(64 * 1024, file)),
                Body::Empty | Body::Behind(..) => Source::Empty,
            };
        }
        let result = read(&mut source);
        *lock() = source;
        result
    }

    fn line<'py>(&self, py: Python<'py>, limit: usize) -> PyResult<Bound<'py, PyBytes>> {
        self.with(py, |source| match source {
            Source::Empty | Source::Awaited(_) => Ok(PyBytes::new(py, b"")),
            Source::Memory(bytes, position) => {
                let rest = &bytes.as_bytes(py)[*position..];
                let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
                let line = &rest[..end.min(limit)];
                *position += line.len();
                Ok(PyBytes::new(py, line))
            }
            Source::File(file) => {
                let mut line = Vec::new();
                file.take(limit as u64).read_until(b'\n', &mut line)?;
                Ok(PyBytes::new(py, &line))
            }
        })
    }
}

/// `None` and negative sizes mean no limit.
fn limit(size: Option<isize>) -> usize {
    size.and_then(|size| usize::try_from(size).ok()).unwrap_or(usize::MAX)
}

#[pymethods]
impl Input {
    /// Read at most `size` bytes, all where it is negative or `None`; empty bytes at the end of the body.
    #[pyo3(signature = (size=None))]
    fn read<'py>(&self, py: Python<'py>, size: Option<isize>) -> PyResult<Bound<'py, PyBytes>> {
        let limit = limit(size);
        self.with(py, |source| match source {
            Source::Empty | Source::Awaited(_) => Ok(PyBytes::new(py, b"")),
            Source::Memory(bytes, position) => {
                let all = bytes.as_bytes(py);
                let taken = limit.min(all.len() - *position);
                if *position == 0 && taken == all.len() {
                    *position = taken;
                    return Ok(bytes.bind(py).clone());
                }
                let part = &all[*position..*position + taken];
                *position += taken;
                Ok(PyBytes::new(py, part))
            }
            Source::File(file) => {
                let mut part = Vec::new();
                file.take(limit as u64).read_to_end(&mut part)?;
                Ok(PyBytes::new(py, &part))
            }
        })
    }

    /// Read one line, at most `size` bytes of it.
    #[pyo3(signature = (size=None))]
    fn readline<'py>(&self, py: Python<'py>, size: Option<isize>) -> PyResult<Bound<'py, PyBytes>> {
        self.line(py, limit(size))
    }

    /// Read the remaining lines, or as many as reach `hint` bytes.
    #[pyo3(signature = (hint=None))]
    fn readlines<'py>(&self, py: Python<'py>, hint: Option<isize>) -> PyResult<Bound<'py, PyList>> {
        let enough = match limit(hint) {
            0 => usize::MAX,
            hint => hint,
        };
        let (lines, mut total) = (PyList::empty(py), 0);
        while total < enough {
            let line = self.line(py, usize::MAX)?;
            if line.as_bytes().is_empty() {
                break;
            }
            total += line.as_bytes().len();
            lines.append(line)?;
        }
        Ok(lines)
    }

    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let line = self.line(py, usize::MAX)?;
        Ok((!line.as_bytes().is_empty()).then_some(line))
    }
}
