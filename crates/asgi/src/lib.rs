//! The ASGI worker class (ASGI 3).

use pyo3::prelude::*;
use rgunicorn_http::Handle;
use rgunicorn_scoreboard::Lease;
use rgunicorn_settings::Asgi;

/// What an ASGI worker needs.
pub struct Worker {
    /// The engine.
    pub engine: Handle,
    /// The slot.
    pub slot: Lease,
    /// The application.
    pub app: Py<PyAny>,
    /// Loop and lifespan.
    pub settings: Asgi,
}

/// How an ASGI worker ended.
pub enum Ended {
    /// It was told to stop.
    Stopped,
    /// The application's lifespan startup failed; with the text for the log.
    StartupFailed(String),
}

/// Serve.
///
/// # Errors
/// Never yet.
pub fn run(_py: Python<'_>, _worker: Worker, _ready: &mut dyn FnMut() -> PyResult<()>) -> PyResult<Ended> {
    Ok(Ended::Stopped)
}
