//! Between the event loop and the engine: turns, new requests, and events for those at work.

use std::{
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use pyo3::{intern, prelude::*, types::PyType};
use rgunicorn_bridge::{hooks::ServingHooks, log_exception};
use rgunicorn_http::{Event, Exchange, Handle, Id};
use rgunicorn_scoreboard::Lease;

use crate::{call::Call, event_loop::Loop, scope::Scopes, stopping::stop_limit, waiting::Done};

/// Events handled before the loop's other callbacks have a turn.
const AT_ONCE: usize = 256;
/// How long access log lines may wait for company.
const LINES_WAIT: f64 = 0.02;

/// What all calls of one worker share.
pub(crate) struct Server {
    pub(crate) engine: Handle,
    pub(crate) app: Py<PyAny>,
    pub(crate) event_loop: Loop,
    /// The awaitable of every `send` that is done at once.
    pub(crate) done: Py<Done>,
    pub(crate) hooks: ServingHooks,
    pub(crate) slot: Lease,
    scopes: Mutex<Scopes>,
    /// The call that each connection's exchange belongs to, by the connection's place in the engine.
    calls: Mutex<Vec<Option<Py<Call>>>>,
    /// Applications' coroutines that have not ended, be their responses complete or not.
    running: AtomicUsize,
    pub(crate) stop: AtomicU8,
    /// The loop has been told to end its run.
    pub(crate) left: AtomicBool,
    /// A turn is on the loop's list.
    turn_due: AtomicBool,
    flush_due: AtomicBool,
    logs_access: bool,
    /// Seconds from a client's leaving to the cancellation of what is at work for it.
    patience: f64,
    /// Seconds that a graceful stop has before what is left is cancelled.
    pub(crate) stop_limit: f64,
    /// How long a request may take.
    pub(crate) request_timeout: Option<Duration>,
    coroutine: Py<PyType>,
    callbacks: OnceLock<Callbacks>,
}

/// Bound methods of the [`Turner`], made once.
pub(crate) struct Callbacks {
    turn: Py<PyAny>,
    flush: Py<PyAny>,
    pub(crate) dismiss: Py<PyAny>,
    pub(crate) leave: Py<PyAny>,
}

/// What a server is made of.
pub(crate) struct Parts {
    pub(crate) engine: Handle,
    pub(crate) app: Py<PyAny>,
    pub(crate) event_loop: Loop,
    pub(crate) slot: Lease,
    pub(crate) scopes: Scopes,
    pub(crate) patience: Duration,
    pub(crate) graceful_timeout: Duration,
    pub(crate) request_timeout: Option<Duration>,
    pub(crate) hooks: ServingHooks,
}

/// Whether the worker is to stop, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Stop {
    No = 0,
    WhenDone = 1,
    Now = 2,
}

impl Server {
    pub(crate) fn new(py: Python<'_>, parts: Parts) -> PyResult<Arc<Self>> {
        let Parts {
            engine,
            app,
            event_loop,
            slot,
            scopes,
            patience,
            graceful_timeout,
            request_timeout,
            hooks,
        } = parts;
        let coroutine = py.import("types")?.getattr("CoroutineType")?.cast_into::<PyType>()?;
        let logs_access = engine.lock().access_log().is_some();
        let server = Arc::new(Self {
            engine,
            app,
            event_loop,
            done: Py::new(py, Done::nothing())?,
            hooks,
            slot,
            scopes: Mutex::new(scopes),
            calls: Mutex::default(),
            running: AtomicUsize::new(0),
            stop: AtomicU8::new(Stop::No as u8),
            left: AtomicBool::new(false),
            turn_due: AtomicBool::new(false),
            flush_due: AtomicBool::new(false),
            logs_access,
            patience: patience.as_secs_f64(),
            stop_limit: stop_limit(graceful_timeout),
            request_timeout,
            coroutine: coroutine.unbind(),
            callbacks: OnceLock::new(),
        });
        let turner = Bound::new(py, Turner { server: Arc::clone(&server) })?;
        let bound = |name: &str| turner.getattr(name).map(Bound::unbind);
        let callbacks = Callbacks {
            turn: bound("turn")?,
            flush: bound("flush")?,
            dismiss: bound("dismiss")?,
            leave: bound("leave")?,
        };
        // The server was made here: nobody has set them before.
        let _ = server.callbacks.set(callbacks);
        Ok(server)
    }

    pub(crate) fn callbacks(&self) -> &Callbacks {
        self.callbacks.get().expect("a server is made with its callbacks")
    }

    /// Let the loop watch the engine.
    pub(crate) fn watch(&self, py: Python<'_>) -> PyResult<()> {
        let fd = self.engine.lock().fd();
        let event_loop = self.event_loop.event_loop.bind(py);
        event_loop.call_method1("add_reader", (fd, &self.callbacks().turn))?;
        // Connections that were waiting before the loop ran.
        self.turn_soon(py)
    }

    /// Let the loop forget the engine.
    pub(crate) fn unwatch(&self, py: Python<'_>) -> PyResult<()> {
        let fd = self.engine.lock().fd();
        self.event_loop.event_loop.bind(py).call_method1("remove_reader", (fd,)).map(drop)
    }

    pub(crate) fn stop(&self) -> Stop {
        match self.stop.load(Relaxed) {
            0 => Stop::No,
            1 => Stop::WhenDone,
            _ => Stop::Now,
        }
    }

    pub(crate) fn is_coroutine(&self, object: &Bound<'_, PyAny>) -> bool {
        object.get_type().is(self.coroutine.bind(object.py()))
    }

    fn turn_soon(&self, py: Python<'_>) -> PyResult<()> {
        if self.turn_due.swap(true, Relaxed) {
            return Ok(());
        }
        self.event_loop.call_soon(py, self.callbacks().turn.bind(py))
    }

    /// A response is over.
    pub(crate) fn finish(&self, py: Python<'_>, exchange: Box<Exchange>) -> PyResult<()> {
        let id = exchange.id();
        let call = {
            let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
            // The connection may have gone long ago, and its place be another's.
            calls.get_mut(id.key).and_then(|call| call.take_if(|call| call.get().id() == id))
        };
        drop(call);
        let more = {
            let mut engine = self.engine.lock();
            engine.finish(exchange);
            engine.has_work()
        };
        if more || self.stop() != Stop::No {
            self.turn_soon(py)?;
        }
        if self.logs_access && !self.flush_due.swap(true, Relaxed) {
            self.event_loop.call_later(LINES_WAIT, self.callbacks().flush.bind(py))?;
        }
        Ok(())
    }

    /// An application's coroutine has ended.
    pub(crate) fn ended(&self, py: Python<'_>) -> PyResult<()> {
        self.running.fetch_sub(1, Relaxed);
        if self.stop() == Stop::No { Ok(()) } else { self.turn_soon(py) }
    }

    /// One turn of the engine.
    fn turn(self: &Arc<Self>, py: Python<'_>) -> PyResult<()> {
        // Whatever comes up during the turn is seen at its end.
        self.turn_due.store(true, Relaxed);
        {
            let mut engine = self.engine.lock();
            engine.turn(Some(Duration::ZERO))?;
            self.slot.beat(engine.now());
        }
        self.heed(py)?;
        for _ in 0..AT_ONCE {
            let Some(event) = self.engine.lock().next() else { break };
            if let Err(error) = self.handle(py, event) {
                log_exception(py, "Error in the server", &error);
            }
        }
        let (more, idle) = {
            let engine = self.engine.lock();
            (engine.has_work(), engine.is_done())
        };
        self.turn_due.store(false, Relaxed);
        if more {
            self.turn_soon(py)?;
        }
        let done = idle && self.running.load(Relaxed) == 0;
        match self.stop() {
            Stop::Now => self.leave(py),
            Stop::WhenDone if done => self.leave(py),
            Stop::WhenDone | Stop::No => Ok(()),
        }
    }

    fn handle(self: &Arc<Self>, py: Python<'_>, event: Event) -> PyResult<()> {
        match event {
            Event::Request(exchange) => self.start(py, exchange),
            Event::Readable(id) | Event::Drained(id) => match self.call(py, id) {
                Some(call) => call.get().wake(py),
                None => Ok(()),
            },
            Event::Closed(id) => {
                let Some(call) = self.call(py, id) else { return Ok(()) };
                if call.get().note_left(py)? {
                    let expire = call.bind(py).getattr(intern!(py, "expire"))?;
                    self.event_loop.call_later(self.patience, &expire)?;
                }
                Ok(())
            }
            Event::Overdue(id) => match self.call(py, id) {
                Some(call) => Call::overdue(call.bind(py)),
                None => Ok(()),
            },
        }
    }

    fn start(self: &Arc<Self>, py: Python<'_>, exchange: Box<Exchange>) -> PyResult<()> {
        if exchange.head().semantics().websocket {
            self.refuse_websocket(exchange);
            return Ok(());
        }
        let scope = self.scopes.lock().unwrap_or_else(PoisonError::into_inner).build(py, &exchange)?;
        let call = Bound::new(py, Call::new(Arc::clone(self), exchange, scope.unbind()))?;
        let key = call.get().id().key;
        {
            let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
            if calls.len() <= key {
                calls.resize_with(key + 1, || None);
            }
            calls[key] = Some(call.clone().unbind());
        }
        self.running.fetch_add(1, Relaxed);
        let task = self.event_loop.start(call.as_any())?;
        call.get().set_task(task);
        Ok(())
    }

    /// Answer an upgrade to a websocket, which this worker class does not speak, without the application.
    fn refuse_websocket(&self, mut exchange: Box<Exchange>) {
        const BODY: &[u8] = b"websocket connections are not supported by this server\n";
        exchange.reply.begin_text("501 Not Implemented");
        let closed = exchange.reply.field(b"Connection", b"close");
        debug_assert!(closed.is_ok());
        let target = exchange.target().escape_ascii().to_string();
        tracing::warn!("Refused a websocket upgrade for {target}: websockets are not supported yet");
        let mut engine = self.engine.lock();
        // The client may be gone, which is as well.
        let _ = engine.send(&mut exchange, BODY, true);
        engine.finish(exchange);
    }

    fn call(&self, py: Python<'_>, id: Id) -> Option<Py<Call>> {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let call = calls.get(id.key)?.as_ref()?;
        (call.get().id() == id).then(|| call.clone_ref(py))
    }

    /// The calls whose responses are not complete.
    pub(crate) fn calls(&self, py: Python<'_>) -> Vec<Py<Call>> {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.iter().flatten().map(|call| call.clone_ref(py)).collect()
    }
}

/// What the event loop calls.
#[pyclass(frozen, module = "rgunicorn")]
struct Turner {
    server: Arc<Server>,
}

#[pymethods]
impl Turner {
    /// The engine has something to do.
    fn turn(&self, py: Python<'_>) -> PyResult<()> {
        self.server.turn(py)
    }

    /// A graceful stop is about to reach its limit.
    fn dismiss(&self, py: Python<'_>) -> PyResult<()> {
        self.server.dismiss(py)
    }

    /// A graceful stop has reached its limit.
    fn leave(&self, py: Python<'_>) -> PyResult<()> {
        self.server.leave(py)
    }

    /// Access log lines have waited long enough.
    fn flush(&self) {
        self.server.flush_due.store(false, Relaxed);
        if let Some(log) = self.server.engine.lock().access_log() {
            log.flush();
        }
    }
}
