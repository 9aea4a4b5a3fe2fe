//! The hooks that there are, and the arbiter's moments and facts as those that hooks are called with.

use pyo3::{
    prelude::*,
    types::{PyDict, PyList, PyTuple},
};
use rgunicorn_arbiter::{Hook, ServerFacts};
use rgunicorn_bridge::hooks::{Facts, Moment};
use rgunicorn_settings::HOOKS;

/// Name every hook with its arguments, and how many of them, the last ones, it may leave out.
#[pyfunction]
pub(crate) fn hooks(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let names = PyDict::new(py);
    for hook in HOOKS {
        names.set_item(hook.name, (PyTuple::new(py, hook.arguments)?, hook.optional))?;
    }
    Ok(names)
}

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
