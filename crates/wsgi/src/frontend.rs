//! What frontends tell an application beside its request: the variables of a PROXY header and of a uwsgi packet.

use pyo3::{
    prelude::*,
    types::{PyDict, PyString},
};
use rgunicorn_bridge::latin1;
use rgunicorn_http::wire::{proxy_protocol::Header, uwsgi::Params};

/// Set the variables by which gunicorn tells of a PROXY header. Where it names no ends, gunicorn has `None` for them,
/// which PEP 3333 does not allow; here they are missing.
pub(crate) fn set_proxy_header(environ: &Bound<'_, PyDict>, header: &Header) -> PyResult<()> {
    environ.set_item("PROXY_PROTOCOL", header.protocol)?;
    if let Some(ends) = header.ends {
        environ.set_item("PROXY_ADDR", ends.destination.ip().to_canonical().to_string())?;
        environ.set_item("PROXY_PORT", ends.destination.port().to_string())?;
    }
    Ok(())
}

/// Set the variables that the frontend adds to the request's own: `REMOTE_USER`, `DOCUMENT_ROOT`, `HTTPS`.
pub(crate) fn set_params(environ: &Bound<'_, PyDict>, params: &Params) -> PyResult<()> {
    let py = environ.py();
    for (key, value) in params.passed_on() {
        environ.set_item(PyString::new(py, &String::from_utf8_lossy(key)), latin1(py, value))?;
    }
    Ok(())
}
