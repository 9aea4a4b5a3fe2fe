//! A request that hooks are called around.

use pyo3::{intern, prelude::*, types::PyDict};
use rgunicorn_bridge::{
    hooks::{Answered, Asked, RequestHooks, Style},
    log_exception,
};

use crate::call::Call;

/// A request from its `pre_request` to its `post_request`.
pub(crate) struct Hooked<'py> {
    request: Bound<'py, PyAny>,
    environ: Bound<'py, PyDict>,
}

impl<'py> Hooked<'py> {
    /// `None` where the request has been answered already, because it took too long.
    pub(crate) fn new(
        around: &RequestHooks,
        call: &Call,
        environ: &Bound<'py, PyDict>,
    ) -> PyResult<Option<Self>> {
        let py = environ.py();
        let Some(asked) = call.with(|exchange| Asked::of(py, exchange)) else { return Ok(None) };
        let request = around.request(asked?, environ.get_item(intern!(py, "wsgi.input"))?)?;
        Ok(Some(Self { request, environ: environ.clone() }))
    }

    /// Call `pre_request`; the environ takes over what it changes.
    pub(crate) fn before(&self, around: &RequestHooks) -> PyResult<()> {
        around.before(&self.request, Some(&self.environ))
    }

    /// The response is complete, or cut off: call `post_request`.
    pub(crate) fn after(&self, around: &RequestHooks, call: &Call) {
        let py = self.request.py();
        let answered = call.with(|exchange| Answered::of(py, exchange, Style::Text));
        let answered = answered.unwrap_or_else(|| Ok(Answered::nothing(py)));
        let told = answered.and_then(|told| around.after(&self.request, Some(&self.environ), told));
        if let Err(error) = told {
            log_exception(py, "Cannot call the hook `post_request`", &error);
        }
    }
}
