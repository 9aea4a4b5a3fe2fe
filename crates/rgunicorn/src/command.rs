//! From a command line, or a call of `rgunicorn.run()`, to a running arbiter.

use std::{
    ffi::OsString,
    io::{self, Write as _},
};

use pyo3::{prelude::*, types::PyDict};
use rgunicorn_bridge::value_of;
use rgunicorn_logging::{AccessLog, ErrorLog};
use rgunicorn_settings::{
    NoConfigFiles, Parsed, ProcessEnvironment, Settings, SettingsError, Value, from_command_line, from_values,
};

use crate::{
    host::{PythonHost, import_ahead},
    surroundings::Surroundings,
};

/// What a wrong setting ends with, as gunicorn's.
const BAD_CONFIGURATION: u8 = 1;

/// What a server was started with, to be read again at a reload.
pub(crate) enum Given {
    /// The command: its name and its arguments.
    CommandLine(String, Vec<OsString>),
    /// The arguments of `rgunicorn.run()`.
    Call(Vec<(String, Value)>),
}

impl Given {
    fn read(&self) -> Result<Parsed, SettingsError> {
        match self {
            Self::CommandLine(program, args) => {
                from_command_line(program, args.clone(), &ProcessEnvironment, &mut NoConfigFiles)
            }
            Self::Call(values) => from_values(values, &ProcessEnvironment, &mut NoConfigFiles)
                .map(|settings| Parsed::Run(Box::new(settings))),
        }
    }

    /// The settings as they are now.
    ///
    /// # Errors
    /// What the operator should read.
    pub(crate) fn read_again(&self) -> Result<Settings, String> {
        match self.read() {
            Ok(Parsed::Run(settings)) => Ok(*settings),
            Ok(Parsed::Print(_)) => Err("the command line asks for a text instead of a server".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// Run the whole command and return the exit status; `argv[0]` is the program's name.
///
/// Returns in the master and in every worker: the caller hands the status to `sys.exit`.
#[pyfunction]
pub(crate) fn main(py: Python<'_>, argv: Vec<OsString>) -> PyResult<u8> {
    take_interrupt(py)?;
    let mut argv = argv.into_iter();
    let program =
        argv.next().map_or_else(|| "rgunicorn".to_owned(), |name| name.to_string_lossy().into_owned());
    start(py, Given::CommandLine(program, argv.collect()))
}

/// Serve `app` with settings named as in a config file; returns as [`main`] does.
#[pyfunction]
#[pyo3(signature = (app, **settings))]
pub(crate) fn run(py: Python<'_>, app: &str, settings: Option<&Bound<'_, PyDict>>) -> PyResult<u8> {
    let mut values = vec![("app".to_owned(), Value::Text(app.to_owned()))];
    for (key, value) in settings.into_iter().flatten() {
        values.push((key.extract()?, value_of(&value)?));
    }
    let handler = take_interrupt(py)?;
    let status = start(py, Given::Call(values));
    give_back_interrupt(py, &handler)?;
    status
}

fn start(py: Python<'_>, given: Given) -> PyResult<u8> {
    match given.read() {
        Ok(Parsed::Run(settings)) => serve(py, *settings, given),
        Ok(Parsed::Print(text)) => Ok(print(&text)),
        Err(error) => Ok(refuse(&error, error.exit_code())),
    }
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

fn serve(py: Python<'_>, settings: Settings, given: Given) -> PyResult<u8> {
    if settings.debugging.print_config {
        let status = print(&settings.print_config());
        if status != 0 || !settings.debugging.check_config {
            return Ok(status);
        }
    }
    let mut surroundings = Surroundings::new();
    surroundings.add(0, settings.application.clone());
    py.import("os")?
        .getattr("environ")?
        .set_item("SERVER_SOFTWARE", concat!("rgunicorn/", env!("CARGO_PKG_VERSION")))?;
    // Before anything is opened by a relative name.
    if let Err(error) = surroundings.select(py, 0) {
        let chdir = settings.application.chdir.display();
        return Ok(refuse(
            &format!("cannot change to the directory `{chdir}` (chdir): {error}"),
            BAD_CONFIGURATION,
        ));
    }
    let error_log = match ErrorLog::open(&settings.logging) {
        Ok(log) => log,
        Err(error) => return Ok(refuse(&error, BAD_CONFIGURATION)),
    };
    // Workers open their own; whether that is possible is found out here, where somebody reads the answer.
    if let Err(error) = AccessLog::open(&settings.logging) {
        return Ok(refuse(&error, BAD_CONFIGURATION));
    }
    if let Err(error) = error_log.install() {
        return Ok(refuse(&error, BAD_CONFIGURATION));
    }
    import_ahead(py, &settings);
    let mut host = PythonHost::new(py, &settings, given, surroundings);
    Ok(rgunicorn_arbiter::run(settings, error_log, &mut host))
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
