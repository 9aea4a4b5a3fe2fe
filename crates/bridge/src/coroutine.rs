//! Driving a coroutine by hand: one step of it, as `asyncio.Task` does.

use pyo3::{ffi, prelude::*};

/// What one step of a coroutine led to.
pub enum Step<'py> {
    /// It waits for the object that it yielded.
    Yielded(Bound<'py, PyAny>),
    /// It returned.
    Returned(Bound<'py, PyAny>),
}

/// Send `value` into an iterator or coroutine and run it to its next wait.
///
/// # Errors
/// What the coroutine raises.
pub fn step<'py>(coroutine: &Bound<'py, PyAny>, value: &Bound<'py, PyAny>) -> PyResult<Step<'py>> {
    let mut result = std::ptr::null_mut();
    // SAFETY: both arguments are live objects, and `result` is a place for a new reference.
    #[allow(unsafe_code, reason = "pyo3 wraps no PyIter_Send that tells return from yield")]
    let sent = unsafe { ffi::PyIter_Send(coroutine.as_ptr(), value.as_ptr(), &raw mut result) };
    if sent == ffi::PySendResult::PYGEN_ERROR {
        return Err(PyErr::fetch(coroutine.py()));
    }
    // SAFETY: unless it failed, the call stored a new reference.
    #[allow(unsafe_code, reason = "the raw call returns a raw pointer")]
    let result = unsafe { Bound::from_owned_ptr(coroutine.py(), result) };
    Ok(if sent == ffi::PySendResult::PYGEN_RETURN { Step::Returned(result) } else { Step::Yielded(result) })
}

/// Raise an exception inside a coroutine and run it to its next wait.
///
/// # Errors
/// What the coroutine raises.
pub fn throw<'py>(coroutine: &Bound<'py, PyAny>, exception: &Bound<'py, PyAny>) -> PyResult<Step<'py>> {
    let py = coroutine.py();
    match coroutine.call_method1(pyo3::intern!(py, "throw"), (exception,)) {
        Ok(yielded) => Ok(Step::Yielded(yielded)),
        Err(error) if error.is_instance_of::<pyo3::exceptions::PyStopIteration>(py) => {
            Ok(Step::Returned(error.value(py).getattr(pyo3::intern!(py, "value"))?))
        }
        Err(error) => Err(error),
    }
}
