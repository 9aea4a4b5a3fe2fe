//! Local time for log lines.
//!
//! The time zone is read once, from `TZ` or `/etc/localtime`, while the process still has one thread. Later look-ups
//! touch neither the environment nor a file, so they are safe in every thread and after a fork; changes to daylight
//! saving time are part of the zone's rules and need no second reading.

use std::io::Write as _;
use std::sync::OnceLock;

use nix::time::{ClockId, clock_gettime};
use tz::{DateTime, LocalTimeType, TimeZone};

const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

/// The wall clock. Linux has one that lags by a few milliseconds and costs a fifth.
#[cfg(target_os = "linux")]
const WALL: ClockId = ClockId::CLOCK_REALTIME_COARSE;
/// The wall clock.
#[cfg(not(target_os = "linux"))]
const WALL: ClockId = ClockId::CLOCK_REALTIME;

/// Seconds since 1970 by the wall clock.
pub(crate) fn unix_now() -> i64 {
    clock_gettime(WALL).map_or(0, |time| time.tv_sec())
}

/// The rules of a time zone.
#[derive(Debug)]
pub(crate) struct Zone(TimeZone);

impl Zone {
    /// The operator's zone, read at the first call.
    pub(crate) fn local() -> &'static Self {
        static LOCAL: OnceLock<Zone> = OnceLock::new();
        LOCAL.get_or_init(|| match std::env::var_os("TZ") {
            Some(name) => Self::named(&name.to_string_lossy()),
            None => Self(TimeZone::local().unwrap_or_else(|_| TimeZone::utc())),
        })
    }

    /// The zone that `TZ=name` stands for; UTC when there is no such zone, as in the C library.
    pub(crate) fn named(name: &str) -> Self {
        Self(TimeZone::from_posix_tz(name).unwrap_or_else(|_| TimeZone::utc()))
    }

    /// Append `[2026-01-31 12:00:00 +0000]`.
    pub(crate) fn write_iso(&self, out: &mut Vec<u8>, unix: i64) {
        let at = self.at(unix);
        let (year, month, day) = (at.year(), at.month(), at.month_day());
        // Writing into a vector cannot fail.
        let _ = write!(out, "[{year:04}-{month:02}-{day:02} ");
        write_clock(out, &at);
        out.push(b']');
    }

    /// Append `[31/Jan/2026:12:00:00 +0000]`, the date of the common log format.
    pub(crate) fn write_clf(&self, out: &mut Vec<u8>, unix: i64) {
        let at = self.at(unix);
        let _ = write!(out, "[{:02}/", at.month_day());
        out.extend_from_slice(MONTHS[usize::from(at.month() - 1) % 12]);
        let _ = write!(out, "/{:04}:", at.year());
        write_clock(out, &at);
        out.push(b']');
    }

    fn at(&self, unix: i64) -> DateTime {
        DateTime::from_timespec(unix, 0, self.0.as_ref())
            .or_else(|_| DateTime::from_timespec_and_local(unix, 0, LocalTimeType::utc()))
            .unwrap_or(EPOCH)
    }
}

/// What stands for a time that no calendar has.
const EPOCH: DateTime = match DateTime::from_timespec_and_local(0, 0, LocalTimeType::utc()) {
    Ok(epoch) => epoch,
    Err(_) => panic!("1970 is in every calendar"),
};

/// Append `12:00:00 +0000`.
fn write_clock(out: &mut Vec<u8>, at: &DateTime) {
    let minutes = at.local_time_type().ut_offset() / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    let (hours, minutes) = (minutes.abs() / 60, minutes.abs() % 60);
    let (hour, minute, second) = (at.hour(), at.minute(), at.second());
    let _ = write!(out, "{hour:02}:{minute:02}:{second:02} {sign}{hours:02}{minutes:02}");
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_769_860_800; // 2026-01-31 12:00:00 UTC

    fn both(zone: &str, unix: i64) -> (String, String) {
        let (zone, mut iso, mut clf) = (Zone::named(zone), Vec::new(), Vec::new());
        zone.write_iso(&mut iso, unix);
        zone.write_clf(&mut clf, unix);
        (String::from_utf8(iso).unwrap(), String::from_utf8(clf).unwrap())
    }

    #[test]
    fn the_offset_follows_the_zone_and_its_summer() {
        for (zone, unix, iso, clf) in [
            ("UTC0", NOON, "[2026-01-31 12:00:00 +0000]", "[31/Jan/2026:12:00:00 +0000]"),
            (
                "CET-1CEST,M3.5.0,M10.5.0/3",
                NOON,
                "[2026-01-31 13:00:00 +0100]",
                "[31/Jan/2026:13:00:00 +0100]",
            ),
            (
                "CET-1CEST,M3.5.0,M10.5.0/3",
                NOON + 181 * 86_400,
                "[2026-07-31 14:00:00 +0200]",
                "[31/Jul/2026:14:00:00 +0200]",
            ),
            ("NST3:30", NOON, "[2026-01-31 08:30:00 -0330]", "[31/Jan/2026:08:30:00 -0330]"),
            ("<+0545>-5:45", NOON + 43_200, "[2026-02-01 05:45:00 +0545]", "[01/Feb/2026:05:45:00 +0545]"),
        ] {
            assert_eq!(both(zone, unix), (iso.to_owned(), clf.to_owned()), "{zone}");
        }
    }

    #[test]
    fn an_unknown_zone_is_utc() {
        assert_eq!(both("Atlantis/Capital", NOON).0, "[2026-01-31 12:00:00 +0000]");
        assert_eq!(both("", NOON).0, "[2026-01-31 12:00:00 +0000]");
    }

    #[test]
    fn a_time_beyond_the_calendar_is_still_a_line() {
        assert_eq!(both("UTC0", i64::MAX).0, "[1970-01-01 00:00:00 +0000]");
    }
}
