//! Every threshold of the engine: how much a client may send, and how long each wait may last.

use std::time::Duration;

use rgunicorn_scoreboard::Millis;
use rgunicorn_settings::{self as settings, ByteLimit};

/// How much of a request is taken before it is refused.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Longest request line in bytes, without its line end; longer is 414.
    pub request_line: usize,
    /// Most header fields; more is 431.
    pub fields: usize,
    /// Longest header line in bytes; longer is 431.
    pub field_size: usize,
    /// Longest head (request line and header fields) in bytes; longer is 431. 64 KiB, or what the limits on fields allow
    /// where they were raised, up to 1 MiB.
    pub head: usize,
    /// Longest request body in bytes, whatever its framing; longer is 413.
    pub body: u64,
    /// Bytes of a request body that are kept in memory; the rest goes to an unlinked temporary file.
    pub body_memory: usize,
    /// The same for all bodies of a worker that are on their way; where they have more, only 64 KiB of each stay in memory.
    pub body_backlog: usize,
    /// Bytes of an unread request body that are read and dropped to keep a connection alive.
    pub discard: u64,
    /// Bytes of a response that wait for the client before the sender is told to wait.
    pub high_water: usize,
    /// Bytes of ends of responses that wait in memory for all clients together; more waits in files.
    pub backlog: usize,
    /// Bytes that may wait for all clients together, in memory and in files, so that the end of a response is taken
    /// whole; beyond it, applications wait for their clients.
    pub spill: u64,
    /// Requests that one connection may make; it is closed after the last.
    pub requests: u64,
}

impl Limits {
    /// What applies where nothing else was said.
    pub const DEFAULT: Self = Self {
        request_line: 4094,
        fields: 100,
        field_size: 8190,
        head: 64 * 1024,
        body: u64::MAX,
        body_memory: 512 * 1024,
        body_backlog: 32 * 1024 * 1024,
        discard: 256 * 1024,
        high_water: 64 * 1024,
        backlog: 32 * 1024 * 1024,
        spill: 1024 * 1024 * 1024,
        requests: u64::MAX,
    };

    /// What the settings say.
    #[must_use]
    pub fn new(limits: &settings::Limits, protocol: &settings::Protocol) -> Self {
        let bytes = |limit: ByteLimit| limit.0.and_then(|bytes| usize::try_from(bytes).ok());
        let fields = limits.limit_request_fields.0 as usize;
        let field_size = bytes(limits.limit_request_field_size);
        let head = match field_size {
            Some(size) if fields <= Self::DEFAULT.fields && size <= Self::DEFAULT.field_size => {
                Self::DEFAULT.head
            }
            Some(size) => size.saturating_mul(fields).clamp(Self::DEFAULT.head, LARGEST_HEAD),
            None => LARGEST_HEAD,
        };
        Self {
            request_line: limits.limit_request_line.0.map_or(usize::MAX, |bytes| bytes as usize),
            fields,
            field_size: field_size.unwrap_or(usize::MAX),
            head,
            body: limits.limit_request_body.0.unwrap_or(u64::MAX),
            requests: protocol.keepalive_requests.0.map_or(u64::MAX, u64::from),
            ..Self::DEFAULT
        }
    }
}

/// The longest head that any setting allows in bytes, so that what one connection takes in memory stays bounded.
const LARGEST_HEAD: usize = 1024 * 1024;

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// How long each wait on a client may last.
#[derive(Debug, Clone)]
pub struct Deadlines {
    /// From the first moment a request is expected on a new connection, or its first byte on an old one, to the end of
    /// its head.
    pub head: Duration,
    /// How long body bytes are waited for. A client that sends is given more as it goes on, but never more than this at
    /// once: see [`Pace`].
    pub body: Duration,
    /// Bytes of a body that earn their sender another second; 0 where any byte earns all of it.
    pub body_rate: u64,
    /// From one response to the next request.
    pub idle: Duration,
    /// Between two moments at which the client takes response bytes.
    pub write: Duration,
    /// From a request's handing out to the end of its response: then the worker is told to give it up.
    pub request: Option<Duration>,
    /// How long a connection that is being closed is read from, so that the client sees the response and not a reset.
    pub linger: Duration,
    /// How long after its last response, or its beginning, an open connection may still make a request of a worker that
    /// is leaving.
    pub parting: Duration,
    /// How long a worker that is leaving works for its clients at the most.
    pub stop: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(30),
            body: Duration::from_secs(30),
            body_rate: 240,
            idle: Duration::from_secs(2),
            write: Duration::from_secs(30),
            request: None,
            linger: Duration::from_secs(2),
            parting: Duration::from_secs(1),
            stop: Duration::from_secs(29),
        }
    }
}

impl Deadlines {
    /// What the settings say.
    #[must_use]
    pub fn new(protocol: &settings::Protocol) -> Self {
        Self {
            head: protocol.header_timeout.0,
            body: protocol.body_timeout.0,
            body_rate: protocol.min_body_rate.0.map_or(0, u64::from),
            idle: protocol.keepalive.0,
            write: protocol.write_timeout.0,
            ..Self::default()
        }
    }

    /// Be done with every client before a worker that is leaving is killed, after `graceful`.
    #[must_use]
    pub fn within(self, graceful: Duration) -> Self {
        Self { stop: graceful.saturating_sub(STOP_MARGIN).max(graceful / 2), ..self }
    }
}

/// How long before its end a worker that is leaving gives up what clients have not completed.
const STOP_MARGIN: Duration = Duration::from_secs(1);

/// How long a client that sends a body may still be waited for: a bucket of time that waiting empties and bytes fill.
///
/// So no gap is longer than [`Deadlines::body`], and over a longer time the client sends at [`Deadlines::body_rate`] at
/// least: one that sends a byte now and then to keep its connection is late like one that sends none.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Pace {
    left: Millis,
    since: Option<Millis>,
}

impl Pace {
    /// The bucket of a body that begins.
    pub(crate) fn full(deadlines: &Deadlines) -> Self {
        Self { left: millis(deadlines.body), since: None }
    }

    /// The client is waited for from now on; the result says for how long.
    pub(crate) fn wait(&mut self, now: Millis) -> Duration {
        let since = *self.since.get_or_insert(now);
        Duration::from_millis(self.left.saturating_sub(now.saturating_sub(since)))
    }

    /// The wait is over.
    pub(crate) fn stop(&mut self, now: Millis) {
        if let Some(since) = self.since.take() {
            self.left = self.left.saturating_sub(now.saturating_sub(since));
        }
    }

    /// Bytes have arrived.
    pub(crate) fn earn(&mut self, bytes: usize, deadlines: &Deadlines) {
        let full = millis(deadlines.body);
        let earned = (bytes as u64).saturating_mul(1000).checked_div(deadlines.body_rate);
        self.left = earned.map_or(full, |earned| self.left.saturating_add(earned).min(full));
    }
}

fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}

#[cfg(test)]
mod tests {
    use rgunicorn_settings::Settings;

    use super::*;

    fn limits(values: &[(&str, u64)]) -> Limits {
        let mut settings = Settings::default();
        for (name, value) in values {
            let value = value.to_string();
            let limits = &mut settings.limits;
            match *name {
                "fields" => limits.limit_request_fields = value.parse().unwrap(),
                "size" => limits.limit_request_field_size = value.parse().unwrap(),
                other => panic!("{other}"),
            }
        }
        Limits::new(&settings.limits, &settings.protocol)
    }

    #[test]
    fn the_whole_head_may_be_longer_where_more_or_longer_fields_are_allowed() {
        assert_eq!(limits(&[]).head, 64 * 1024);
        assert_eq!(limits(&[("size", 100)]).head, 64 * 1024);
        assert_eq!(limits(&[("size", 10_000)]).head, 1_000_000);
        assert_eq!(limits(&[("fields", 32_768)]).head, 1024 * 1024);
        assert_eq!(limits(&[("size", 0)]).head, 1024 * 1024);
    }

    fn deadlines(body_rate: u64) -> Deadlines {
        Deadlines { body: Duration::from_secs(10), body_rate, ..Deadlines::default() }
    }

    #[test]
    fn waiting_empties_the_bucket_and_bytes_fill_it() {
        let deadlines = deadlines(100);
        let mut pace = Pace::full(&deadlines);
        assert_eq!(pace.wait(1000), Duration::from_secs(10));
        assert_eq!(pace.wait(4000), Duration::from_secs(7));
        pace.stop(5000);
        assert_eq!(pace.wait(9000), Duration::from_secs(6));
        pace.stop(9000);
        pace.earn(200, &deadlines);
        assert_eq!(pace.wait(9000), Duration::from_secs(8));
        pace.earn(1_000_000, &deadlines);
        assert_eq!(pace.wait(9000), Duration::from_secs(10));
    }

    #[test]
    fn without_a_rate_any_byte_fills_it() {
        let deadlines = deadlines(0);
        let mut pace = Pace::full(&deadlines);
        pace.wait(0);
        pace.stop(9999);
        pace.earn(1, &deadlines);
        assert_eq!(pace.wait(9999), Duration::from_secs(10));
    }

    #[test]
    fn a_byte_now_and_then_does_not_keep_the_connection() {
        let deadlines = deadlines(100);
        let mut pace = Pace::full(&deadlines);
        let mut now = 0;
        let pause = Duration::from_secs(1);
        while pace.wait(now) > pause {
            now += 1000;
            pace.stop(now);
            pace.earn(10, &deadlines);
            assert!(now < 20_000, "still waited for after {now} ms");
        }
        assert!(now >= 10_000);
    }
}
