//! Formatting one access line into the buffer, without allocating.

use std::time::Duration;

use super::Record;
use super::atoms::{Atom, Letter};
use super::format::{AccessFormat, Padding, Piece};
use super::user::push_user;
use crate::clock::{Zone, unix_now};
use crate::escape::{escape_tail, push_escaped, push_escaped_byte};

/// What lines of one log have in common: spare memory, and values that are formatted once a second or once a batch.
#[derive(Debug)]
pub(super) struct Common {
    zone: &'static Zone,
    second: i64,
    date: Vec<u8>,
    pub(super) pid: u32,
    scratch: Vec<u8>,
}

impl Common {
    pub(super) fn new(zone: &'static Zone) -> Self {
        Self { zone, second: i64::MIN, date: Vec::new(), pid: std::process::id(), scratch: Vec::new() }
    }

    /// The date in the common log format, made anew when the second has changed.
    fn date(&mut self, now: i64) -> &[u8] {
        if now != self.second {
            self.second = now;
            self.date.clear();
            self.zone.write_clf(&mut self.date, now);
        }
        &self.date
    }
}

/// Append the line of `record`, its line end included.
pub(super) fn write_line<R: Record + ?Sized>(
    out: &mut Vec<u8>,
    format: &AccessFormat,
    common: &mut Common,
    record: &R,
) {
    for piece in &format.pieces {
        match piece {
            Piece::Literal(text) => out.extend_from_slice(text),
            Piece::Atom(atom) => write_atom(out, atom, common, record),
            Piece::Padded(atom, padding) => {
                let start = out.len();
                write_atom(out, atom, common, record);
                pad(out, start, *padding);
            }
        }
    }
    out.push(b'\n');
}

fn write_atom<R: Record + ?Sized>(out: &mut Vec<u8>, atom: &Atom, common: &mut Common, record: &R) {
    let start = out.len();
    let found = match atom {
        Atom::Letter(letter) => return write_letter(out, *letter, common, record),
        Atom::RequestHeader(name) => record.request_header(name, out),
        Atom::ResponseHeader(name) => record.response_header(name, out),
        Atom::Environ(name) => record.environ(name, out),
    };
    finish_text(out, start, found, &mut common.scratch);
}

fn write_letter<R: Record + ?Sized>(out: &mut Vec<u8>, letter: Letter, common: &mut Common, record: &R) {
    match letter {
        Letter::RemoteAddress => match record.remote_address() {
            Some(address) if !address.is_empty() => push_escaped(out, address.as_bytes()),
            _ => out.push(b'-'),
        },
        Letter::Dash => out.push(b'-'),
        Letter::User => write_user(out, &mut common.scratch, record),
        Letter::Date => out.extend_from_slice(common.date(unix_now())),
        Letter::RequestLine => {
            push_escaped(out, record.method());
            out.push(b' ');
            push_escaped(out, record.target());
            out.push(b' ');
            push_escaped(out, record.protocol().as_bytes());
        }
        Letter::Method => push_escaped(out, record.method()),
        Letter::Path => push_decoded(out, path_and_query(record.target()).0),
        Letter::Query => push_escaped(out, path_and_query(record.target()).1),
        Letter::Protocol => push_escaped(out, record.protocol().as_bytes()),
        Letter::Status => push_number(out, u64::from(record.status())),
        Letter::ClfBytes | Letter::Bytes => push_number(out, record.body_bytes()),
        Letter::Referer => write_header(out, "referer", common, record),
        Letter::UserAgent => write_header(out, "user-agent", common, record),
        Letter::Seconds => push_number(out, record.elapsed().as_secs()),
        Letter::Millis => push_number(out, saturate(record.elapsed().as_millis())),
        Letter::Micros => push_number(out, saturate(record.elapsed().as_micros())),
        Letter::DecimalSeconds => push_decimal(out, record.elapsed()),
        Letter::Pid => {
            out.push(b'<');
            push_number(out, u64::from(common.pid));
            out.push(b'>');
        }
    }
}

fn write_header<R: Record + ?Sized>(out: &mut Vec<u8>, name: &str, common: &mut Common, record: &R) {
    let start = out.len();
    let found = record.request_header(name, out);
    finish_text(out, start, found, &mut common.scratch);
}

/// Escape the value that was appended after `start`, or put a dash in its place.
fn finish_text(out: &mut Vec<u8>, start: usize, found: bool, scratch: &mut Vec<u8>) {
    if found {
        escape_tail(out, start, scratch);
    } else {
        out.truncate(start);
        out.push(b'-');
    }
}

fn write_user<R: Record + ?Sized>(out: &mut Vec<u8>, scratch: &mut Vec<u8>, record: &R) {
    let start = out.len();
    scratch.clear();
    let found = record.request_header("authorization", scratch) && push_user(out, scratch);
    finish_text(out, start, found, scratch);
}

/// Split a request target as the environ has it: path and query, without scheme, host and fragment.
fn path_and_query(target: &[u8]) -> (&[u8], &[u8]) {
    let target = match target.windows(3).position(|window| window == b"://") {
        Some(colon) if target[..colon].iter().all(u8::is_ascii_alphabetic) && colon > 0 => {
            let rest = &target[colon + 3..];
            let host = rest.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(rest.len());
            &rest[host..]
        }
        _ => target,
    };
    let target = split_at_byte(target, b'#').0;
    split_at_byte(target, b'?')
}

fn split_at_byte(text: &[u8], byte: u8) -> (&[u8], &[u8]) {
    match text.iter().position(|&other| other == byte) {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, b""),
    }
}

/// Append a path percent-decoded, then escaped.
fn push_decoded(out: &mut Vec<u8>, path: &[u8]) {
    let mut rest = path;
    while let Some((&byte, after)) = rest.split_first() {
        let pair = after.first().zip(after.get(1)).filter(|_| byte == b'%');
        let decoded = pair.and_then(|(&high, &low)| Some(hex(high)? << 4 | hex(low)?));
        push_escaped_byte(out, decoded.unwrap_or(byte));
        rest = if decoded.is_some() { &after[2..] } else { after };
    }
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

fn push_number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Append seconds with six decimals.
fn push_decimal(out: &mut Vec<u8>, elapsed: Duration) {
    push_number(out, elapsed.as_secs());
    // A leading 1 keeps the zeros; the point takes its place.
    let point = out.len();
    push_number(out, 1_000_000 + u64::from(elapsed.subsec_micros()));
    out[point] = b'.';
}

fn saturate(wide: u128) -> u64 {
    u64::try_from(wide).unwrap_or(u64::MAX)
}

/// Pad what was written after `start`.
fn pad(out: &mut Vec<u8>, start: usize, padding: Padding) {
    let length = out.len() - start;
    let missing = padding.width.saturating_sub(length);
    out.resize(out.len() + missing, if padding.zeros { b'0' } else { b' ' });
    if !padding.left {
        out[start..].rotate_right(missing);
    }
}
