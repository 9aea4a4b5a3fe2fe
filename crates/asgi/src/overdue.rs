//! Requests that take longer than `request_timeout`.

use pyo3::{intern, prelude::*};
use rgunicorn_bridge::stacks;

use crate::call::{Call, Stage};

/// Seconds after which a task that was cancelled and has not ended is told of.
const CLEANUP: f64 = 5.0;

impl Call {
    /// The request has taken too long: the client is answered, and the task cancelled.
    pub(crate) fn overdue(slf: &Bound<'_, Self>) -> PyResult<()> {
        let (py, call) = (slf.py(), slf.get());
        let task = {
            let mut state = call.state();
            let Some(task) = state.task.as_ref().map(|task| task.clone_ref(py)) else { return Ok(()) };
            state.left = true;
            task
        };
        let limit = call.server.request_timeout.unwrap_or_default().as_secs_f64();
        let (line, stack) = (call.line(py), call.stack(py));
        tracing::error!(
            "Request {line} has taken longer than {limit} s (--request-timeout): cancelled\n{stack}"
        );
        // Before the client is answered: what the task waits for must not look as if it had come.
        task.bind(py).call_method0(intern!(py, "cancel"))?;
        call.answer_504();
        call.give_back(py)?;
        let check = slf.getattr(intern!(py, "complain"))?;
        call.server.event_loop.call_later(CLEANUP, &check)
    }

    fn answer_504(&self) {
        if let Some(exchange) = &mut self.state().exchange
            && !exchange.is_started()
        {
            exchange.reply.begin_text("504 Gateway Timeout");
            // The client may be gone, which is as well.
            let _ = self.server.engine.lock().send(exchange, b"Gateway Timeout\n", true);
        }
    }

    /// Say that a task which was cancelled a while ago has not ended.
    pub(crate) fn complain_of(&self, py: Python<'_>) {
        if matches!(self.state().stage, Stage::Finished) {
            return;
        }
        let (line, stack) = (self.line(py), self.stack(py));
        tracing::error!("Request {line} has not ended {CLEANUP} s after it was cancelled\n{stack}");
    }

    /// What the application's coroutine waits for, as Python prints stacks.
    pub(crate) fn stack(&self, py: Python<'_>) -> String {
        self.running(py).map(|coroutine| stacks::of_coroutine(coroutine.bind(py))).unwrap_or_default()
    }
}
