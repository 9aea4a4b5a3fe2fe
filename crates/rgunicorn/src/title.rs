//! What `ps` and `top` call a process: by the package `setproctitle`, if it is installed, as in gunicorn.

use pyo3::prelude::*;

/// Let the package find the place of the title. It looks for it beside the environment, which must not have changed.
pub(crate) fn prepare(py: Python<'_>) {
    // Without the package there is nothing to prepare; what else fails is told when a title is set.
    let _ = py.import("setproctitle").and_then(|package| package.call_method0("getproctitle"));
}

/// Call this process `title` from now on. Without the package nothing happens.
pub(crate) fn name_process(py: Python<'_>, title: &str) {
    let Ok(package) = py.import("setproctitle") else { return };
    if let Err(error) = package.call_method1("setproctitle", (title,)) {
        tracing::warn!("cannot name the process `{title}`: {error}");
    }
}
