//! The interpreter's duties around fork and signals.

use std::{
    os::fd::RawFd,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use pyo3::{exceptions::PySystemExit, ffi, prelude::*, types::PyDict};

/// What CPython wants done around a fork, so that `os.register_at_fork` and its own locks work.
#[derive(Debug)]
pub struct ForkDuties(());

impl ForkDuties {
    /// Only a thread that is attached to the interpreter may take the duties on.
    #[must_use]
    pub fn new(_py: Python<'_>) -> Self {
        Self(())
    }

    /// Call before the fork, in the parent.
    pub fn before(&self) {
        // SAFETY: `new` proves that this thread is attached, and the master detaches only while it waits.
        #[allow(unsafe_code, reason = "pyo3 offers no fork support")]
        unsafe {
            ffi::PyOS_BeforeFork();
        }
    }

    /// Call after the fork, in the parent, whether or not it succeeded.
    pub fn in_parent(&self) {
        // SAFETY: as above, and `before` was called.
        #[allow(unsafe_code, reason = "pyo3 offers no fork support")]
        unsafe {
            ffi::PyOS_AfterFork_Parent();
        }
    }

    /// Call after the fork, in the child.
    pub fn in_child(&self) {
        // SAFETY: as above, and `before` was called by the parent.
        #[allow(unsafe_code, reason = "pyo3 offers no fork support")]
        unsafe {
            ffi::PyOS_AfterFork_Child();
        }
    }
}

/// Whether this process was forked by the application, in the middle of a request perhaps.
static FORKED: AtomicBool = AtomicBool::new(false);

/// Notice from now on when the application forks.
///
/// # Errors
/// When Python refuses.
pub fn watch_forks(py: Python<'_>) -> PyResult<()> {
    #[pyfunction]
    fn forked_by_the_application() {
        FORKED.store(true, Relaxed);
    }

    let arguments = PyDict::new(py);
    arguments.set_item("after_in_child", wrap_pyfunction!(forked_by_the_application, py)?)?;
    py.import("os")?.call_method("register_at_fork", (), Some(&arguments)).map(drop)
}

/// Whether this process is a child that the application forked: the connections and the event loop are its parent's.
#[must_use]
pub fn is_forked() -> bool {
    FORKED.load(Relaxed)
}

/// The exit status that an exception at the top of a process stands for: that of a `SystemExit`, else 1.
#[must_use]
pub fn exit_status(py: Python<'_>, error: &PyErr) -> u8 {
    if !error.is_instance_of::<PySystemExit>(py) {
        return 1;
    }
    match error.value(py).getattr("code") {
        Ok(code) if code.is_none() => 0,
        Ok(code) => code.extract::<i64>().map_or(1, |code| code as u8),
        Err(_) => 1,
    }
}

/// Let SIGABRT (and crashes) write the Python stack of every thread to `log`, even while the interpreter is held.
///
/// # Errors
/// When Python refuses.
pub fn arm_faulthandler(py: Python<'_>, log: RawFd) -> PyResult<()> {
    py.import("faulthandler")?.call_method1("enable", (log, true))?;
    Ok(())
}

/// Let INT and QUIT interrupt Python code on the main thread with `KeyboardInterrupt`, beside what they do already.
/// A `handler` is called in the place of Python's own, with what that is called with, and is to raise the same.
///
/// The handlers of the process stay in place: Python is only told what to raise.
///
/// # Errors
/// When Python or the kernel refuses.
pub fn arm_interrupt<'py>(py: Python<'py>, handler: Option<Bound<'py, PyAny>>) -> PyResult<()> {
    let module = py.import("signal")?;
    let handler = handler.map_or_else(|| module.getattr("default_int_handler"), Ok)?;
    // Setting the handler in Python replaces the one of the process, which is put back.
    let ours = replace(&SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty()))?;
    module.call_method1("signal", (Signal::SIGINT as i32, handler))?;
    replace(&ours)?;
    for signal in [Signal::SIGINT, Signal::SIGQUIT] {
        // SAFETY: `interrupt` calls nothing but an async-signal-safe function.
        #[allow(unsafe_code, reason = "code in a signal handler must be vouched for")]
        unsafe { signal_hook::low_level::register(signal as i32, interrupt) }?;
    }
    ARMED.store(true, Relaxed);
    Ok(())
}

/// Whether a signal may still interrupt Python.
static ARMED: AtomicBool = AtomicBool::new(false);

/// Let no signal interrupt Python any more, and forget one that has not done so yet: the worker is leaving already, and
/// what runs at its exit shall not be cut short.
pub fn disarm_interrupt(py: Python<'_>) {
    ARMED.store(false, Relaxed);
    // The interruption that this may raise is the one to forget.
    drop(py.check_signals());
}

fn interrupt() {
    if !ARMED.load(Relaxed) {
        return;
    }
    // SAFETY: it may be called at any time, from any thread, even in a signal handler (CPython's documentation).
    #[allow(unsafe_code, reason = "pyo3 offers no such call")]
    unsafe {
        ffi::PyErr_SetInterruptEx(Signal::SIGINT as i32);
    }
}

fn replace(action: &SigAction) -> PyResult<SigAction> {
    // SAFETY: the action is the default one or one that was in force before.
    #[allow(unsafe_code, reason = "changing a signal's action has no safe interface")]
    let old = unsafe { sigaction(Signal::SIGINT, action) };
    old.map_err(|error| std::io::Error::from(error).into())
}
