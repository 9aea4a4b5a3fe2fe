//! `--preload`: the application is loaded in a process that workers are forked from.
//!
//! Nothing that belongs to one process is made here: no event loop, no engine, no handler of signals. What the
//! application itself makes while it is imported is its own business, but it is told which threads will be missing.

use pyo3::prelude::*;
use rgunicorn_arbiter::TemplateBoot;
use rgunicorn_bridge::{arm_faulthandler, loaded_files};

use crate::worker::{self, BOOT_FAILED, Loaded};

/// What a template ends with that has no application to load.
const NO_APPLICATION: u8 = 4;

/// Load the application and make its objects ready to be shared.
///
/// # Errors
/// The exit status if it cannot be loaded. The reason is logged by then.
pub(crate) fn load<'py>(py: Python<'py>, boot: &TemplateBoot) -> Result<Loaded<'py>, u8> {
    boot.drop_privileges().map_err(|text| {
        tracing::error!("{text}");
        BOOT_FAILED
    })?;
    arm_faulthandler(py, boot.error_log.fd()).map_err(|error| failed(py, &error))?;
    let settings = &boot.settings;
    let Some(spec) = &settings.application.app else { return Err(NO_APPLICATION) };
    let loaded = worker::load(py, spec, &settings.application, &settings.workers.worker_class);
    boot.tell_loaded(|| loaded_files(py).unwrap_or_default());
    let loaded = loaded.map_err(|error| {
        if boot.may_report_failure() {
            tracing::error!("{error}");
        }
        error.exit_status()
    })?;
    loaded.announce(spec, boot.age);
    share(py).map_err(|error| failed(py, &error))?;
    warn_of_threads(py).map_err(|error| failed(py, &error))?;
    Ok(loaded)
}

/// End the process of a template. The interpreter would wait for the threads that the application has started, which
/// have nothing to finish here.
pub(crate) fn leave(py: Python<'_>, status: u8) -> PyResult<()> {
    py.import("atexit")?.call_method0("_run_exitfuncs")?;
    let sys = py.import("sys")?;
    for stream in ["stdout", "stderr"] {
        // Whoever has read them may be gone.
        let _ = sys.getattr(stream).and_then(|stream| stream.call_method0("flush"));
    }
    py.import("os")?.call_method1("_exit", (status,)).map(drop)
}

fn failed(py: Python<'_>, error: &PyErr) -> u8 {
    rgunicorn_bridge::log_exception(py, "Exception in template process", error);
    BOOT_FAILED
}

/// Take everything that lives now out of the collector's sight: it would write to each object that it looks at, and
/// every page that is written to is a page that is shared no more.
fn share(py: Python<'_>) -> PyResult<()> {
    let gc = py.import("gc")?;
    gc.call_method0("collect")?;
    gc.call_method0("freeze").map(drop)
}

/// A fork takes along the thread that forks and no other.
fn warn_of_threads(py: Python<'_>) -> PyResult<()> {
    let threading = py.import("threading")?;
    let main = threading.call_method0("main_thread")?;
    let mut names = Vec::new();
    for thread in threading.call_method0("enumerate")?.try_iter()? {
        let thread = thread?;
        if !thread.is(&main) {
            names.push(format!("`{}`", thread.getattr("name")?.str()?));
        }
    }
    if !names.is_empty() {
        let names = names.join(", ");
        tracing::warn!(
            "The application has started threads while it was imported: {names}. With `--preload` they run in the \
             template process only; no worker has them (start them in the post_fork hook, or when they are first needed)"
        );
    }
    Ok(())
}
