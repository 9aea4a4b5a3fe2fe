//! Settings as Python values, and Python values as settings.

use pyo3::{
    prelude::*,
    types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyTuple},
};
use rgunicorn_settings::Value;

/// What a Python value says for a setting. Anything that is no plain value stands for its `str()`.
///
/// # Errors
/// When its `str()`, or that of a part, raises.
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
    Ok(Value::Text(value.str()?.to_string_lossy().into_owned()))
}
