//! From a command line, or a call of `rgunicorn.run()`, to a running arbiter.

use std::ffi::OsString;

use pyo3::{
    prelude::*,
    types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyTuple},
};
use rgunicorn_logging::{AccessLog, ErrorLog};
use rgunicorn_settings::{Parsed, ProcessEnvironment, Settings, Value, from_command_line, from_values};

use crate::host::PythonHost;

/// What a wrong setting ends with, as gunicorn's.
const BAD_CONFIGURATION: u8 = 1;

/// Run the whole command and return the exit status; `argv[0]` is the program's name.
///
/// Returns in the master and in every worker: the caller hands the status to `sys.exit`.
#[pyfunction]
pub(crate) fn main(py: Python<'_>, argv: Vec<OsString>) -> PyResult<u8> {
    let mut argv = argv.into_iter();
    let program =
        argv.next().map_or_else(|| "rgunicorn".to_owned(), |name| name.to_string_lossy().into_owned());
    match from_command_line(&program, argv.collect(), &ProcessEnvironment) {
        Ok(Parsed::Run(settings)) => serve(py, *settings),
        Ok(Parsed::Print(text)) => {
            print(py, "stdout", &text)?;
            Ok(0)
        }
        Err(error) => refuse(py, &error, error.exit_code()),
    }
}

/// Serve `app` with settings named as in a config file; returns as [`main`] does.
#[pyfunction]
#[pyo3(signature = (app, **settings))]
pub(crate) fn run(py: Python<'_>, app: &str, settings: Option<&Bound<'_, PyDict>>) -> PyResult<u8> {
    let mut values = vec![("app".to_owned(), Value::Text(app.to_owned()))];
    for (key, value) in settings.into_iter().flatten() {
        values.push((key.extract()?, value_of(&value)?));
    }
    match from_values(&values, &ProcessEnvironment) {
        Ok(settings) => serve(py, settings),
        Err(error) => refuse(py, &error, error.exit_code()),
    }
}

fn value_of(value: &Bound<'_, PyAny>) -> PyResult<Value> {
    if value.is_none() {
        return Ok(Value::Nothing);
    }
    if let Ok(flag) = value.cast::<PyBool>() {
        return Ok(Value::Flag(flag.is_true()));
    }
    if value.is_instance_of::<PyInt>() || value.is_instance_of::<PyFloat>() {
        return Ok(Value::Number(value.extract()?));
    }
    if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        let items = value.try_iter()?.map(|item| value_of(&item?)).collect::<PyResult<_>>()?;
        return Ok(Value::List(items));
    }
    Ok(Value::Text(value.str()?.to_string_lossy().into_owned()))
}

fn serve(py: Python<'_>, settings: Settings) -> PyResult<u8> {
    if settings.debugging.print_config {
        print(py, "stdout", &settings.print_config())?;
        if !settings.debugging.check_config {
            return Ok(0);
        }
    }
    // Before anything is opened by a relative name.
    if let Err(error) = py.import("os")?.call_method1("chdir", (settings.application.chdir.as_os_str(),)) {
        let chdir = settings.application.chdir.display();
        return refuse(
            py,
            &format!("cannot change to the directory `{chdir}` (chdir): {error}"),
            BAD_CONFIGURATION,
        );
    }
    export(py, &settings)?;
    let error_log = match ErrorLog::open(&settings.logging) {
        Ok(log) => log,
        Err(error) => return refuse(py, &error, BAD_CONFIGURATION),
    };
    // Workers open their own; whether that is possible is found out here, where somebody reads the answer.
    if let Err(error) = AccessLog::open(&settings.logging) {
        return refuse(py, &error, BAD_CONFIGURATION);
    }
    if let Err(error) = error_log.install() {
        return refuse(py, &error, BAD_CONFIGURATION);
    }
    let mut host = PythonHost::new(py, &settings)?;
    Ok(rgunicorn_arbiter::run(settings, error_log, &mut host))
}

/// Put `--env` into the environment, as C and as Python see it.
fn export(py: Python<'_>, settings: &Settings) -> PyResult<()> {
    let environ = py.import("os")?.getattr("environ")?;
    environ.set_item("SERVER_SOFTWARE", concat!("rgunicorn/", env!("CARGO_PKG_VERSION")))?;
    for pair in &settings.application.raw_env {
        environ.set_item(&pair.name, &pair.value)?;
    }
    Ok(())
}

fn refuse(py: Python<'_>, error: &dyn std::fmt::Display, status: u8) -> PyResult<u8> {
    print(py, "stderr", &format!("rgunicorn: error: {error}\n"))?;
    Ok(status)
}

/// Print by way of Python, which may have replaced the streams.
fn print(py: Python<'_>, stream: &str, text: &str) -> PyResult<()> {
    let stream = py.import("sys")?.getattr(stream)?;
    stream.call_method1("write", (text,))?;
    stream.call_method0("flush")?;
    Ok(())
}
