//! How a call ends: what is owed to the client where the application did not do its part, and what the log says.

use pyo3::{exceptions::PySystemExit, prelude::*};
use rgunicorn_bridge::{is_disconnect, is_forked, log_exception};

use crate::{
    call::{Call, Stage},
    server::Stop,
};

impl Call {
    /// The application's coroutine has ended.
    pub(crate) fn ended(&self, py: Python<'_>, error: Option<PyErr>) -> PyResult<()> {
        let (stage, task, left) = {
            let mut state = self.state();
            (std::mem::replace(&mut state.stage, Stage::Finished), state.task.take(), state.left)
        };
        drop((stage, task));
        if is_forked() {
            // The connection and the loop are the parent's: leave, by an exception that ends the loop's run.
            return Err(match error {
                Some(error) if error.is_instance_of::<PySystemExit>(py) => error,
                Some(error) => {
                    log_exception(
                        py,
                        &format!("Error in a process forked by request {}", self.line(py)),
                        &error,
                    );
                    PySystemExit::new_err(1)
                }
                None => PySystemExit::new_err(0),
            });
        }
        let cancelled = error.as_ref().is_some_and(|error| self.server.event_loop.is_cancelled(py, error));
        // Cancelled by us, that is: because the client left, or the worker stops.
        let given_up = cancelled && (left || self.server.stop() != Stop::No);
        match &error {
            // A client that left is no fault of the application, nor is a cancellation that followed.
            Some(error) if is_disconnect(py, error) => {
                tracing::debug!("{}: the client disconnected", self.line(py));
            }
            Some(_) if given_up => {}
            None if self.is_dismissed() => self.complete(),
            Some(error) => log_exception(py, &format!("Error handling request {}", self.line(py)), error),
            None => self.check_complete(py, left),
        }
        self.make_up(py, given_up)?;
        self.after(py);
        self.server.ended(py)?;
        match error {
            Some(error) if cancelled => Err(error),
            _ => Ok(()),
        }
    }

    /// The application returned: was that its whole response?
    fn check_complete(&self, py: Python<'_>, left: bool) {
        let state = self.state();
        let Some(exchange) = &state.exchange else { return };
        if left {
            return;
        }
        let missing = if exchange.is_started() || state.begun {
            "the application returned before its response was complete; connection closed"
        } else {
            "the application returned without a response"
        };
        drop(state);
        let line = self.line(py);
        py.detach(|| tracing::error!("{line}: {missing}"));
    }

    /// The application has ended a response because the worker leaves: as far as it goes, it is complete.
    fn complete(&self) {
        if let Some(exchange) = &mut self.state().exchange
            && exchange.is_started()
        {
            // The client may be gone, which is as well.
            let _ = self.server.engine.lock().send(exchange, b"", true);
        }
    }

    /// Answer where nothing has been sent yet, and give the exchange back. A request that was given up may be tried
    /// again elsewhere: 503; otherwise it is the application's failure: 500.
    pub(crate) fn make_up(&self, py: Python<'_>, given_up: bool) -> PyResult<()> {
        let (status, body) = if given_up {
            ("503 Service Unavailable", &b"Service Unavailable\n"[..])
        } else {
            ("500 Internal Server Error", &b"Internal Server Error\n"[..])
        };
        if let Some(exchange) = &mut self.state().exchange
            && !exchange.is_started()
        {
            exchange.reply.begin_text(status);
            // The client may be gone, which is as well.
            let _ = self.server.engine.lock().send(exchange, body, true);
        }
        self.give_back(py)
    }

    /// The request line for the log, without its version; control characters escaped.
    pub(crate) fn line(&self, py: Python<'_>) -> String {
        let scope = self.scope.bind(py);
        let text = |key: &str| scope.get_item(key).ok().flatten();
        let bytes =
            |key: &str| text(key).and_then(|value| value.extract::<Vec<u8>>().ok()).unwrap_or_default();
        let method = text("method").map(|method| method.to_string()).unwrap_or_default();
        let query = bytes("query_string");
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{method} {}{mark}{}", bytes("raw_path").escape_ascii(), query.escape_ascii())
    }

    /// The response is complete, or never will be: the exchange goes back to the engine.
    pub(crate) fn give_back(&self, py: Python<'_>) -> PyResult<()> {
        let exchange = self.state().exchange.take();
        match exchange {
            Some(exchange) => {
                if self.server.hooks.around.is_some() {
                    self.keep_answer(py, &exchange);
                }
                self.server.finish(py, exchange)
            }
            None => Ok(()),
        }?;
        // Nobody is told anything but `http.disconnect` from now on.
        self.wake(py)
    }
}
