//! Every threshold of the engine: how much a client may send, and how long each wait may last.

use std::time::Duration;

/// How much of a request is taken before it is refused.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Longest request line in bytes, without its line end; longer is 414.
    pub request_line: usize,
    /// Most header fields; more is 431.
    pub fields: usize,
    /// Longest header line in bytes; longer is 431.
    pub field_size: usize,
    /// Longest head (request line and header fields) in bytes; longer is 431.
    pub head: usize,
    /// Bytes of a request body that are kept in memory; the rest goes to an unlinked temporary file.
    pub body_memory: usize,
    /// Bytes of an unread request body that are read and dropped to keep a connection alive.
    pub discard: u64,
    /// Bytes of a response that wait for the client before the sender is told to wait.
    pub high_water: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_line: 4094,
            fields: 100,
            field_size: 8190,
            head: 64 * 1024,
            body_memory: 512 * 1024,
            discard: 256 * 1024,
            high_water: 64 * 1024,
        }
    }
}

/// How long each wait on a client may last.
#[derive(Debug, Clone)]
pub struct Deadlines {
    /// From the first moment a request is expected on a new connection, or its first byte on an old one, to the end of
    /// its head.
    pub head: Duration,
    /// Between two arrivals of body bytes that are waited for.
    pub body: Duration,
    /// From one response to the next request.
    pub idle: Duration,
    /// Between two moments at which the client takes response bytes.
    pub write: Duration,
    /// How long a connection that is being closed is read from, so that the client sees the response and not a reset.
    pub linger: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(30),
            body: Duration::from_secs(30),
            idle: Duration::from_secs(2),
            write: Duration::from_secs(30),
            linger: Duration::from_secs(2),
        }
    }
}
