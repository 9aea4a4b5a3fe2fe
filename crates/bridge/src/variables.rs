//! The environment of the process, as the server found it and as a configuration has it.
//!
//! Variables are Python's `os.environ`, which passes every change on to the C library, so that what is executed and what
//! is written in C see the same.

use pyo3::{prelude::*, types::PyDict};

/// The variables that the server found.
#[derive(Debug)]
pub(crate) struct Variables(Py<PyDict>);

/// What a configuration makes of the variables: names with their values, or without one for those that it removes.
#[derive(Debug)]
pub(crate) struct Changes(Py<PyDict>);

fn environ(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    py.import("os")?.getattr("environ")
}

fn snapshot(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    environ(py)?.call_method0("copy")?.cast_into::<PyDict>().map_err(PyErr::from)
}

impl Variables {
    /// Those of this moment.
    ///
    /// # Errors
    /// When Python refuses.
    pub(crate) fn of_process(py: Python<'_>) -> PyResult<Self> {
        Ok(Self(snapshot(py)?.unbind()))
    }

    /// As Python has them.
    #[must_use]
    pub(crate) fn as_dict<'py>(&self, py: Python<'py>) -> &Bound<'py, PyDict> {
        self.0.bind(py)
    }

    /// What has changed since.
    ///
    /// # Errors
    /// When Python refuses.
    pub(crate) fn changes(&self, py: Python<'_>) -> PyResult<Changes> {
        let (found, now, changes) = (self.0.bind(py), snapshot(py)?, PyDict::new(py));
        for (name, value) in &now {
            if !found.get_item(&name)?.is_some_and(|before| before.eq(&value).unwrap_or(false)) {
                changes.set_item(name, value)?;
            }
        }
        for name in found.keys() {
            if !now.contains(&name)? {
                changes.set_item(name, py.None())?;
            }
        }
        Ok(Changes(changes.unbind()))
    }

    /// Take changes back: their variables are as they were found.
    ///
    /// # Errors
    /// When Python refuses.
    pub(crate) fn restore(&self, py: Python<'_>, changes: &Changes) -> PyResult<()> {
        let found = self.0.bind(py);
        for name in changes.0.bind(py).keys() {
            set(&environ(py)?, &name, found.get_item(&name)?)?;
        }
        Ok(())
    }
}

impl Changes {
    /// Set one more variable.
    ///
    /// # Errors
    /// When memory is exhausted.
    pub(crate) fn set(&self, py: Python<'_>, name: &str, value: &str) -> PyResult<()> {
        self.0.bind(py).set_item(name, value)
    }

    /// Make them.
    ///
    /// # Errors
    /// When Python refuses a name or a value.
    pub(crate) fn apply(&self, py: Python<'_>) -> PyResult<()> {
        for (name, value) in self.0.bind(py) {
            set(&environ(py)?, &name, Some(value).filter(|value| !value.is_none()))?;
        }
        Ok(())
    }
}

fn set(environ: &Bound<'_, PyAny>, name: &Bound<'_, PyAny>, value: Option<Bound<'_, PyAny>>) -> PyResult<()> {
    match value {
        Some(value) => environ.set_item(name, value),
        None => environ.call_method1("pop", (name, environ.py().None())).map(drop),
    }
}
