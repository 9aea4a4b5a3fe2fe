//! `rgunicorn.status()`: the scoreboard as Python sees it.

use std::sync::OnceLock;

use pyo3::{prelude::*, types::PyDict};
use rgunicorn_scoreboard::{Lease, State, now};

/// The slot of this process, once it is a worker.
static OWN: OnceLock<Lease> = OnceLock::new();

/// This process is the worker of this slot.
pub(crate) fn remember(slot: &Lease) {
    // A process is one worker; a second call would be for the same slot.
    let _ = OWN.set(slot.clone());
}

/// Whether this process is a worker.
pub(crate) fn is_worker() -> bool {
    OWN.get().is_some()
}

/// Describe every worker of this arbiter, called inside a worker; elsewhere the list is empty.
///
/// A worker is a dict of `pid`, `age` (spawn number), `state` (`booting`, `ready` or `stopping`), `requests` (answered),
/// `in_flight`, `connections` and `heartbeat_age` (seconds).
#[pyfunction]
pub(crate) fn status(py: Python<'_>) -> PyResult<Vec<Bound<'_, PyDict>>> {
    let Some(own) = OWN.get() else { return Ok(Vec::new()) };
    let now = now();
    own.board()
        .occupied()
        .filter(|slot| !slot.is_template())
        .map(|slot| {
            let worker = PyDict::new(py);
            worker.set_item("pid", slot.pid())?;
            worker.set_item("age", slot.age())?;
            worker.set_item("state", name(slot.state()))?;
            worker.set_item("requests", slot.requests())?;
            worker.set_item("in_flight", slot.in_flight())?;
            worker.set_item("connections", slot.connections())?;
            let silent = now.saturating_sub(slot.heartbeat());
            worker.set_item("heartbeat_age", std::time::Duration::from_millis(silent).as_secs_f64())?;
            Ok(worker)
        })
        .collect()
}

fn name(state: State) -> &'static str {
    match state {
        State::Free => "free",
        State::Booting => "booting",
        State::Ready => "ready",
        State::Stopping => "stopping",
    }
}
