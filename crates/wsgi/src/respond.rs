//! What the application returns: sent as it comes, and closed whatever happens (PEP 3333, "Handling the
//! start_response() Callable's return value" and "Specification Details").

use std::sync::Arc;

use pyo3::{
    exceptions::{PyAssertionError, PyTypeError},
    intern,
    prelude::*,
    types::{PyBytes, PyList, PyTuple},
};
use rgunicorn_bridge::{RegularFile, log_exception};
use rgunicorn_http::FileSlice;

use crate::{call::Call, file_wrapper::FileWrapper};

/// Send what the application returned, and close it.
///
/// # Errors
/// What the application raises while it is iterated, or what it did against PEP 3333.
pub(crate) fn respond(py: Python<'_>, call: &Call, iterable: &Bound<'_, PyAny>) -> PyResult<()> {
    // Lists and tuples are by far the most common, and have no close().
    if let Some(parts) = Parts::of(iterable) {
        return match parts.only() {
            Some(only) => send_whole(py, call, only?.as_any()),
            None => send_all(py, call, iterable),
        };
    }
    let sent = if let Ok(wrapper) = iterable.cast_exact::<FileWrapper>() {
        send_wrapped(py, call, wrapper)
    } else if iterable.len().is_ok_and(|len| len == 1) {
        send_only(py, call, iterable)
    } else {
        send_all(py, call, iterable)
    };
    if let Ok(Some(close)) = iterable.getattr_opt(intern!(py, "close"))
        && let Err(error) = close.call0()
    {
        log_exception(py, &format!("Error in close() of the response to {}", call.line()), &error);
    }
    sent
}

enum Parts<'a, 'py> {
    List(&'a Bound<'py, PyList>),
    Tuple(&'a Bound<'py, PyTuple>),
}

impl<'a, 'py> Parts<'a, 'py> {
    fn of(iterable: &'a Bound<'py, PyAny>) -> Option<Self> {
        if let Ok(list) = iterable.cast_exact::<PyList>() {
            return Some(Self::List(list));
        }
        iterable.cast_exact::<PyTuple>().ok().map(Self::Tuple)
    }

    /// The only part, where there is one; an empty body is one part of no bytes.
    fn only(&self) -> Option<PyResult<Bound<'py, PyAny>>> {
        let (len, py) = match self {
            Self::List(list) => (list.len(), list.py()),
            Self::Tuple(tuple) => (tuple.len(), tuple.py()),
        };
        match (len, self) {
            (0, _) => Some(Ok(PyBytes::new(py, b"").into_any())),
            (1, Self::List(list)) => Some(list.get_item(0)),
            (1, Self::Tuple(tuple)) => Some(tuple.get_item(0)),
            _ => None,
        }
    }
}

/// A body of one part: its length is known, so head and body leave together.
fn send_whole(py: Python<'_>, call: &Call, part: &Bound<'_, PyAny>) -> PyResult<()> {
    let body = bytes_of(part)?;
    check_begun(call)?;
    call.send(py, body.as_bytes(), true);
    Ok(())
}

/// An iterable that says that it has one part.
fn send_only(py: Python<'_>, call: &Call, iterable: &Bound<'_, PyAny>) -> PyResult<()> {
    let mut parts = iterable.try_iter()?;
    match parts.next() {
        None => finish(py, call),
        Some(part) => {
            send_whole(py, call, &part?)?;
            Ok(())
        }
    }
}

/// A file in `wsgi.file_wrapper`: from where it stands to its end. A regular one is the engine's from here on.
fn send_wrapped(py: Python<'_>, call: &Call, wrapper: &Bound<'_, FileWrapper>) -> PyResult<()> {
    check_begun(call)?;
    let Some(RegularFile { file, position, rest }) = wrapper.get().regular_file(py) else {
        return send_all(py, call, wrapper.as_any());
    };
    // As much as the length says: that is how ranges are served.
    let length = call.owed().map_or(rest, |owed| owed.min(rest));
    call.send_file(py, FileSlice { file: Arc::new(file), offset: position, length });
    Ok(())
}

/// A body of several parts: each is sent before the next is asked for.
fn send_all(py: Python<'_>, call: &Call, iterable: &Bound<'_, PyAny>) -> PyResult<()> {
    let is_file = iterable.cast_exact::<FileWrapper>().is_ok();
    for part in iterable.try_iter()? {
        let part = part?;
        let mut bytes = bytes_of(&part)?.as_bytes();
        if bytes.is_empty() {
            continue;
        }
        check_begun(call)?;
        // A file is sent from where it stands, and as much of it as the length says: that is how ranges are served.
        if let (true, Some(owed)) = (is_file, call.owed()) {
            bytes = &bytes[..usize::try_from(owed).map_or(bytes.len(), |owed| owed.min(bytes.len()))];
            if bytes.is_empty() {
                break;
            }
        }
        if !call.send(py, bytes, false) {
            return Ok(());
        }
    }
    finish(py, call)
}

fn finish(py: Python<'_>, call: &Call) -> PyResult<()> {
    check_begun(call)?;
    call.send(py, b"", true);
    Ok(())
}

fn check_begun(call: &Call) -> PyResult<()> {
    if call.has_begun() {
        return Ok(());
    }
    Err(PyAssertionError::new_err("the application returned its body without having called start_response()"))
}

fn bytes_of<'a, 'py>(part: &'a Bound<'py, PyAny>) -> PyResult<&'a Bound<'py, PyBytes>> {
    part.cast::<PyBytes>().map_err(|_| {
        let kind = part.get_type().name().map(|name| name.to_string()).unwrap_or_default();
        PyTypeError::new_err(format!(
            "the response body has a part of type {kind}; PEP 3333 allows bytes only"
        ))
    })
}
