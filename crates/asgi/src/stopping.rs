//! How an ASGI worker stops: what the master asked for, what requests are told, and what becomes of those that do not end.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use pyo3::{
    intern,
    prelude::*,
    types::{PyDict, PyList},
};
use rgunicorn_scoreboard::{Command, State};

use crate::{
    call::Call,
    server::{Server, Stop},
};

/// Seconds before the master's limit at which a graceful stop gives up, so that cleanup and shutdown are run.
const STOP_MARGIN: f64 = 1.0;
/// Seconds that requests which are told at the last moment that it is over have before they are cancelled.
const LAST_WORDS: f64 = 1.0;
/// Seconds that cancelled requests have for their cleanup.
const CLEANUP: f64 = 1.0;
/// Of so many requests that do not end, the log shows what they wait for.
const SHOWN: usize = 8;

/// How many seconds of `graceful` a stop may use before what is left is cancelled.
pub(crate) fn stop_limit(graceful: Duration) -> f64 {
    let graceful = graceful.as_secs_f64();
    (graceful - STOP_MARGIN).max(graceful / 2.0)
}

impl Server {
    /// Hear what the master has asked for already: a worker that was told to leave before it is ready serves nobody.
    pub(crate) fn listen_to_master(&self, py: Python<'_>) -> PyResult<()> {
        self.engine.lock().turn(Some(Duration::ZERO))?;
        self.heed(py)?;
        if self.stop() != Stop::No {
            // Others listen at the same sockets.
            self.engine.lock().pause();
        }
        Ok(())
    }

    /// Do what the master asked for.
    pub(crate) fn heed(&self, py: Python<'_>) -> PyResult<()> {
        let before = self.stop();
        {
            let mut engine = self.engine.lock();
            while let Some(command) = engine.command() {
                match command {
                    Command::StopGracefully if self.stop() == Stop::No => {
                        self.stop.store(Stop::WhenDone as u8, Relaxed);
                        self.slot.enter(State::Stopping);
                        engine.retire();
                    }
                    Command::StopGracefully => {}
                    Command::StopQuickly => self.stop.store(Stop::Now as u8, Relaxed),
                    Command::ReopenLogs => engine.reopen_logs(),
                }
            }
        }
        if before != Stop::Now && self.stop() == Stop::Now {
            self.hooks.worker_int(py);
        }
        if before == Stop::No && self.stop() == Stop::WhenDone {
            self.begin_stop(py)?;
        }
        Ok(())
    }

    fn begin_stop(&self, py: Python<'_>) -> PyResult<()> {
        let last_words = (self.stop_limit - LAST_WORDS).max(self.stop_limit / 2.0);
        self.event_loop.call_later(last_words, self.callbacks().dismiss.bind(py))?;
        self.event_loop.call_later(self.stop_limit, self.callbacks().leave.bind(py))?;
        // Streams that have no end are told at once: they try again to receive and hear of it.
        self.calls(py).iter().filter(|call| call.get().is_endless()).try_for_each(|call| call.get().wake(py))
    }

    /// The stop is about to reach its limit: whoever listens hears that it is over.
    pub(crate) fn dismiss(&self, py: Python<'_>) -> PyResult<()> {
        self.calls(py).iter().try_for_each(|call| call.get().dismiss(py))
    }

    /// End the loop's run. Once: what runs in the loop afterwards, shutdown above all, must not be stopped.
    pub(crate) fn leave(&self, py: Python<'_>) -> PyResult<()> {
        if self.left.swap(true, Relaxed) {
            return Ok(());
        }
        self.event_loop.event_loop.bind(py).call_method0(intern!(py, "stop")).map(drop)
    }

    /// Cancel what is still at work for requests, and give it a moment to clean up.
    pub(crate) fn cancel_requests(&self, py: Python<'_>) -> PyResult<()> {
        let asyncio = py.import("asyncio")?;
        let tasks = PyList::empty(py);
        for task in asyncio.call_method1("all_tasks", (self.event_loop.event_loop.bind(py),))?.try_iter()? {
            let task = task?;
            let coroutine = task.call_method0("get_coro")?;
            let Ok(call) = coroutine.cast::<Call>() else { continue };
            if tasks.len() < SHOWN {
                let (line, stack) = (call.get().line(py), call.get().stack(py));
                tracing::warn!("The worker leaves before the request {line} has ended\n{stack}");
            }
            task.call_method0("cancel")?;
            tasks.append(task)?;
        }
        if tasks.is_empty() {
            return Ok(());
        }
        tracing::warn!("Unfinished requests that are cancelled: {}", tasks.len());
        let arguments = PyDict::new(py);
        arguments.set_item("timeout", CLEANUP)?;
        self.event_loop.run_until_complete(&asyncio.call_method("wait", (tasks,), Some(&arguments))?)?;
        Ok(())
    }
}

impl Call {
    /// Whether the response is a stream of events, which goes on for as long as the client stays (WHATWG HTML, 9.2
    /// "Server-sent events"). Its client connects again by itself.
    pub(crate) fn is_endless(&self) -> bool {
        let state = self.state();
        let Some(exchange) = &state.exchange else { return false };
        let mut types = exchange.reply.values("content-type");
        types.any(|value| value.to_ascii_lowercase().starts_with(b"text/event-stream"))
    }

    /// Let `receive()` say that it is over, while `send()` still does what it does.
    fn dismiss(&self, py: Python<'_>) -> PyResult<()> {
        self.state().dismissed = true;
        self.wake(py)
    }

    /// Whether `receive()` is to say that it is over because the worker leaves.
    pub(crate) fn is_dismissed(&self) -> bool {
        self.server.stop() != Stop::No && (self.state().dismissed || self.is_endless())
    }
}
