//! The worker's life: the loop is made, the application started, requests served, the application stopped.

use std::time::Duration;

use pyo3::{exceptions::PyImportError, prelude::*, types::PyDict};
use rgunicorn_bridge::{hooks::ServingHooks, is_forked};
use rgunicorn_http::Handle;
use rgunicorn_scoreboard::Lease;
use rgunicorn_settings::{Asgi, RequestPath};

use crate::{
    event_loop::Loop,
    lifespan::Lifespan,
    scope::Scopes,
    server::{Parts, Server, Stop},
};

/// What an ASGI worker needs.
pub struct Worker {
    /// The engine, set up to leave request bodies in the socket until they are read.
    pub engine: Handle,
    /// The worker's line on the scoreboard.
    pub slot: Lease,
    /// The application.
    pub app: Py<PyAny>,
    /// Loop and lifespan.
    pub settings: Asgi,
    /// How long a graceful stop may take before what is left is cancelled.
    pub graceful_timeout: Duration,
    /// How long a request may take before its task is cancelled; the engine tells when.
    pub request_timeout: Option<Duration>,
    /// Where the application is mounted: `root_path`, unless a proxy says otherwise.
    pub root_path: String,
    /// What the operator wants called.
    pub hooks: ServingHooks,
    /// What is requested before the worker is ready.
    pub warmup: Vec<RequestPath>,
}

/// How an ASGI worker ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was told to stop.
    Stopped,
    /// The application's lifespan startup failed, or it is not warm; with the text for the log.
    StartupFailed(String),
}

/// Serve until the master, or an operator's signal, asks the worker to stop. `ready` is called once the application has
/// started.
///
/// # Errors
/// When the event loop fails or cannot be made, never because a request does.
pub fn run(py: Python<'_>, worker: Worker, ready: &mut dyn FnMut() -> PyResult<()>) -> PyResult<Ended> {
    let Worker { engine, slot, app, settings, graceful_timeout, request_timeout, root_path, hooks, warmup } =
        worker;
    let event_loop = match Loop::new(py, settings.event_loop) {
        Ok(event_loop) => event_loop,
        Err(error) if error.is_instance_of::<PyImportError>(py) => {
            return Ok(Ended::StartupFailed(format!(
                "The event loop `{}` (--loop) is not installed: {error} (install it, or use `--loop auto`)",
                settings.event_loop
            )));
        }
        Err(error) => return Err(error),
    };
    let state = PyDict::new(py);
    let lifespan = match Lifespan::start(&event_loop, app.bind(py), &state, settings.lifespan)? {
        Ok(lifespan) => lifespan,
        Err(text) => return Ok(Ended::StartupFailed(text)),
    };
    let scopes = Scopes::new(py, &state, root_path)?;
    let patience = settings.disconnect_grace.0;
    let parts =
        Parts { engine, app, event_loop, slot, scopes, patience, graceful_timeout, request_timeout, hooks };
    let server = Server::new(py, parts)?;
    server.watch(py)?;
    let warm = server.warm_up(py, &warmup)?;
    server.listen_to_master(py)?;
    let served = match (&warm, server.stop()) {
        (None, Stop::No) => ready().and_then(|()| server.event_loop.run_forever(py)),
        _ => Ok(()),
    };
    if is_forked() {
        return served.map(|()| Ended::Stopped);
    }
    server.unwatch(py)?;
    // What is still running has had its time: a quick stop, or a graceful one that reached its limit.
    server.cancel_requests(py)?;
    lifespan.stop(&server.event_loop, py)?;
    server.event_loop.close(py)?;
    served.map(|()| warm.map_or(Ended::Stopped, Ended::StartupFailed))
}
