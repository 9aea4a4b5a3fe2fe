//! The hooks around a request.

use pyo3::{
    IntoPyObjectExt as _, intern,
    prelude::*,
    types::{PyDict, PyList, PyTuple},
};
use rgunicorn_http::{Exchange, Version};

use super::log_failed_hook;
use crate::strings::latin1;

/// How a response's status is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Code and reason, as `start_response` takes it.
    Text,
    /// The code, as in the message `http.response.start`.
    Code,
}

/// A request in parts, before it is an object: taking them runs no Python code.
#[derive(Debug)]
pub struct Asked<'py> {
    line: Bound<'py, PyTuple>,
    fields: Bound<'py, PyList>,
    others: Bound<'py, PyDict>,
}

impl<'py> Asked<'py> {
    /// Of the request of an exchange.
    ///
    /// # Errors
    /// When memory is exhausted.
    pub fn of(py: Python<'py>, exchange: &Exchange) -> PyResult<Self> {
        let text = |bytes: &[u8]| latin1(py, bytes);
        let line = [exchange.method(), exchange.target(), exchange.path(), exchange.query()].map(text);
        let fields = PyList::empty(py);
        for (name, value) in exchange.fields() {
            fields.append((text(&name.to_ascii_uppercase()), text(value)))?;
        }
        let peer = exchange.peer();
        let peer_addr = match peer.remote_port() {
            None if peer.remote_address.is_empty() => "".into_bound_py_any(py)?,
            port => (peer.remote_address.as_str(), port.unwrap_or(0)).into_bound_py_any(py)?,
        };
        let others = PyDict::new(py);
        others.set_item("version", (1, u8::from(exchange.head().version() != Version::Http10)))?;
        others.set_item("scheme", peer.scheme.as_str())?;
        others.set_item("peer_addr", peer_addr)?;
        Ok(Self { line: PyTuple::new(py, line)?, fields, others })
    }
}

/// `pre_request` and `post_request`.
#[derive(Debug)]
pub struct RequestHooks {
    hooks: Py<PyAny>,
}

/// What a worker class calls while it serves.
#[derive(Debug, Default)]
pub struct ServingHooks {
    /// What is called around each request.
    pub around: Option<RequestHooks>,
    pub(super) interrupted: Option<Py<PyAny>>,
}

impl ServingHooks {
    /// The worker stops because of INT or QUIT: call `worker_int`, unless that has been called.
    pub fn worker_int(&self, py: Python<'_>) {
        if let Some(hook) = &self.interrupted
            && let Err(error) = hook.call0(py)
        {
            log_failed_hook(py, "worker_int", &error);
        }
    }
}

/// What is left of a response when its exchange has been given back.
#[derive(Debug)]
pub struct Answered {
    status: Py<PyAny>,
    fields: Py<PyList>,
    sent: u64,
}

impl Answered {
    /// Of the response as far as it has got.
    ///
    /// # Errors
    /// When memory is exhausted.
    pub fn of(py: Python<'_>, exchange: &Exchange, style: Style) -> PyResult<Self> {
        let (reply, fields) = (&exchange.reply, PyList::empty(py));
        for (name, value) in reply.fields() {
            fields.append((latin1(py, name), latin1(py, value)))?;
        }
        let status = match (reply.status(), style) {
            (0, _) => py.None(),
            (code, Style::Code) => code.into_py_any(py)?,
            (_, Style::Text) => latin1(py, reply.status_text()).into_any().unbind(),
        };
        Ok(Self { status, fields: fields.unbind(), sent: exchange.sent() })
    }

    /// Of no response.
    #[must_use]
    pub fn nothing(py: Python<'_>) -> Self {
        Self { status: py.None(), fields: PyList::empty(py).unbind(), sent: 0 }
    }
}

impl RequestHooks {
    pub(super) fn new(hooks: Py<PyAny>) -> Self {
        Self { hooks }
    }

    /// The object that stands for a request, to be kept until [`RequestHooks::after`]. Under WSGI it has the body.
    ///
    /// # Errors
    /// When memory is exhausted.
    pub fn request<'py>(
        &self,
        asked: Asked<'py>,
        body: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let Asked { line, fields, others } = asked;
        let py = line.py();
        others.set_item(intern!(py, "body"), body)?;
        self.hooks.bind(py).call_method1(intern!(py, "request"), (line, fields, others))
    }

    /// Call `pre_request`; an environ takes over what the hook changes in the request.
    ///
    /// # Errors
    /// What the hook raises.
    pub fn before(&self, request: &Bound<'_, PyAny>, environ: Option<&Bound<'_, PyDict>>) -> PyResult<()> {
        let py = request.py();
        self.hooks.bind(py).call_method1(intern!(py, "before"), (request, environ)).map(drop)
    }

    /// Call `post_request`; what it raises is logged.
    ///
    /// # Errors
    /// When memory is exhausted.
    pub fn after(
        &self,
        request: &Bound<'_, PyAny>,
        environ: Option<&Bound<'_, PyDict>>,
        answered: Answered,
    ) -> PyResult<()> {
        let py = request.py();
        let Answered { status, fields, sent } = answered;
        let answered: Bound<'_, PyTuple> = (status, fields, sent).into_pyobject(py)?;
        self.hooks.bind(py).call_method1(intern!(py, "after"), (request, environ, answered)).map(drop)
    }
}
