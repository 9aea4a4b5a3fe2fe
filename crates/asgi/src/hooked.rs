//! The operator's hooks around a request, where there are any.

use pyo3::prelude::*;
use rgunicorn_bridge::{
    hooks::{Answered, Asked, RequestHooks, Style},
    log_exception,
};
use rgunicorn_http::Exchange;

use crate::call::Call;

/// What is kept of a request from its `pre_request` to its `post_request`.
pub(crate) struct Hooked {
    request: Py<PyAny>,
    /// Once the response is complete.
    answered: Option<Answered>,
}

impl Call {
    /// The application is about to be called: call `pre_request`.
    pub(crate) fn before(&self, py: Python<'_>, around: &RequestHooks) -> PyResult<()> {
        // The exchange is taken out meanwhile, because no Python object may be made while the state is locked.
        let Some(exchange) = self.state().exchange.take() else { return Ok(()) };
        let asked = Asked::of(py, &exchange);
        self.state().exchange = Some(exchange);
        let request = around.request(asked?, None)?;
        self.state().hooked = Some(Hooked { request: request.clone().unbind(), answered: None });
        around.before(&request, None)
    }

    /// Keep what `post_request` will want to know of a response whose exchange is given back.
    pub(crate) fn keep_answer(&self, py: Python<'_>, exchange: &Exchange) {
        match Answered::of(py, exchange, Style::Code) {
            Ok(answered) => {
                if let Some(hooked) = &mut self.state().hooked {
                    hooked.answered = Some(answered);
                }
            }
            Err(error) => log_exception(py, "Cannot describe a response to hooks", &error),
        }
    }

    /// The application is done with the request: call `post_request`.
    pub(crate) fn after(&self, py: Python<'_>) {
        let hooked = self.state().hooked.take();
        let Some((around, Hooked { request, answered })) = self.server.hooks.around.as_ref().zip(hooked)
        else {
            return;
        };
        let answered = answered.unwrap_or_else(|| Answered::nothing(py));
        if let Err(error) = around.after(request.bind(py), None, answered) {
            log_exception(py, "Cannot call the hook `post_request`", &error);
        }
    }
}
