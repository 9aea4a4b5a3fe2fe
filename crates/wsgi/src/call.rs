//! One call of the application: `start_response`, `write`, and the exchange behind them.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use pyo3::{
    exceptions::{PyAssertionError, PyTypeError, PyValueError},
    intern,
    prelude::*,
    types::{PyBytes, PyDict, PyString, PyTuple},
};
use rgunicorn_bridge::{ClientDisconnected, latin1_bytes, references};
use rgunicorn_http::{BodyRead, Event, Exchange, FileSlice, Handle, Reply, Spool};
use rgunicorn_scoreboard::{Lease, now};

/// How long a thread that waits for its client goes without showing that it is alive.
const BEAT: Duration = Duration::from_secs(1);

/// One call of the application.
#[pyclass(frozen, module = "rgunicorn")]
pub(crate) struct Call {
    engine: Handle,
    slot: Lease,
    state: Shared,
}

/// The state of a call, which the watchdog may take from a thread that does not return.
pub(crate) type Shared = Arc<Mutex<State>>;

#[derive(Default)]
pub(crate) struct State {
    /// `None` before and after the call.
    pub(crate) exchange: Option<Box<Exchange>>,
    /// `start_response` has been called.
    begun: bool,
    /// The client has left.
    gone: bool,
}

impl Call {
    /// What the watchdog looks after.
    pub(crate) fn shared(&self) -> &Shared {
        &self.state
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that may panic runs between two consistent states.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Look at the exchange.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut Exchange) -> T) -> Option<T> {
        self.state().exchange.as_mut().map(|exchange| look(exchange))
    }

    /// The request line for the log, without its version; control characters escaped.
    pub(crate) fn line(&self) -> String {
        self.with(|exchange| exchange.line()).unwrap_or_default()
    }

    /// Whether `start_response` has been called.
    pub(crate) fn has_begun(&self) -> bool {
        self.state().begun
    }

    /// How many bytes the response still owes of a declared length.
    pub(crate) fn owed(&self) -> Option<u64> {
        self.with(|exchange| exchange.owed()).flatten()
    }

    /// Send a part of the body, and the head before the first; `false` when the client has left. Waits while too much
    /// is unread by the client; the engine goes on meanwhile.
    pub(crate) fn send(&self, py: Python<'_>, body: &[u8], last: bool) -> bool {
        let mut rest = body;
        loop {
            let sent = {
                let mut state = self.state();
                let State { exchange: Some(exchange), gone: false, .. } = &mut *state else { return false };
                let sent = self.engine.lock().send(exchange, rest, last);
                state.gone |= sent.is_err();
                sent
            };
            let Ok(sent) = sent else { return false };
            rest = &rest[sent.taken..];
            if rest.is_empty() && (last || !sent.full) {
                return true;
            }
            if sent.full && !self.await_event(py) {
                return false;
            }
        }
    }

    /// Send a part of a file as the rest of the body. It leaves by itself: nothing is waited for.
    pub(crate) fn send_file(&self, py: Python<'_>, slice: FileSlice) {
        py.detach(|| {
            let mut state = self.state();
            if let State { exchange: Some(exchange), gone: false, .. } = &mut *state {
                let sent = self.engine.lock().send_file(exchange, slice, true);
                state.gone |= sent.is_err();
            }
        });
    }

    /// Wait until the client has taken what was sent, or sent what is waited for; `false` when it has left.
    fn await_event(&self, py: Python<'_>) -> bool {
        let Some(id) = self.with(|exchange| exchange.id()) else { return false };
        loop {
            let event = py.detach(|| self.engine.lock().tend(id, BEAT));
            self.slot.beat(now());
            match event {
                Ok(Some(Event::Drained(_) | Event::Readable(_))) => return true,
                // Half-closed: the client may still be reading. If it is not, the next attempt tells.
                Ok(Some(Event::Closed(_))) if self.engine.lock().is_open(id) => {}
                Ok(Some(Event::Closed(_))) | Err(_) => return false,
                Ok(Some(Event::Request(_) | Event::Overdue(_)) | None) => {}
            }
            if py.check_signals().is_err() {
                return false;
            }
        }
    }

    /// Read the whole body of a request whose client waits for `100 Continue`.
    pub(crate) fn read_awaited(&self, py: Python<'_>) -> PyResult<rgunicorn_http::Body> {
        let mut spool = Spool::default();
        loop {
            let read = {
                let mut state = self.state();
                let Some(exchange) = &mut state.exchange else {
                    return Err(PyValueError::new_err("wsgi.input was read after the response"));
                };
                let (read, memory) = {
                    let mut engine = self.engine.lock();
                    (engine.read_body(exchange), engine.body_memory())
                };
                if let BodyRead::Data { .. } = read {
                    spool.push(exchange.chunk(), memory)?;
                }
                read
            };
            match read {
                BodyRead::Data { more: true } => {}
                BodyRead::Data { more: false } | BodyRead::End => return Ok(spool.finish()?),
                BodyRead::Wait if self.await_event(py) => {}
                BodyRead::Wait | BodyRead::Gone => {
                    return Err(ClientDisconnected::new_err(
                        "the client disconnected before it had sent the request body",
                    ));
                }
            }
        }
    }

    /// Replace a response that has not begun to leave by a plain one of this status.
    pub(crate) fn answer(&self, py: Python<'_>, status: &'static str) {
        let fresh = self.with(|exchange| {
            let fresh = !exchange.is_started();
            if fresh {
                exchange.reply.begin_text(status);
            }
            fresh
        });
        if fresh == Some(true) {
            self.send(py, &body_of(status), true);
        }
    }

    /// Note the values of environ variables for the access log.
    pub(crate) fn remember(&self, environ: &Bound<'_, PyDict>, names: &[String]) {
        let text = |name: &String| {
            let value = environ.get_item(name).ok().flatten()?.str().ok()?;
            Some((name.clone(), value.to_string_lossy().into_owned().into_bytes()))
        };
        let values: Vec<_> = names.iter().filter_map(text).collect();
        self.with(|exchange| exchange.environ = values);
    }

    /// The response is over: give the exchange back.
    pub(crate) fn finish(&self) {
        let taken = {
            let mut state = self.state();
            state.begun = false;
            state.gone = false;
            state.exchange.take()
        };
        let Some(exchange) = taken else { return };
        self.engine.lock().finish(exchange);
    }
}

/// The text that a plain response says: its reason phrase.
pub(crate) fn body_of(status: &str) -> Vec<u8> {
    let (_, reason) = status.split_once(' ').unwrap_or_default();
    format!("{reason}\n").into_bytes()
}

#[pymethods]
impl Call {
    /// Begin the response (PEP 3333, "The start_response() Callable"). Nothing is sent before the first body bytes.
    ///
    /// `status` is like `200 OK`, `headers` a list of `(name, value)` tuples of strings. With `exc_info`, headers that
    /// have not been sent are replaced; if they have been, the exception is raised again.
    #[pyo3(signature = (status, headers, exc_info=None))]
    fn start_response<'py>(
        slf: &Bound<'py, Self>,
        status: &Bound<'py, PyAny>,
        headers: &Bound<'py, PyAny>,
        exc_info: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        {
            let mut state = slf.get().state();
            let State { exchange: Some(exchange), begun, .. } = &mut *state else {
                return Err(PyAssertionError::new_err(
                    "start_response was called after the response was complete",
                ));
            };
            match exc_info {
                Some(info) if exchange.is_started() => return Err(raised(info)),
                None if *begun => return Err(PyAssertionError::new_err("Response headers already set!")),
                Some(_) | None => {}
            }
            *begun = false;
            write_head(&mut exchange.reply, status, headers)?;
            *begun = true;
        }
        slf.getattr(intern!(py, "write"))
    }

    /// Send bytes at once (PEP 3333, "The write() Callable").
    fn write(&self, py: Python<'_>, data: &Bound<'_, PyBytes>) -> PyResult<()> {
        if !self.has_begun() {
            return Err(PyAssertionError::new_err("write() was called before start_response()"));
        }
        if !data.as_bytes().is_empty() && !self.send(py, data.as_bytes(), false) {
            return Err(ClientDisconnected::new_err("the client has disconnected"));
        }
        Ok(())
    }
}

/// Write the head that the application names.
fn write_head(reply: &mut Reply, status: &Bound<'_, PyAny>, headers: &Bound<'_, PyAny>) -> PyResult<()> {
    let refused = |error: &dyn std::fmt::Display| PyValueError::new_err(error.to_string());
    let status = text(status, "the status")?;
    reply
        .begin(&latin1_bytes(status).map_err(|error| refused(&format!("the status {error}")))?)
        .map_err(|error| refused(&error))?;
    for header in headers.try_iter()? {
        let header = header?;
        let pair = header.cast::<PyTuple>().ok().filter(|pair| pair.len() == 2);
        let Some(pair) = pair else {
            return Err(PyTypeError::new_err(format!("the header {header:?} is not a (name, value) tuple")));
        };
        let (name, value) = (pair.get_item(0)?, pair.get_item(1)?);
        let (name, value) = (text(&name, "the header name")?, text(&value, "the header value")?);
        let bytes = latin1_bytes(name).map_err(|error| refused(&format!("the header name {error}")))?;
        let content = latin1_bytes(value).map_err(|error| {
            refused(&format!("the value of the header `{}` {error}", bytes.escape_ascii()))
        })?;
        reply.field(&bytes, &content).map_err(|error| refused(&error))?;
    }
    Ok(())
}

fn text<'a, 'py>(value: &'a Bound<'py, PyAny>, what: &str) -> PyResult<&'a Bound<'py, PyString>> {
    value.cast::<PyString>().map_err(|_| PyTypeError::new_err(format!("{what} {value:?} is not a string")))
}

/// The exception of `exc_info`, to be raised again with its traceback.
fn raised(info: &Bound<'_, PyAny>) -> PyErr {
    match info.get_item(1) {
        Ok(exception) => PyErr::from_value(exception),
        Err(error) => error,
    }
}

/// Calls, used again where the application kept nothing of them.
pub(crate) struct Calls {
    engine: Handle,
    slot: Lease,
    spare: Option<Prepared>,
}

/// A call and its bound `start_response`.
pub(crate) struct Prepared {
    pub(crate) call: Py<Call>,
    pub(crate) start_response: Py<PyAny>,
}

impl Calls {
    pub(crate) fn new(engine: Handle, slot: Lease) -> Self {
        Self { engine, slot, spare: None }
    }

    pub(crate) fn begin(&mut self, py: Python<'_>, exchange: Box<Exchange>) -> PyResult<Prepared> {
        let prepared = match self.spare.take() {
            Some(prepared) => prepared,
            None => {
                let (engine, slot) = (self.engine.clone(), self.slot.clone());
                let call = Bound::new(py, Call { engine, slot, state: Shared::default() })?;
                let start_response = call.getattr(intern!(py, "start_response"))?.unbind();
                Prepared { call: call.unbind(), start_response }
            }
        };
        prepared.call.get().state().exchange = Some(exchange);
        Ok(prepared)
    }

    /// Keep a call for the next request, unless something else still refers to it.
    pub(crate) fn end(&mut self, py: Python<'_>, prepared: Prepared) {
        // The call is referred to by us and by its bound method, the bound method by us.
        let unshared =
            references(prepared.start_response.bind(py)) == 1 && references(prepared.call.bind(py)) == 2;
        if unshared {
            self.spare = Some(prepared);
        }
    }
}
