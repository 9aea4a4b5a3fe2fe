//! One call of the application: the coroutine that its task drives, and its `receive` and `send`.
//!
//! The coroutine is the application's own, and around it what the server owes the client: a 500 where the application
//! raised before its response began, a cut where it did after, and the exchange given back in every case.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::{
    exceptions::PyRuntimeError,
    intern,
    prelude::*,
    types::{PyBytes, PyDict},
};
use rgunicorn_bridge::{ClientDisconnected, Step, step, throw};
use rgunicorn_http::{BodyRead, Exchange, Id};

use crate::{
    event_loop::resolve,
    hooked::Hooked,
    messages::{Outgoing, disconnect, request, write_head},
    server::Server,
    waiting::{Awaited, Done, Waiting, instance},
};

/// One call of the application.
#[pyclass(frozen, weakref, module = "rgunicorn", name = "Request")]
pub(crate) struct Call {
    pub(crate) server: Arc<Server>,
    id: Id,
    pub(crate) scope: Py<PyDict>,
    state: Mutex<State>,
}

pub(crate) struct State {
    /// Until the response is complete.
    pub(crate) exchange: Option<Box<Exchange>>,
    /// `http.response.start` has been sent.
    pub(crate) begun: bool,
    /// The application has been given the whole body.
    body_done: bool,
    /// The client has left, or at least sends no more.
    pub(crate) left: bool,
    /// The application has been told so.
    told: bool,
    /// The worker leaves, and the application is to hear of it.
    pub(crate) dismissed: bool,
    /// Futures of those who wait for a message, and for room.
    receivers: Vec<Py<PyAny>>,
    senders: Vec<Py<PyAny>>,
    pub(crate) stage: Stage,
    pub(crate) task: Option<Py<PyAny>>,
    /// Where hooks are called around requests.
    pub(crate) hooked: Option<Hooked>,
}

pub(crate) enum Stage {
    New,
    Running(Py<PyAny>),
    Finished,
}

/// What an attempt to receive or send led to.
pub(crate) enum Attempt<'py> {
    /// A message for the application.
    Message(Bound<'py, PyDict>),
    /// Everything has been taken.
    Sent,
    /// The future tells when to try again.
    Wait(Bound<'py, PyAny>),
}

/// What reading the body led to, before it is made a message.
enum Received<'py> {
    Body(Bound<'py, PyBytes>, bool),
    Disconnect,
    Nothing,
}

impl Call {
    pub(crate) fn new(server: Arc<Server>, exchange: Box<Exchange>, scope: Py<PyDict>) -> Self {
        let state = State {
            exchange: None,
            begun: false,
            body_done: false,
            left: false,
            told: false,
            dismissed: false,
            receivers: Vec::new(),
            senders: Vec::new(),
            stage: Stage::New,
            task: None,
            hooked: None,
        };
        let id = exchange.id();
        Self { server, id, scope, state: Mutex::new(State { exchange: Some(exchange), ..state }) }
    }

    /// No Python code may run, and no Python object be dropped, while the state is locked.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn id(&self) -> Id {
        self.id
    }

    /// Remember the task, so that it can be cancelled, unless it has ended already.
    pub(crate) fn set_task(&self, task: Bound<'_, PyAny>) {
        let mut state = self.state();
        if !matches!(state.stage, Stage::Finished) {
            state.task = Some(task.unbind());
        }
    }

    /// Body bytes have arrived, or room has been made: whoever waits for either tries again.
    pub(crate) fn wake(&self, py: Python<'_>) -> PyResult<()> {
        let (receivers, senders) = {
            let mut state = self.state();
            (std::mem::take(&mut state.receivers), std::mem::take(&mut state.senders))
        };
        receivers.iter().chain(&senders).try_for_each(|future| resolve(py, future))
    }

    /// The client has left; `true` if the application is still at work on its response.
    pub(crate) fn note_left(&self, py: Python<'_>) -> PyResult<bool> {
        self.state().left = true;
        self.wake(py)?;
        Ok(self.state().exchange.is_some())
    }

    /// Try to do what an awaitable waits for.
    pub(crate) fn attempt<'py>(&self, py: Python<'py>, awaited: &mut Awaited) -> PyResult<Attempt<'py>> {
        match awaited {
            Awaited::Message => self.receive_now(py),
            Awaited::Room { body, from, last } => {
                let bytes = body.bind(py);
                self.send_now(py, bytes, from, *last)
            }
        }
    }

    fn receive_now<'py>(&self, py: Python<'py>) -> PyResult<Attempt<'py>> {
        match self.received(py) {
            Received::Body(body, more) => Ok(Attempt::Message(request(py, body, more)?)),
            Received::Disconnect => Ok(Attempt::Message(disconnect(py)?)),
            Received::Nothing => {
                let future = self.server.event_loop.future(py)?;
                self.state().receivers.push(future.clone().unbind());
                Ok(Attempt::Wait(future))
            }
        }
    }

    fn received<'py>(&self, py: Python<'py>) -> Received<'py> {
        let dismissed = self.is_dismissed();
        let mut state = self.state();
        let state = &mut *state;
        let Some(exchange) = &mut state.exchange else { return Received::Disconnect };
        if !state.body_done {
            match self.server.engine.lock().read_body(exchange) {
                BodyRead::Data { more } => {
                    state.body_done = !more;
                    // Bytes are no container: making them never runs the garbage collector.
                    return Received::Body(PyBytes::new(py, exchange.chunk()), more);
                }
                BodyRead::End => {
                    state.body_done = true;
                    return Received::Body(PyBytes::new(py, b""), false);
                }
                BodyRead::Wait if !state.left => return Received::Nothing,
                BodyRead::Wait | BodyRead::Gone => state.left = true,
            }
        }
        if state.left {
            state.told = true;
            return Received::Disconnect;
        }
        if dismissed && state.body_done {
            return Received::Disconnect;
        }
        Received::Nothing
    }

    /// Send bytes of the body from `from` on, as far as the client takes them.
    fn send_now<'py>(
        &self,
        py: Python<'py>,
        body: &Bound<'py, PyBytes>,
        from: &mut usize,
        last: bool,
    ) -> PyResult<Attempt<'py>> {
        let bytes = body.as_bytes();
        loop {
            let sent = {
                let mut state = self.state();
                let state = &mut *state;
                let Some(exchange) = state.exchange.as_mut().filter(|_| !state.told) else {
                    return Err(gone());
                };
                let sent = self.server.engine.lock().send(exchange, &bytes[*from..], last);
                state.left |= sent.is_err();
                sent
            };
            let Ok(sent) = sent else { return Err(gone()) };
            *from += sent.taken;
            if *from == bytes.len() {
                if last {
                    self.give_back(py)?;
                    return Ok(Attempt::Sent);
                }
                if !sent.full {
                    return Ok(Attempt::Sent);
                }
            }
            if sent.full {
                let future = self.server.event_loop.future(py)?;
                self.state().senders.push(future.clone().unbind());
                return Ok(Attempt::Wait(future));
            }
        }
    }

    /// Call the application; the result is what its task steps through.
    fn begin<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let call = slf.get();
        if let Some(around) = &call.server.hooks.around {
            call.before(py, around)?;
        }
        let receive = slf.getattr(intern!(py, "receive"))?;
        let send = slf.getattr(intern!(py, "reply"))?;
        let returned = call.server.app.bind(py).call1((call.scope.bind(py), receive, send))?;
        if call.server.is_coroutine(&returned) {
            return Ok(returned);
        }
        returned.call_method0(intern!(py, "__await__"))
    }

    fn resume(slf: &Bound<'_, Self>, exception: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Py<PyAny>>> {
        let py = slf.py();
        let call = slf.get();
        let running = match &call.state().stage {
            Stage::Running(coroutine) => Some(coroutine.clone_ref(py)),
            Stage::New => None,
            Stage::Finished => return Err(PyRuntimeError::new_err("cannot reuse already awaited coroutine")),
        };
        let stepped = match (running, exception) {
            (None, Some(exception)) => Err(PyErr::from_value(exception.clone())),
            (None, None) => Self::begin(slf).and_then(|coroutine| {
                call.state().stage = Stage::Running(coroutine.clone().unbind());
                step(&coroutine, py.None().bind(py))
            }),
            (Some(coroutine), Some(exception)) => throw(coroutine.bind(py), exception),
            (Some(coroutine), None) => step(coroutine.bind(py), py.None().bind(py)),
        };
        match stepped {
            Ok(Step::Yielded(future)) => Ok(Some(future.unbind())),
            Ok(Step::Returned(_)) => call.ended(py, None).map(|()| None),
            Err(error) => call.ended(py, Some(error)).map(|()| None),
        }
    }
}

fn gone() -> PyErr {
    ClientDisconnected::new_err("the client has disconnected")
}

#[pymethods]
impl Call {
    /// Wait for the next message: `http.request`, then `http.disconnect` when the client leaves or the response is
    /// complete.
    fn receive<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        match slf.get().received(py) {
            Received::Body(body, more) => {
                Ok(Bound::new(py, Done::with(request(py, body, more)?))?.into_any())
            }
            Received::Disconnect => Ok(Bound::new(py, Done::with(disconnect(py)?))?.into_any()),
            Received::Nothing => {
                let waiting = Waiting::new(slf.clone().unbind(), Awaited::Message);
                Ok(Bound::new(py, waiting)?.into_any())
            }
        }
    }

    /// Send a message; the name that the application knows it by is `send`.
    fn reply<'py>(slf: &Bound<'py, Self>, message: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let call = slf.get();
        match Outgoing::read(message)? {
            Outgoing::Start(start) => call.start(&start)?,
            Outgoing::Body { body, more } => {
                call.check_may_send()?;
                let (last, mut from) = (!more, 0);
                if let Attempt::Wait(_) = call.send_now(py, &body, &mut from, last)? {
                    let waiting =
                        Waiting::new(slf.clone().unbind(), Awaited::Room { body: body.unbind(), from, last });
                    return Ok(Bound::new(py, waiting)?.into_any());
                }
            }
        }
        Ok(call.server.done.bind(py).clone().into_any())
    }

    /// The client left a while ago, and the application is still at work for it.
    fn expire(&self, py: Python<'_>) -> PyResult<()> {
        let task = {
            let state = self.state();
            match (&state.exchange, &state.task) {
                (Some(_), Some(task)) => task.clone_ref(py),
                _ => return Ok(()),
            }
        };
        task.bind(py).call_method0(intern!(py, "cancel")).map(drop)
    }

    /// The task was cancelled a while ago: has it ended?
    fn complain(&self, py: Python<'_>) {
        self.complain_of(py);
    }

    fn __await__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__(slf: &Bound<'_, Self>) -> PyResult<Option<Py<PyAny>>> {
        Self::resume(slf, None)
    }

    /// Go on to the application's next wait; a task's business.
    fn send(slf: &Bound<'_, Self>, _value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        match Self::resume(slf, None)? {
            Some(future) => Ok(future),
            None => Err(pyo3::exceptions::PyStopIteration::new_err((slf.py().None(),))),
        }
    }

    /// Raise an exception where the application waits; a task's business.
    #[pyo3(signature = (exception, value=None, traceback=None))]
    fn throw(
        slf: &Bound<'_, Self>,
        exception: Bound<'_, PyAny>,
        value: Option<Bound<'_, PyAny>>,
        traceback: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        drop(traceback);
        let exception = instance(exception, value)?;
        match Self::resume(slf, Some(&exception))? {
            Some(future) => Ok(future),
            None => Err(pyo3::exceptions::PyStopIteration::new_err((slf.py().None(),))),
        }
    }

    /// Give the application up.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let stage = std::mem::replace(&mut self.state().stage, Stage::Finished);
        if let Stage::Running(coroutine) = stage {
            coroutine.bind(py).call_method0(intern!(py, "close"))?;
            self.make_up(py, true)?;
            self.after(py);
            self.server.ended(py)?;
        }
        Ok(())
    }

    /// What the application's coroutine waits for, for those who look at tasks.
    #[getter]
    fn cr_await(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.running(py)
    }

    /// The frame of the application's coroutine.
    #[getter]
    fn cr_frame(&self, py: Python<'_>) -> Py<PyAny> {
        self.of_coroutine(py, "cr_frame")
    }

    /// The code of the application's coroutine.
    #[getter]
    fn cr_code(&self, py: Python<'_>) -> Py<PyAny> {
        self.of_coroutine(py, "cr_code")
    }

    /// Whether the coroutine is being stepped through.
    #[getter]
    fn cr_running(&self, py: Python<'_>) -> Py<PyAny> {
        self.of_coroutine(py, "cr_running")
    }

    /// What tasks show of their coroutine.
    #[getter]
    fn __qualname__(&self, py: Python<'_>) -> String {
        self.line(py)
    }
}

impl Call {
    pub(crate) fn running(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        match &self.state().stage {
            Stage::Running(coroutine) => Some(coroutine.clone_ref(py)),
            Stage::New | Stage::Finished => None,
        }
    }

    fn of_coroutine(&self, py: Python<'_>, name: &str) -> Py<PyAny> {
        let found = self.running(py).and_then(|coroutine| coroutine.bind(py).getattr(name).ok());
        found.map_or_else(|| py.None(), Bound::unbind)
    }

    fn start(&self, start: &Bound<'_, PyDict>) -> PyResult<()> {
        let mut reply = {
            let mut state = self.state();
            let State { exchange: Some(exchange), told: false, begun, .. } = &mut *state else {
                return Err(gone());
            };
            if *begun {
                return Err(PyRuntimeError::new_err("`http.response.start` was sent twice"));
            }
            std::mem::take(&mut exchange.reply)
        };
        // Reading the message runs Python, so the state is not locked meanwhile.
        let written = write_head(&mut reply, start);
        let mut state = self.state();
        if let Some(exchange) = &mut state.exchange {
            exchange.reply = reply;
            state.begun = written.is_ok();
        }
        written
    }

    fn check_may_send(&self) -> PyResult<()> {
        let state = self.state();
        match &state.exchange {
            None if state.begun && !state.left => {
                Err(PyRuntimeError::new_err("`http.response.body` was sent after the response was complete"))
            }
            None => Err(gone()),
            Some(_) if !state.begun => {
                Err(PyRuntimeError::new_err("`http.response.body` was sent before `http.response.start`"))
            }
            Some(_) => Ok(()),
        }
    }
}
