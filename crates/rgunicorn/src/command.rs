//! From a command line, or a call of `rgunicorn.run()`, to a running arbiter.

use std::{
    ffi::OsString,
    io::{self, Write as _},
};

use pyo3::{prelude::*, types::PyDict};
use rgunicorn_arbiter::Origin;
use rgunicorn_bridge::{Generations, Source, value_of};
use rgunicorn_logging::{AccessLog, ErrorLog};
use rgunicorn_settings::{Parsed, Settings, Value};

use crate::{
    host::{PythonHost, import_ahead},
    origin,
};

/// The generation that a server starts with.
const FIRST: u32 = 0;

/// What a wrong setting ends with, as gunicorn's.
const BAD_CONFIGURATION: u8 = 1;

/// Run the whole command and return the exit status; `argv[0]` is the program's name.
///
/// Returns in the master and in every worker: the caller hands the status to `sys.exit`.
#[pyfunction]
pub(crate) fn main(py: Python<'_>, argv: Vec<OsString>) -> PyResult<u8> {
    take_interrupt(py)?;
    let mut argv = argv.into_iter();
    let program =
        argv.next().map_or_else(|| "rgunicorn".to_owned(), |name| name.to_string_lossy().into_owned());
    start(py, Source::CommandLine(program, argv.collect()))
}

/// Serve `app` with settings named as in a config file; returns as [`main`] does. `hooks` are functions by the names of
/// hooks.
#[pyfunction]
#[pyo3(signature = (app, hooks=None, **settings))]
pub(crate) fn run<'py>(
    py: Python<'py>,
    app: &str,
    hooks: Option<Bound<'py, PyDict>>,
    settings: Option<&Bound<'py, PyDict>>,
) -> PyResult<u8> {
    let mut values = vec![("app".to_owned(), Value::Text(app.to_owned()))];
    for (key, value) in settings.into_iter().flatten() {
        values.push((key.extract()?, value_of(&value)?));
    }
    let handler = take_interrupt(py)?;
    let status = start(py, Source::Call(values, hooks.unwrap_or_else(|| PyDict::new(py)).unbind()));
    give_back_interrupt(py, &handler)?;
    status
}

/// Signals are the arbiter's business: Python's own handler of SIGINT, which is returned, would interrupt it with an
/// exception.
fn take_interrupt(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    let signal = py.import("_signal")?;
    signal.call_method1("signal", (signal.getattr("SIGINT")?, signal.getattr("SIG_DFL")?))
}

/// Leave an embedding program as it was found. A worker, which is about to end, keeps what it has.
fn give_back_interrupt(py: Python<'_>, handler: &Bound<'_, PyAny>) -> PyResult<()> {
    if handler.is_none() || crate::status::is_worker() {
        return Ok(());
    }
    let signal = py.import("_signal")?;
    signal.call_method1("signal", (signal.getattr("SIGINT")?, handler)).map(drop)
}

/// Read the configuration, and serve by it or do what it asks for instead.
fn start(py: Python<'_>, source: Source) -> PyResult<u8> {
    let origin = origin::take(py)?;
    let environ = py.import("os")?.getattr("environ")?;
    environ.set_item("SERVER_SOFTWARE", concat!("rgunicorn/", env!("CARGO_PKG_VERSION")))?;
    let mut generations = Generations::new(py, source)?;
    match generations.read(FIRST) {
        Ok(Parsed::Run(settings)) => Ok(serve(py, *settings, generations, origin)),
        Ok(Parsed::Print(text)) => Ok(print(&text)),
        Err(refused) => Ok(refuse(&refused, refused.status)),
    }
}

fn serve<'py>(py: Python<'py>, settings: Settings, mut generations: Generations<'py>, origin: Origin) -> u8 {
    if settings.debugging.print_config {
        let status = print(&settings.print_config());
        if status != 0 || !settings.debugging.check_config {
            return status;
        }
    }
    // Before anything is opened by a relative name.
    if let Err(refused) = generations.select(FIRST) {
        return refuse(&refused, refused.status);
    }
    let error_log = match ErrorLog::open(&settings.logging) {
        Ok(log) => log,
        Err(error) => return refuse(&error, BAD_CONFIGURATION),
    };
    // Workers open their own; whether that is possible is found out here, where somebody reads the answer.
    if let Err(error) = AccessLog::open(&settings.logging) {
        return refuse(&error, BAD_CONFIGURATION);
    }
    if let Err(error) = error_log.install() {
        return refuse(&error, BAD_CONFIGURATION);
    }
    import_ahead(py, &settings);
    let mut host = PythonHost::new(py, &settings, generations, origin);
    let status = rgunicorn_arbiter::run(settings, error_log, &mut host);
    host.end(status)
}

fn refuse(error: &dyn std::fmt::Display, status: u8) -> u8 {
    // Where nobody reads standard error, there is nobody to tell.
    let _ = io::stderr().write_all(format!("rgunicorn: error: {error}\n").as_bytes());
    status
}

/// Print what was asked for. A reader that has read enough, or a stream that is closed, is no failure; a full disk is.
fn print(text: &str) -> u8 {
    let mut stdout = io::stdout();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            refuse(&format!("cannot write to standard output: {error}"), BAD_CONFIGURATION)
        }
        _ => 0,
    }
}
