//! Loading the application: the search path, the import, the attribute or the factory.

use pyo3::{
    exceptions::{PyAttributeError, PyException},
    prelude::*,
    types::{PyDict, PyList, PyTuple},
};
use rgunicorn_settings::{AppSpec, AppTarget, Application};

use crate::failure::describe;

/// Why an application could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// What was named is not there or is not an application.
    #[error("{0}")]
    NotFound(String),
    /// The module, or the factory, raised; with its traceback.
    #[error("{doing}\n{traceback}")]
    Raised {
        /// What was being done.
        doing: String,
        /// The exception as Python prints it.
        traceback: String,
    },
}

impl LoadError {
    /// The exit status of a worker that ends by it, as gunicorn's.
    #[must_use]
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::NotFound(_) => 4,
            Self::Raised { .. } => 3,
        }
    }
}

/// Put the working directory and `pythonpath` in front of `sys.path`, as gunicorn does.
///
/// # Errors
/// When `sys.path` cannot be changed.
pub fn prepare_path(py: Python<'_>, settings: &Application) -> PyResult<()> {
    let path = py.import("sys")?.getattr("path")?.cast_into::<PyList>()?;
    let here = py.import("os")?.call_method0("getcwd")?;
    let mut wanted: Vec<Bound<'_, PyAny>> = Vec::new();
    for entry in &settings.pythonpath.0 {
        wanted.push(entry.as_os_str().into_pyobject(py)?.into_any());
    }
    wanted.push(here);
    for entry in wanted.into_iter().rev() {
        if !path.contains(&entry)? {
            path.insert(0, entry)?;
        }
    }
    Ok(())
}

/// Import the application.
///
/// # Errors
/// [`LoadError`], whose text says what is wrong and what to do.
pub fn load<'py>(py: Python<'py>, spec: &AppSpec) -> Result<Bound<'py, PyAny>, LoadError> {
    let module = py.import("importlib").and_then(|lib| lib.call_method1("import_module", (&spec.module,)));
    let module = module.map_err(|error| import_failed(py, &spec.module, &error))?;
    let app = match &spec.attribute {
        None => attribute(&module, spec, "application")?,
        Some(AppTarget::Attribute(path)) => attribute(&module, spec, path)?,
        Some(AppTarget::Factory { function, call }) => {
            let factory = attribute(&module, spec, function)?;
            call_factory(&factory, spec, call)?
        }
    };
    if app.is_none() {
        return Err(LoadError::NotFound(format!(
            "`{spec}` is None, not an application (is it assigned later?)"
        )));
    }
    if !app.is_callable() {
        let kind = app.get_type().name().map(|name| name.to_string()).unwrap_or_default();
        return Err(LoadError::NotFound(format!(
            "Application object must be callable: `{spec}` is a {kind} (name the WSGI or ASGI callable after the \
             colon, as in `{}:app`)",
            spec.module
        )));
    }
    Ok(app)
}

fn import_failed(py: Python<'_>, module: &str, error: &PyErr) -> LoadError {
    let missing = error.is_instance_of::<pyo3::exceptions::PyModuleNotFoundError>(py)
        && error.value(py).getattr("name").and_then(|name| name.extract::<String>()).is_ok_and(|name| {
            module == name || module.strip_prefix(&name).is_some_and(|rest| rest.starts_with('.'))
        });
    let doing = if missing {
        format!(
            "Cannot import the application module `{module}`: there is no such module on the search path (check the \
             name, or point `--chdir` or `--pythonpath` at its directory)"
        )
    } else {
        format!("Cannot import the application module `{module}`: it raised an exception")
    };
    LoadError::Raised { doing, traceback: describe(py, error) }
}

fn attribute<'py>(
    module: &Bound<'py, PyAny>,
    spec: &AppSpec,
    path: &str,
) -> Result<Bound<'py, PyAny>, LoadError> {
    let py = module.py();
    let mut object = module.clone();
    for name in path.split('.') {
        object = object.getattr(name).map_err(|error| {
            if error.is_instance_of::<PyAttributeError>(py) {
                LoadError::NotFound(not_found(module, spec, path))
            } else {
                LoadError::Raised { doing: format!("Cannot load `{spec}`"), traceback: describe(py, &error) }
            }
        })?;
    }
    Ok(object)
}

fn not_found(module: &Bound<'_, PyAny>, spec: &AppSpec, path: &str) -> String {
    let there: Vec<_> = ["application", "app", "asgi", "wsgi", "api", "create_app", "make_app"]
        .into_iter()
        .filter(|name| *name != path && module.hasattr(*name).unwrap_or(false))
        .map(|name| format!("`{}:{name}{}`", spec.module, if name.contains('_') { "()" } else { "" }))
        .collect();
    let hint = if there.is_empty() {
        format!("name one that it has, as in `{}:app`", spec.module)
    } else {
        format!("did you mean {}?", there.join(" or "))
    };
    format!("Failed to find attribute '{path}' in '{}' ({hint})", spec.module)
}

/// Call a factory with the literal arguments that the operator wrote.
fn call_factory<'py>(
    factory: &Bound<'py, PyAny>,
    spec: &AppSpec,
    call: &str,
) -> Result<Bound<'py, PyAny>, LoadError> {
    let py = factory.py();
    let (args, kwargs) = literal_arguments(py, call).map_err(|error| {
        let reason = error.value(py);
        LoadError::NotFound(format!("Failed to parse '{call}' as a call with literal arguments: {reason}"))
    })?;
    factory.call(args, Some(&kwargs)).map_err(|error| {
        let here = error.traceback(py).is_none();
        if here && error.is_instance_of::<pyo3::exceptions::PyTypeError>(py) {
            return LoadError::NotFound(format!("Failed to call `{spec}`: {}", error.value(py)));
        }
        let doing = format!("The application factory `{spec}` raised an exception");
        LoadError::Raised { doing, traceback: describe(py, &error) }
    })
}

fn literal_arguments<'py>(
    py: Python<'py>,
    call: &str,
) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
    let ast = py.import("ast")?;
    let literal = ast.getattr("literal_eval")?;
    let body = ast.call_method1("parse", (call, "<application>", "eval"))?.getattr("body")?;
    if !body.is_instance(&ast.getattr("Call")?)? {
        return Err(PyException::new_err("it is not one call"));
    }
    let mut args = Vec::new();
    for argument in body.getattr("args")?.try_iter()? {
        args.push(literal.call1((argument?,))?);
    }
    let kwargs = PyDict::new(py);
    for keyword in body.getattr("keywords")?.try_iter()? {
        let keyword = keyword?;
        let name = keyword.getattr("arg")?;
        if name.is_none() {
            return Err(PyException::new_err("`**` is not allowed"));
        }
        kwargs.set_item(name, literal.call1((keyword.getattr("value")?,))?)?;
    }
    Ok((PyTuple::new(py, args)?, kwargs))
}
