//! Worker classes of other packages, `-k package.module.Class`: the way from a worker process to `rgunicorn._foreign`,
//! which is the rest of it.

use std::{
    cell::RefCell,
    io::Read as _,
    os::fd::{IntoRawFd as _, RawFd},
};

use pyo3::{exceptions::PySystemExit, prelude::*};
use rgunicorn_arbiter::{Socket, WorkerBoot};
use rgunicorn_bridge::{
    app::{self, LoadError},
    describe, exit_status,
    hooks::WorkerHooks,
};
use rgunicorn_scoreboard::{Command, now};

use crate::worker::{self, BOOT_FAILED, Loaded};

/// The way back from the class to the server.
#[pyclass(unsendable, module = "rgunicorn")]
struct Link {
    boot: RefCell<WorkerBoot>,
    loaded: RefCell<Option<Py<PyAny>>>,
    /// The dotted name of the class.
    #[pyo3(get)]
    name: String,
    /// The worker's spawn number.
    #[pyo3(get)]
    age: u32,
    /// The listening sockets: whoever reads them owns them.
    #[pyo3(get)]
    sockets: Vec<RawFd>,
    /// The error log.
    #[pyo3(get)]
    error_log: RawFd,
}

#[pymethods]
impl Link {
    /// Load the application.
    fn load(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        if let Some(app) = self.loaded.borrow_mut().take() {
            return Ok(app);
        }
        let boot = self.boot.borrow();
        let settings = &boot.settings;
        let spec = settings.application.app.as_ref().ok_or_else(|| PySystemExit::new_err(BOOT_FAILED))?;
        match worker::load_unless_forked_with_it(py, &boot, spec, None) {
            Ok(loaded) => Ok(loaded.into_app()),
            Err(status) => Err(PySystemExit::new_err(status)),
        }
    }

    /// Show that the worker is alive.
    fn beat(&self) {
        self.boot.borrow().slot.beat(now());
    }

    /// Say that requests are accepted.
    fn ready(&self) -> PyResult<()> {
        Ok(self.boot.borrow_mut().ready()?)
    }

    /// Whether the master has told the worker to leave already.
    fn told_to_leave(&self) -> bool {
        let mut commands = [0; 64];
        let heard = (&self.boot.borrow().commands).read(&mut commands).unwrap_or(0);
        let leave = [Command::StopGracefully, Command::StopQuickly];
        commands[..heard]
            .iter()
            .any(|byte| Command::from_byte(*byte).is_some_and(|command| leave.contains(&command)))
    }

    /// Open the error log anew.
    fn reopen_logs(&self) {
        if let Err(error) = self.boot.borrow().error_log.reopen() {
            tracing::error!("{error}");
        }
    }

    /// Whether it is this worker that logs why workers cannot boot.
    fn may_report_failure(&self) -> bool {
        self.boot.borrow().may_report_failure()
    }
}

/// The life of a worker of this class; returns its exit status.
pub(crate) fn run(
    py: Python<'_>,
    mut boot: WorkerBoot,
    class: &str,
    hooks: &WorkerHooks,
    loaded: Option<Loaded<'_>>,
) -> u8 {
    let begun = worker::begin(py, &mut boot, hooks).unwrap_or_else(|error| {
        tracing::error!("Exception in worker process\n{}", describe(py, &error));
        Err(BOOT_FAILED)
    });
    if let Err(status) = begun {
        return status;
    }
    // The class may be the application's own.
    if let Err(error) = app::prepare_path(py, &boot.settings.application) {
        tracing::error!("cannot change sys.path: {error}");
        return BOOT_FAILED;
    }
    let into_fd = |socket| match socket {
        Socket::Tcp(socket) => socket.into_raw_fd(),
        Socket::Unix(socket) => socket.into_raw_fd(),
    };
    let link = Link {
        name: class.to_owned(),
        age: boot.age,
        sockets: boot.listeners.drain(..).map(|listener| into_fd(listener.socket)).collect(),
        error_log: boot.error_log.fd(),
        loaded: RefCell::new(loaded.map(Loaded::into_app)),
        boot: RefCell::new(boot),
    };
    serve(py, link, hooks).unwrap_or_else(|error| {
        if !error.is_instance_of::<PySystemExit>(py) {
            tracing::error!("Exception in worker process\n{}", describe(py, &error));
        }
        exit_status(py, &error)
    })
}

fn serve(py: Python<'_>, link: Link, hooks: &WorkerHooks) -> PyResult<u8> {
    let link = Bound::new(py, link)?;
    module(py)?.call_method1("serve", (link, hooks.object(py)))?.extract()
}

/// Find the class, and let it prepare the process for the application: gevent replaces parts of the standard library.
///
/// # Errors
/// If there is no such class; the text is for the operator.
pub(crate) fn prepare(py: Python<'_>, class: &str) -> Result<(), LoadError> {
    let prepared = module(py).and_then(|module| module.call_method1("prepare", (class,)));
    prepared.map(drop).map_err(|error| {
        let ours = module(py).and_then(|module| module.getattr("ForeignError"));
        if ours.is_ok_and(|ours| error.is_instance(py, &ours)) {
            LoadError::NotFound(error.value(py).to_string())
        } else {
            let doing = format!("Cannot import the worker class `{class}`: it raised an exception");
            LoadError::Raised { doing, traceback: describe(py, &error) }
        }
    })
}

fn module(py: Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    py.import("rgunicorn._foreign")
}
