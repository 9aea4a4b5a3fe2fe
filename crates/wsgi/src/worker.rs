//! The worker's life: turns of the engine, calls of the application, and the end.

use std::{sync::Arc, time::Duration};

use pyo3::{
    exceptions::{PyKeyboardInterrupt, PySystemExit},
    prelude::*,
};
use rgunicorn_bridge::{
    Interruptible, disarm_interrupt, hooks::ServingHooks, is_disconnect, is_forked, log_exception,
};
use rgunicorn_http::{Event, Exchange, Handle, Warmup};
use rgunicorn_scoreboard::{Command, Lease, Millis};
use rgunicorn_settings::RequestPath;

use crate::{
    call::{Call, Calls},
    environ::Environs,
    hooked::Hooked,
    respond::respond,
    watchdog::{self, Post, TIMED_OUT, Watchdog},
};

/// How often a worker that makes requests of its own looks whether they are over.
const GLANCE: Duration = Duration::from_millis(10);
/// What is answered for an application that raised an exception.
const FAILED: &str = "500 Internal Server Error";

/// What a WSGI worker needs.
pub struct Worker {
    /// The engine, set up to read bodies before requests are handed out.
    pub engine: Handle,
    /// The worker's line on the scoreboard.
    pub slot: Lease,
    /// The application.
    pub app: Py<PyAny>,
    /// `wsgi.errors`.
    pub errors: Py<PyAny>,
    /// Whether other processes serve the same application: `wsgi.multiprocess`.
    pub multiprocess: bool,
    /// Where the application is mounted: `SCRIPT_NAME`, unless a proxy says otherwise.
    pub root_path: String,
    /// What the operator wants called.
    pub hooks: ServingHooks,
    /// How long a request may take, if that is limited.
    pub patience: Option<Patience>,
    /// What is requested before the worker is ready.
    pub warmup: Vec<RequestPath>,
}

/// How a WSGI worker ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was told to stop.
    Stopped,
    /// It cannot serve; with the text for the log.
    StartupFailed(String),
}

/// How long a request may take.
pub struct Patience {
    /// From its handing out to the end of its response.
    pub limit: Duration,
    /// Called when a thread does not return from a request that was given up: the worker has to be replaced.
    pub stuck: Box<dyn Fn() + Send>,
}

/// Serve until the master, or an operator's signal, asks the worker to stop. `ready` is called once it is warm.
///
/// # Errors
/// When the engine or the interpreter fails, never because a request does.
pub fn run(py: Python<'_>, mut worker: Worker, ready: &mut dyn FnMut() -> PyResult<()>) -> PyResult<Ended> {
    let (warmup, patience) = (std::mem::take(&mut worker.warmup), worker.patience.take());
    let mut serving = Serving::new(py, worker)?;
    let goes_on = match warmup.as_slice() {
        [] => serving.is_wanted(py)?,
        paths => match serving.warm_up(py, paths)? {
            Ok(goes_on) => goes_on,
            Err(text) => return Ok(Ended::StartupFailed(text)),
        },
    };
    if goes_on {
        if let Some(patience) = patience {
            serving.limit(py, patience)?;
        }
        ready()?;
        while serving.turn(py, None)? {}
    }
    disarm_interrupt(py);
    if serving.forked.is_none() {
        watchdog::let_finish(py);
    }
    if serving.stop == Stop::Now && serving.forked.is_none() {
        serving.hooks.worker_int(py);
    }
    match serving.forked {
        None => Ok(Ended::Stopped),
        Some(error) => Err(error),
    }
}

struct Serving {
    engine: Handle,
    slot: Lease,
    app: Py<PyAny>,
    environs: Environs,
    calls: Calls,
    /// Names of environ variables that the access log shows.
    logged: Vec<String>,
    hooks: ServingHooks,
    /// Where the watchdog sees what this thread does, where there is one.
    post: Option<Arc<Post>>,
    stop: Stop,
    /// What ends a child that the application forked, and that came back here.
    forked: Option<PyErr>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    No,
    WhenDone,
    Now,
}

impl Serving {
    fn new(py: Python<'_>, worker: Worker) -> PyResult<Self> {
        let Worker { engine, slot, app, errors, multiprocess, root_path, hooks, .. } = worker;
        let logged = engine.lock().access_log().map(|log| log.environ_names().to_vec()).unwrap_or_default();
        Ok(Self {
            post: None,
            environs: Environs::new(py, errors, multiprocess, root_path)?,
            calls: Calls::new(engine.clone(), slot.clone()),
            logged,
            hooks,
            engine,
            slot,
            app,
            stop: Stop::No,
            forked: None,
        })
    }

    /// Let a watchdog look after the requests from now on.
    fn limit(&mut self, py: Python<'_>, patience: Patience) -> PyResult<()> {
        let Patience { limit, stuck } = patience;
        let post = Arc::new(Post::new(Interruptible::main(py)?));
        let (engine, posts) = (self.engine.clone(), vec![Arc::clone(&post)]);
        self.post = Some(post);
        Ok(Watchdog { limit, stuck, engine, posts }.start()?)
    }

    /// Make the worker's own requests before those of clients; `false` if it was told to stop meanwhile. The inner error
    /// is the text for the log.
    fn warm_up(&mut self, py: Python<'_>, paths: &[RequestPath]) -> PyResult<Result<bool, String>> {
        self.engine.lock().hold();
        for path in paths {
            let asked = Warmup::ask(&self.engine, path, || ())?;
            while !asked.is_over() {
                if !self.turn(py, Some(GLANCE))? {
                    return Ok(Ok(false));
                }
            }
            if let Err(error) = py.detach(|| asked.outcome()) {
                return Ok(Err(format!("Application startup failed: {error}")));
            }
        }
        self.engine.lock().open();
        Ok(Ok(self.is_wanted(py)?))
    }

    /// Whether nobody has told the worker to leave. One that was told before it is ready serves nobody.
    fn is_wanted(&mut self, py: Python<'_>) -> PyResult<bool> {
        py.detach(|| self.engine.lock().turn(Some(Duration::ZERO)))?;
        self.heed();
        Ok(self.stop == Stop::No)
    }

    /// One turn of the engine, waiting for it at most so long, and the requests that it brings; `false` when it was the
    /// last.
    fn turn(&mut self, py: Python<'_>, wait: Option<Duration>) -> PyResult<bool> {
        py.detach(|| self.engine.lock().turn(wait))?;
        self.heed();
        loop {
            let (event, now) = {
                let mut engine = self.engine.lock();
                (engine.next(), engine.now())
            };
            self.slot.beat(now);
            match event {
                _ if self.stop == Stop::Now => return Ok(false),
                None => break,
                Some(Event::Request(exchange)) => self.serve(py, exchange, now),
                // Left over from a response whose thread did not wait for them.
                Some(Event::Readable(_) | Event::Drained(_) | Event::Closed(_) | Event::Overdue(_)) => {}
            }
        }
        if let Err(error) = py.check_signals() {
            self.interrupted(py, &error);
        }
        Ok(match self.stop {
            Stop::No => true,
            Stop::WhenDone => !self.engine.lock().is_done(),
            Stop::Now => false,
        })
    }

    /// Do what the master asked for.
    fn heed(&mut self) {
        let mut engine = self.engine.lock();
        while let Some(command) = engine.command() {
            match command {
                Command::StopGracefully if self.stop == Stop::No => {
                    self.stop = Stop::WhenDone;
                    self.slot.enter(rgunicorn_scoreboard::State::Stopping);
                    engine.retire();
                }
                Command::StopGracefully => {}
                Command::StopQuickly => self.stop = Stop::Now,
                Command::ReopenLogs => engine.reopen_logs(),
            }
        }
    }

    fn serve(&mut self, py: Python<'_>, exchange: Box<Exchange>, now: Millis) {
        let call = match self.calls.begin(py, exchange) {
            Ok(call) => call,
            Err(error) => return log_exception(py, "Cannot call the application", &error),
        };
        if let Some(post) = &self.post {
            post.begin(call.call.get().shared(), now);
        }
        let mut hooked = None;
        let done = self.environs.build(py, &call.call).and_then(|environ| {
            if let Some(around) = &self.hooks.around {
                hooked = Hooked::new(around, call.call.get(), &environ)?;
                hooked.as_ref().map_or(Ok(()), |hooked| hooked.before(around))?;
            }
            let returned = self.app.bind(py).call1((&environ, call.start_response.bind(py)));
            if is_forked() {
                return returned.map(drop);
            }
            let responded = returned.and_then(|iterable| respond(py, call.call.get(), &iterable));
            if !self.logged.is_empty() {
                call.call.get().remember(&environ, &self.logged);
            }
            responded
        });
        if is_forked() {
            // The connection is the parent's: not a byte of it, and not another request, is ours.
            self.forked = Some(done.err().unwrap_or_else(|| PySystemExit::new_err(0)));
            self.stop = Stop::Now;
            std::mem::forget(call);
            return;
        }
        if let Err(error) = done {
            self.failed(py, call.call.get(), &error);
        }
        if let Some((around, hooked)) = self.hooks.around.as_ref().zip(hooked) {
            hooked.after(around, call.call.get());
        }
        if let Some(post) = &self.post {
            post.end(py);
        }
        call.call.get().finish();
        self.calls.end(py, call);
    }

    /// The application raised: 500 where nothing has been sent yet; otherwise the response is cut off.
    fn failed(&mut self, py: Python<'_>, call: &Call, error: &PyErr) {
        if error.is_instance_of::<PyKeyboardInterrupt>(py) && self.interrupted(py, error) {
            return;
        }
        if self.post.as_ref().is_some_and(|post| post.is_overdue()) {
            // The log knows of it.
            return call.answer(py, TIMED_OUT);
        }
        if is_disconnect(py, error) {
            return tracing::debug!("{}: the client disconnected", call.line());
        }
        log_exception(py, &format!("Error handling request {}", call.line()), error);
        call.answer(py, FAILED);
    }

    /// Python was interrupted: by a stop that was asked for (`true`), or by the application itself.
    fn interrupted(&mut self, py: Python<'_>, error: &PyErr) -> bool {
        // The signal that interrupted Python is on the command pipe as well.
        let polled = py.detach(|| self.engine.lock().turn(Some(Duration::ZERO)));
        self.heed();
        if polled.is_ok() && self.stop == Stop::No {
            log_exception(py, "The worker was interrupted", error);
        }
        self.stop == Stop::Now
    }
}
