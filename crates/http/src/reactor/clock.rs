//! The time as the engine uses it: read once a turn and at the end of a request, the `Date` line formatted once a second.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use rgunicorn_scoreboard::{Millis, now};

/// A clock that stands still between two events.
#[derive(Debug)]
pub(crate) struct Clock {
    /// The same moment on both clocks.
    origin: (Instant, Millis),
    now: Millis,
    instant: Instant,
    date: Vec<u8>,
    date_valid_until: Millis,
}

impl Clock {
    pub(crate) fn new() -> Self {
        let instant = Instant::now();
        let origin = (instant, now());
        let mut clock = Self { origin, now: 0, instant, date: Vec::new(), date_valid_until: 0 };
        clock.advance();
        clock
    }

    /// Read the time.
    pub(crate) fn advance(&mut self) {
        self.mark();
        if self.now >= self.date_valid_until {
            let wall = SystemTime::now();
            self.date = format!("Date: {}\r\n", httpdate::fmt_http_date(wall)).into_bytes();
            let spent = wall.duration_since(UNIX_EPOCH).map_or(0, |since| since.subsec_millis());
            self.date_valid_until = self.now + u64::from(1000 - spent.min(999));
        }
    }

    /// Read the time without a look at the date.
    pub(crate) fn mark(&mut self) -> Instant {
        self.instant = Instant::now();
        let (origin, millis) = self.origin;
        self.now = millis + self.instant.saturating_duration_since(origin).as_millis() as Millis;
        self.instant
    }

    /// Milliseconds of the monotonic clock, as of the last reading.
    pub(crate) fn now(&self) -> Millis {
        self.now
    }

    /// The moment in which the last request ended or the turn began: when the next one begins.
    pub(crate) fn moment(&self) -> Instant {
        self.instant
    }

    /// The `Date` header line.
    pub(crate) fn date(&self) -> &[u8] {
        &self.date
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_line_is_an_imf_fixdate() {
        let clock = Clock::new();
        let line = String::from_utf8(clock.date().to_vec()).unwrap();
        assert!(line.starts_with("Date: ") && line.ends_with(" GMT\r\n"), "{line}");
        assert_eq!(line.len(), "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n".len());
    }
}
