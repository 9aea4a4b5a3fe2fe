//! The time as the engine uses it: read once a turn, the `Date` line formatted once a second.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use rgunicorn_scoreboard::{Millis, now};

/// A clock that stands still within a turn.
#[derive(Debug)]
pub(crate) struct Clock {
    now: Millis,
    instant: Instant,
    date: Vec<u8>,
    date_valid_until: Millis,
}

impl Clock {
    pub(crate) fn new() -> Self {
        let mut clock = Self { now: 0, instant: Instant::now(), date: Vec::new(), date_valid_until: 0 };
        clock.advance();
        clock
    }

    /// Read the time.
    pub(crate) fn advance(&mut self) {
        self.now = now();
        if self.now >= self.date_valid_until {
            let wall = SystemTime::now();
            self.date = format!("Date: {}\r\n", httpdate::fmt_http_date(wall)).into_bytes();
            let spent = wall.duration_since(UNIX_EPOCH).map_or(0, |since| since.subsec_millis());
            self.date_valid_until = self.now + u64::from(1000 - spent.min(999));
        }
    }

    /// Milliseconds of the monotonic clock, as of the last [`Clock::advance`].
    pub(crate) fn now(&self) -> Millis {
        self.now
    }

    /// The moment in which the last request ended or the turn began: when the next one begins.
    pub(crate) fn moment(&self) -> Instant {
        self.instant
    }

    /// Read the precise time, and remember it.
    pub(crate) fn mark(&mut self) -> Instant {
        self.instant = Instant::now();
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
