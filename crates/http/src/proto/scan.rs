//! Where a request's head ends: found line by line while the bytes arrive.
//!
//! One pass closes the gap between `httparse` and RFC 9112: every line must end in CR LF, and no line or head may be longer
//! than its limit. A head that is not complete yet is refused as soon as its bytes show that it can never be valid.

use super::{Refusal, Rules, lines};

/// How far the search for the end of a head has come; kept between reads so that no byte is searched twice.
#[derive(Debug, Default, Clone, Copy)]
pub struct Scan {
    begin: usize,
    line: usize,
    lines: usize,
    seen: usize,
    /// The line at which the current field begins: another than `line` only where folding is permitted.
    field: usize,
    /// Up to here, the lines of an incomplete head have been looked into.
    checked: usize,
}

impl Scan {
    /// Look for the end of the head in `bytes`, which only grew since the last call. The result is the position of the
    /// first byte after the head.
    ///
    /// # Errors
    /// The refusal, as early as the bytes show it.
    pub fn find_end(&mut self, bytes: &[u8], rules: Rules<'_>) -> Result<Option<usize>, Refusal> {
        let before = self.seen;
        let found = self.search(bytes, rules);
        if !matches!(found, Ok(Some(_))) {
            // The first line that breaks a rule has the say, however the lines came.
            self.check_lines(bytes, rules)?;
        }
        if let Ok(None) = found {
            self.check_tail(&bytes[self.line.max(before.saturating_sub(1))..])?;
        }
        found
    }

    fn search(&mut self, bytes: &[u8], rules: Rules<'_>) -> Result<Option<usize>, Refusal> {
        while let Some(offset) = memchr::memchr(b'\n', &bytes[self.seen..]) {
            let at = self.seen + offset;
            if at == self.line || bytes[at - 1] != b'\r' {
                return Err(Refusal::LineEnd);
            }
            self.seen = at + 1;
            if at - 1 == self.line {
                if self.lines > 0 {
                    let fits = at < rules.limits.head;
                    return if fits { Ok(Some(at + 1)) } else { Err(Refusal::FieldsTooLarge) };
                }
                // RFC 9112 2.2: a server should ignore an empty line before the request line; one is enough.
                if self.begin > 0 {
                    return Err(Refusal::RequestLine);
                }
                self.begin = at + 1;
                self.checked = at + 1;
            } else if !(rules.leniency.permit_obsolete_folding && self.continues(bytes)) {
                self.check(at - 1 - self.line, rules)?;
                self.lines += 1;
                self.field = self.line;
            } else {
                self.check(at - 1 - self.field, rules)?;
            }
            self.line = at + 1;
        }
        self.seen = bytes.len();
        self.check((bytes.len() - self.line).saturating_sub(1), rules)?;
        match bytes.len() > rules.limits.head {
            true if self.lines == 0 => Err(Refusal::LineTooLong),
            true => Err(Refusal::FieldsTooLarge),
            false => Ok(None),
        }
    }

    /// Whether the current line goes on with the field before it (RFC 9112 5.2).
    fn continues(&self, bytes: &[u8]) -> bool {
        self.lines > 1 && matches!(bytes.get(self.line), Some(b' ' | b'\t'))
    }

    fn check(&self, length: usize, Rules { limits, .. }: Rules<'_>) -> Result<(), Refusal> {
        if self.lines == 0 {
            if length > limits.request_line || length > limits.head {
                Err(Refusal::LineTooLong)
            } else {
                Ok(())
            }
        } else if length > limits.field_size || self.lines > limits.fields + 1 {
            Err(Refusal::FieldsTooLarge)
        } else {
            Ok(())
        }
    }

    /// Look into the complete lines that are new.
    #[cold]
    fn check_lines(&mut self, bytes: &[u8], rules: Rules<'_>) -> Result<(), Refusal> {
        match bytes.get(self.begin) {
            // What cannot begin a method (a TLS hello, say) is refused without waiting for a line end.
            Some(&first)
                if !(lines::is_token(first) || (first == b'\r' && self.begin == 0) || first == b'\n') =>
            {
                return Err(Refusal::RequestLine);
            }
            _ => {}
        }
        while self.checked < self.line {
            let rest = &bytes[self.checked..self.line];
            let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len() - 1);
            let line = rest[..length].strip_suffix(b"\r").unwrap_or(rest);
            if self.checked == self.begin {
                lines::check_request_line(line, rules.leniency)?;
            } else if !rules.leniency.rewrites() && !lines::is_field(line) {
                return Err(Refusal::Field);
            }
            self.checked += length + 1;
        }
        Ok(())
    }

    /// Look into the bytes that are new of the line that is not complete.
    fn check_tail(&self, tail: &[u8]) -> Result<(), Refusal> {
        let (_, whole) = tail.split_last().unwrap_or((&0, &[]));
        if whole.contains(&b'\r') {
            return Err(Refusal::LineEnd);
        }
        if tail.iter().any(|byte| lines::is_control(*byte) && *byte != b'\r') {
            return Err(if self.lines == 0 { Refusal::RequestLine } else { Refusal::Field });
        }
        Ok(())
    }

    /// How many bytes before the request line are to be skipped.
    #[must_use]
    pub fn begin(&self) -> usize {
        self.begin
    }

    /// Whether any bytes have been searched.
    #[must_use]
    pub fn is_begun(&self) -> bool {
        self.seen > 0
    }
}
