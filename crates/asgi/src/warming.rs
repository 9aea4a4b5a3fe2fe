//! The worker's own first requests, once the application has started.

use pyo3::prelude::*;
use rgunicorn_http::Warmup;
use rgunicorn_settings::RequestPath;

use crate::server::{Server, Stop};

impl Server {
    /// Make the worker's own requests, one after the other, before those of clients. The text for the log if the
    /// application does not answer them well; it may be told to stop meanwhile, too.
    pub(crate) fn warm_up(&self, py: Python<'_>, paths: &[RequestPath]) -> PyResult<Option<String>> {
        if paths.is_empty() {
            return Ok(None);
        }
        self.engine.lock().hold();
        for path in paths {
            let answered = self.event_loop.future(py)?;
            let resolve = answered.getattr("set_result")?.unbind();
            let event_loop = self.event_loop.event_loop.clone_ref(py);
            let done = move || {
                // A loop that was closed meanwhile waits for nothing any more.
                let _ = Python::attach(|py| {
                    event_loop.call_method1(py, "call_soon_threadsafe", (resolve, py.None())).map(drop)
                });
            };
            let asked = Warmup::ask(&self.engine, path, done)?;
            let waited = self.event_loop.run_until_complete(&answered);
            if self.stop() != Stop::No {
                return Ok(None);
            }
            waited?;
            if let Err(error) = py.detach(|| asked.outcome()) {
                return Ok(Some(format!("Application startup failed: {error}")));
            }
        }
        self.engine.lock().open();
        Ok(None)
    }
}
