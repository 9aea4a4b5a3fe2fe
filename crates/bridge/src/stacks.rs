//! Where Python code is at this moment, as text for the error log.

use std::ffi::c_long;

use pyo3::{intern, prelude::*, types::PyList};

/// Deeper chains of coroutines are cut off here.
const DEPTH: usize = 100;

/// What leads from one awaitable to its frame, and to what it awaits: coroutines, generators, asynchronous generators.
const LINKS: [(&str, &str); 3] =
    [("cr_frame", "cr_await"), ("gi_frame", "gi_yieldfrom"), ("ag_frame", "ag_await")];

/// The stack of a suspended coroutine down to what it waits for, with its last line end removed.
#[must_use]
pub fn of_coroutine(coroutine: &Bound<'_, PyAny>) -> String {
    chain(coroutine).unwrap_or_else(|error| format!("(no stack: {error})"))
}

fn chain(coroutine: &Bound<'_, PyAny>) -> PyResult<String> {
    let py = coroutine.py();
    let frames = PyList::empty(py);
    let mut awaited = coroutine.clone();
    for _ in 0..DEPTH {
        let Some((frame, next)) = LINKS.iter().find_map(|(frame, next)| {
            Some((awaited.getattr_opt(frame).ok().flatten()?, awaited.getattr(next).ok()?))
        }) else {
            break;
        };
        if !frame.is_none() {
            frames.append((&frame, frame.getattr(intern!(py, "f_lineno"))?))?;
        }
        awaited = next;
    }
    let summary = py.import("traceback")?.getattr("StackSummary")?;
    joined(&summary.call_method1("extract", (frames,))?.call_method0("format")?)
}

/// The stack of a thread, named as in `threading.get_ident()`, with its last line end removed; `None` where no such
/// thread runs Python code.
#[must_use]
pub fn of_thread(py: Python<'_>, thread: c_long) -> Option<String> {
    let found = || -> PyResult<Option<String>> {
        let frames = py.import("sys")?.call_method0("_current_frames")?;
        // Named by an unsigned number there.
        let Ok(frame) = frames.get_item(thread.cast_unsigned()) else { return Ok(None) };
        joined(&py.import("traceback")?.call_method1("format_stack", (frame,))?).map(Some)
    };
    found().unwrap_or_else(|error| Some(format!("(no stack: {error})")))
}

fn joined(lines: &Bound<'_, PyAny>) -> PyResult<String> {
    let mut text = String::from("Stack (most recent call last):\n");
    for line in lines.try_iter()? {
        text.push_str(&line?.extract::<String>()?);
    }
    text.truncate(text.trim_end().len());
    Ok(text)
}
