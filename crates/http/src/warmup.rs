//! The first requests of a worker, which it makes itself: what an application imports or connects to at its first request
//! is there before a client waits for it.
//!
//! The client is a thread, because the worker's own is in the application: an answer that is longer than the socket's
//! buffers has to be read meanwhile.

use std::{
    io::{self, Read as _, Write as _},
    os::unix::net::UnixStream,
    thread::{self, JoinHandle},
};

use rgunicorn_settings::RequestPath;

use crate::Handle;

/// How the client names itself.
const AGENT: &str = "rgunicorn-warmup";
/// An answer with this status or a higher one is a failure.
const FAILURE: u16 = 400;

/// Why a worker is not warm.
#[derive(Debug, thiserror::Error)]
pub enum WarmupError {
    /// The application refuses, or fails.
    #[error(
        "the warm-up request for `{path}` was answered {status} (--warmup wants a path that is answered below 400)"
    )]
    Status {
        /// What was asked for.
        path: String,
        /// What was answered.
        status: u16,
    },
    /// The connection ended without an answer.
    #[error("the warm-up request for `{path}` was not answered (--warmup)")]
    Unanswered {
        /// What was asked for.
        path: String,
    },
}

/// A request of the worker's own that is under way.
#[derive(Debug)]
pub struct Warmup {
    path: String,
    client: JoinHandle<io::Result<Option<u16>>>,
}

impl Warmup {
    /// Make a request on a connection of the engine's own. `done` is called by another thread when it is over.
    ///
    /// # Errors
    /// When the system refuses the connection, or the thread.
    pub fn ask(
        engine: &Handle,
        path: &RequestPath,
        done: impl FnOnce() + Send + 'static,
    ) -> io::Result<Self> {
        let (ours, engines) = UnixStream::pair()?;
        engines.set_nonblocking(true)?;
        engine.lock().adopt(engines)?;
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: {AGENT}\r\nAccept: */*\r\nConnection: close\r\n\r\n"
        );
        let client = thread::Builder::new().name(AGENT.to_owned()).spawn(move || {
            let status = converse(ours, request.as_bytes());
            done();
            status
        })?;
        Ok(Self { path: path.to_string(), client })
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.client.is_finished()
    }

    /// Whether it was answered well; waits for the end.
    ///
    /// # Errors
    /// When it was not.
    pub fn outcome(self) -> Result<(), WarmupError> {
        match self.client.join() {
            Ok(Ok(Some(status))) if status < FAILURE => Ok(()),
            Ok(Ok(Some(status))) => Err(WarmupError::Status { path: self.path, status }),
            Ok(Ok(None) | Err(_)) | Err(_) => Err(WarmupError::Unanswered { path: self.path }),
        }
    }
}

/// Send a request and read the whole answer; its status, unless it was cut off before the end of its head.
fn converse(mut socket: UnixStream, request: &[u8]) -> io::Result<Option<u16>> {
    socket.write_all(request)?;
    let (mut head, mut buffer) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        let count = socket.read(&mut buffer)?;
        if count == 0 {
            return Ok(status(&head));
        }
        // The status line is enough.
        let room = 64_usize.saturating_sub(head.len());
        head.extend_from_slice(&buffer[..count.min(room)]);
    }
}

fn status(head: &[u8]) -> Option<u16> {
    let code = head.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
    str::from_utf8(code).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_from_the_first_line_only() {
        assert_eq!(status(b"HTTP/1.1 503 Service Unavailable\r\n"), Some(503));
        assert_eq!(status(b"HTTP/1.1 200 OK"), Some(200));
        for bad in [&b""[..], b"HTTP/1.1 20", b"SSH-2.0", b"HTTP/1.1 abc"] {
            assert_eq!(status(bad), None);
        }
    }
}
