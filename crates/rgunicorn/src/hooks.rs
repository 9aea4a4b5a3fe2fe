//! The arbiter's moments and facts as those that hooks are called with.

use pyo3::{
    prelude::*,
    types::{PyDict, PyList},
};
use rgunicorn_arbiter::{Hook, ServerFacts};
use rgunicorn_bridge::hooks::{Facts, Moment};

/// The moment that has this hook.
pub(crate) fn moment(hook: Hook) -> Moment {
    match hook {
        Hook::OnStarting => Moment::Server("on_starting"),
        Hook::OnReload => Moment::Server("on_reload"),
        Hook::WhenReady => Moment::Server("when_ready"),
        Hook::PreExec => Moment::Server("pre_exec"),
        Hook::OnExit => Moment::Server("on_exit"),
        Hook::PreFork { age } => Moment::Fork(age),
        Hook::ChildExit { age, pid } => Moment::Exited(age, pid),
        Hook::NworkersChanged { new, old } => Moment::NumWorkers(new, old),
    }
}

/// What `server` is to say of itself.
pub(crate) fn facts<'py>(py: Python<'py>, facts: &ServerFacts) -> PyResult<Facts<'py>> {
    let server = PyDict::new(py);
    server.set_item("pid", facts.pid)?;
    server.set_item("master_pid", facts.master_pid)?;
    server.set_item("master_name", facts.master_name)?;
    server.set_item("reexec_pid", facts.reexec_pid)?;
    server.set_item("num_workers", facts.num_workers)?;
    server.set_item("addresses", &facts.addresses)?;
    server.set_item("pidfile", facts.pidfile.as_ref().map(|path| path.as_os_str()))?;
    Ok(Facts { server, workers: PyList::new(py, &facts.workers)? })
}
