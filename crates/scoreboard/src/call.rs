//! What a worker is doing right now: the request lines of the calls into Python that have not returned.
//!
//! A slot has room for a few of them. They are written by the worker with relaxed stores and read by the master at any
//! moment, so a reader may see a line that is half old and half new; it is shown to people, never decided upon.

use std::sync::atomic::{AtomicU16, AtomicU64, Ordering::Relaxed};

use crate::Millis;

const WORDS: usize = 29;
const ROOM: usize = 8;

/// One call into the application that has not returned.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub struct Call {
    /// When the call began; 0 while the cell is free.
    since: AtomicU64,
    /// Which call of this worker it is.
    number: AtomicU64,
    len: AtomicU16,
    line: [AtomicU64; WORDS],
}

impl Call {
    fn store(&self, number: u64, at: Millis, line: &[&[u8]]) {
        let mut words = self.line.iter();
        let (mut word, mut filled, mut total) = ([0u8; 8], 0, 0);
        for &byte in line.iter().copied().flatten().take(WORDS * 8) {
            word[filled] = byte;
            filled += 1;
            total += 1;
            if filled == 8 {
                filled = 0;
                if let Some(cell) = words.next() {
                    cell.store(u64::from_ne_bytes(word), Relaxed);
                }
            }
        }
        if filled > 0
            && let Some(cell) = words.next()
        {
            cell.store(u64::from_ne_bytes(word), Relaxed);
        }
        self.len.store(total, Relaxed);
        self.number.store(number, Relaxed);
        self.since.store(at.max(1), Relaxed);
    }

    fn line(&self) -> String {
        let bytes: Vec<u8> = self.line.iter().flat_map(|word| word.load(Relaxed).to_ne_bytes()).collect();
        let len = usize::from(self.len.load(Relaxed)).min(bytes.len());
        bytes[..len].escape_ascii().to_string()
    }
}

/// The calls of one worker that have not returned: at most eight are shown, the latest wins a full board.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Calls {
    cells: [Call; ROOM],
}

impl Calls {
    /// Note that call `number` begins at `at`, with its request line given in parts.
    pub fn begin(&self, number: u64, at: Millis, line: &[&[u8]]) {
        let first = &self.cells[0];
        let cell = if first.since.load(Relaxed) == 0 {
            first
        } else {
            let free = self.cells.iter().find(|cell| cell.since.load(Relaxed) == 0);
            free.unwrap_or(&self.cells[number as usize % ROOM])
        };
        cell.store(number, at, line);
    }

    /// Note that call `number` has returned.
    pub fn end(&self, number: u64) {
        let cell = self.cells.iter().find(|cell| cell.number.load(Relaxed) == number);
        if let Some(cell) = cell {
            cell.since.store(0, Relaxed);
        }
    }

    /// Forget every call; for a slot that gets a new owner.
    pub fn clear(&self) {
        for cell in &self.cells {
            cell.since.store(0, Relaxed);
        }
    }

    /// The calls that have not returned: since when, and the request line (control characters escaped), oldest first.
    #[must_use]
    pub fn unfinished(&self) -> Vec<(Millis, String)> {
        let open = |cell: &Call| match cell.since.load(Relaxed) {
            0 => None,
            since => Some((since, cell.line())),
        };
        let mut calls: Vec<_> = self.cells.iter().filter_map(open).collect();
        calls.sort();
        calls
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unfinished_call_shows_its_line_until_it_ends() {
        let calls = Calls::default();
        calls.begin(1, 5, &[b"GET", b" ", b"/slow?x=1"]);
        calls.begin(2, 6, &[b"POST /b"]);
        let lines: Vec<_> = calls.unfinished().into_iter().map(|(_, line)| line).collect();
        assert_eq!(lines.len(), 2);
        assert!(lines.contains(&"GET /slow?x=1".to_owned()));
        calls.end(1);
        assert_eq!(calls.unfinished()[0].1, "POST /b");
    }

    #[test]
    fn a_long_line_is_cut_and_control_characters_are_escaped() {
        let calls = Calls::default();
        calls.begin(1, 5, &[b"GET /\n", &[b'a'; 1000]]);
        let line = &calls.unfinished()[0].1;
        assert!(line.starts_with("GET /\\naaa"));
        assert_eq!(line.len(), WORDS * 8 + 1);
    }

    #[test]
    fn more_calls_than_room_lose_the_oldest_not_the_latest() {
        let calls = Calls::default();
        for number in 0..20 {
            calls.begin(number, 5, &[format!("GET /{number}").as_bytes()]);
        }
        assert!(calls.unfinished().iter().any(|(_, line)| line == "GET /19"));
    }
}
