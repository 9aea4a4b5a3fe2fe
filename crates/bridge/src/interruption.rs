//! Raising an exception in a thread that works on a request, from another thread.

use std::{
    ffi::{c_long, c_ulong},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};

use nix::sys::{
    pthread::{Pthread, pthread_kill, pthread_self},
    signal::Signal,
};
use pyo3::{ffi, prelude::*};

use crate::RequestTimeout;

/// The signal that reaches the main thread out of a blocking call. Whoever has no handler for it, such as a program that
/// the application executes, ignores it.
const SIGNAL: Signal = Signal::SIGURG;

/// A thread of Python in which [`RequestTimeout`] can be raised.
///
/// On the main thread a signal does it, so that blocking calls such as `time.sleep` return at once; elsewhere CPython's
/// asynchronous exceptions, which wait for the next instruction of Python.
#[derive(Debug)]
pub struct Interruptible {
    /// As `threading.get_ident()` names it.
    name: c_long,
    way: Way,
}

#[derive(Debug)]
enum Way {
    /// The thread, and whether the signal means that the exception is to be raised.
    Signal(Pthread, Arc<AtomicBool>),
    Exception,
}

impl Interruptible {
    /// The current thread, which has to be the main one.
    ///
    /// # Errors
    /// When Python refuses the handler.
    pub fn main(py: Python<'_>) -> PyResult<Self> {
        let due = Arc::new(AtomicBool::new(false));
        let handler = Bound::new(py, Handler { due: Arc::clone(&due) })?;
        py.import("signal")?.call_method1("signal", (SIGNAL as i32, handler))?;
        Ok(Self { name: name_of_thread(py)?, way: Way::Signal(pthread_self(), due) })
    }

    /// The current thread, any but the main one.
    ///
    /// # Errors
    /// When Python does not know it.
    pub fn other(py: Python<'_>) -> PyResult<Self> {
        Ok(Self { name: name_of_thread(py)?, way: Way::Exception })
    }

    /// As `threading.get_ident()` names it.
    #[must_use]
    pub fn name(&self) -> c_long {
        self.name
    }

    /// Raise [`RequestTimeout`] in the thread, unless `hold` finds that it is at something else by now. What `hold`
    /// returns keeps the thread from going on to something else until the exception is on its way; the thread itself
    /// calls [`Interruptible::calm`] before it does.
    ///
    /// For the main thread this needs no interpreter; for others it waits for it.
    pub fn interrupt<T>(&self, hold: impl FnOnce() -> Option<T>) {
        match &self.way {
            Way::Signal(thread, due) => {
                let Some(_held) = hold() else { return };
                due.store(true, SeqCst);
                // It is there: it cannot end while it is held.
                let sent = pthread_kill(*thread, SIGNAL);
                debug_assert!(sent.is_ok());
            }
            Way::Exception => Python::attach(|py| {
                let Some(_held) = hold() else { return };
                self.set_exception(Some(py.get_type::<RequestTimeout>().as_ptr()));
            }),
        }
    }

    /// On the thread itself: an exception that has not been raised by now shall not be.
    pub fn calm(&self, _py: Python<'_>) {
        match &self.way {
            Way::Signal(_, due) => due.store(false, SeqCst),
            Way::Exception => self.set_exception(None),
        }
    }

    fn set_exception(&self, class: Option<*mut ffi::PyObject>) {
        let class = class.unwrap_or(std::ptr::null_mut());
        // SAFETY: the caller is attached, and the class is one, or null, which takes an earlier one back.
        #[allow(unsafe_code, reason = "pyo3 offers no such call")]
        unsafe {
            ffi::PyThreadState_SetAsyncExc(self.name, class);
        }
    }
}

fn name_of_thread(py: Python<'_>) -> PyResult<c_long> {
    let name: c_ulong = py.import("threading")?.call_method0("get_ident")?.extract()?;
    // CPython takes it as a long where it names a thread, and gives it as an unsigned one.
    Ok(name.cast_signed())
}

/// What Python calls when the signal has come.
#[pyclass(frozen, module = "rgunicorn")]
struct Handler {
    due: Arc<AtomicBool>,
}

#[pymethods]
impl Handler {
    fn __call__(&self, _signal: i32, _frame: &Bound<'_, PyAny>) -> PyResult<()> {
        if self.due.swap(false, SeqCst) {
            return Err(RequestTimeout::new_err("the request has taken longer than `request_timeout`"));
        }
        Ok(())
    }
}
