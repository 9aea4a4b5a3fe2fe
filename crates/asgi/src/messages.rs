//! The messages of the HTTP protocol, read and written (ASGI HTTP spec 2.5).

use pyo3::{
    exceptions::{PyRuntimeError, PyTypeError, PyValueError},
    intern,
    prelude::*,
    types::{PyBytes, PyDict, PyString},
};
use rgunicorn_http::Reply;

/// What the application sends.
pub(crate) enum Outgoing<'py> {
    /// `http.response.start`
    Start(Bound<'py, PyDict>),
    /// `http.response.body`
    Body {
        /// The bytes.
        body: Bound<'py, PyBytes>,
        /// Whether more follow.
        more: bool,
    },
}

impl<'py> Outgoing<'py> {
    /// Read a message.
    ///
    /// # Errors
    /// When it is not one of this protocol.
    pub(crate) fn read(message: &Bound<'py, PyAny>) -> PyResult<Self> {
        let py = message.py();
        let message = message.cast::<PyDict>().map_err(|_| {
            PyTypeError::new_err(format!("send() takes a message, which is a dict, not {message:?}"))
        })?;
        let kind = message.get_item(intern!(py, "type"))?;
        let kind = kind.as_ref().and_then(|kind| kind.cast::<PyString>().ok());
        match kind.map(|kind| kind.to_str()).transpose()? {
            Some("http.response.body") => {
                let body = match message.get_item(intern!(py, "body"))? {
                    Some(body) => bytes(&body)?,
                    None => PyBytes::new(py, b""),
                };
                let more =
                    message.get_item(intern!(py, "more_body"))?.map_or(Ok(false), |more| more.is_truthy())?;
                Ok(Self::Body { body, more })
            }
            Some("http.response.start") => Ok(Self::Start(message.clone())),
            other => Err(PyRuntimeError::new_err(format!(
                "unexpected ASGI message {:?}: an http application sends `http.response.start` and \
                 `http.response.body`",
                other.unwrap_or("without a type")
            ))),
        }
    }
}

/// Bytes, or a copy of what can be seen as bytes.
fn bytes<'py>(body: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    let py = body.py();
    if let Ok(bytes) = body.cast::<PyBytes>() {
        return Ok(bytes.clone());
    }
    if body.is_none() || body.is_instance_of::<PyString>() {
        return Err(PyTypeError::new_err(format!(
            "the body of a message is bytes, not {}",
            body.get_type().name()?
        )));
    }
    Ok(py.get_type::<PyBytes>().call1((body,))?.cast_into()?)
}

/// Write the head that `http.response.start` names.
///
/// # Errors
/// When it cannot be sent.
pub(crate) fn write_head(reply: &mut Reply, start: &Bound<'_, PyDict>) -> PyResult<()> {
    let py = start.py();
    let refused = |error: &dyn std::fmt::Display| PyValueError::new_err(error.to_string());
    let Some(status) = start.get_item(intern!(py, "status"))? else {
        return Err(PyValueError::new_err("`http.response.start` has no `status`"));
    };
    let status: u16 = status.extract()?;
    reply.begin_code(status).map_err(|error| refused(&error))?;
    let Some(headers) = start.get_item(intern!(py, "headers"))? else { return Ok(()) };
    for header in headers.try_iter()? {
        let (name, value) = pair(&header?)?;
        reply.field(name.as_bytes(), value.as_bytes()).map_err(|error| refused(&error))?;
    }
    Ok(())
}

type Pair<'py> = (Bound<'py, PyBytes>, Bound<'py, PyBytes>);

/// A header: any two items, each bytes.
fn pair<'py>(header: &Bound<'py, PyAny>) -> PyResult<Pair<'py>> {
    let wrong = || PyTypeError::new_err(format!("the header {header:?} is not a pair of bytes"));
    let (name, value): (Bound<'py, PyAny>, Bound<'py, PyAny>) = match header.cast::<pyo3::types::PyTuple>() {
        Ok(tuple) if tuple.len() == 2 => (tuple.get_item(0)?, tuple.get_item(1)?),
        _ if header.len()? == 2 => (header.get_item(0)?, header.get_item(1)?),
        _ => return Err(wrong()),
    };
    match (name.cast_into::<PyBytes>(), value.cast_into::<PyBytes>()) {
        (Ok(name), Ok(value)) => Ok((name, value)),
        _ => Err(wrong()),
    }
}

/// `http.request`
pub(crate) fn request<'py>(
    py: Python<'py>,
    body: Bound<'py, PyBytes>,
    more: bool,
) -> PyResult<Bound<'py, PyDict>> {
    let message = PyDict::new(py);
    message.set_item(intern!(py, "type"), intern!(py, "http.request"))?;
    message.set_item(intern!(py, "body"), body)?;
    message.set_item(intern!(py, "more_body"), more)?;
    Ok(message)
}

/// `http.disconnect`
pub(crate) fn disconnect(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let message = PyDict::new(py);
    message.set_item(intern!(py, "type"), intern!(py, "http.disconnect"))?;
    Ok(message)
}
