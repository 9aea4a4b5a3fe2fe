//! Settings as Python values, and Python values as settings.

use pyo3::{
    IntoPyObjectExt as _, intern,
    prelude::*,
    types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple},
};
use rgunicorn_settings::Value;

/// What a Python value says for a setting. A path is a text; anything else that is no plain value is of its type.
///
/// # Errors
/// When the value, or a part of it, raises.
pub fn value_of(value: &Bound<'_, PyAny>) -> PyResult<Value> {
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
    if let Ok(pairs) = value.cast::<PyDict>() {
        let pair = |(name, value): (Bound<'_, PyAny>, Bound<'_, PyAny>)| {
            Ok((name.str()?.to_string_lossy().into_owned(), value_of(&value)?))
        };
        return Ok(Value::Pairs(pairs.iter().map(pair).collect::<PyResult<_>>()?));
    }
    if value.is_instance_of::<PyString>() || value.hasattr(intern!(value.py(), "__fspath__"))? {
        return Ok(Value::Text(value.str()?.to_string_lossy().into_owned()));
    }
    Ok(Value::Other(value.get_type().name()?.to_string()))
}

/// The Python value that a setting has; whole numbers are `int`.
///
/// # Errors
/// When memory is exhausted.
pub(crate) fn python_value<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    match value {
        Value::Nothing => Ok(py.None().into_bound(py)),
        Value::Text(text) | Value::Other(text) => text.into_bound_py_any(py),
        Value::Flag(flag) => flag.into_bound_py_any(py),
        Value::Number(number) if number.fract() == 0.0 && number.abs() < 2f64.powi(63) => {
            (*number as i64).into_bound_py_any(py)
        }
        Value::Number(number) => number.into_bound_py_any(py),
        Value::List(items) => {
            let list = PyList::empty(py);
            for item in items {
                list.append(python_value(py, item)?)?;
            }
            Ok(list.into_any())
        }
        Value::Pairs(pairs) => {
            let dict = PyDict::new(py);
            for (name, value) in pairs {
                dict.set_item(name, python_value(py, value)?)?;
            }
            Ok(dict.into_any())
        }
    }
}
