//! Conditional requests: what a client has already, and whether it still holds (RFC 9110 13).

use std::time::{Duration, SystemTime};

use crate::Exchange;

/// What tells one state of a file from another.
#[derive(Debug)]
pub(super) struct Validators {
    /// A strong entity tag with its quotation marks.
    pub(super) etag: String,
    /// When the file was changed, in whole seconds, and not in the future; `None` for dates that HTTP cannot say.
    pub(super) modified: Option<SystemTime>,
}

/// What the conditions of a request come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The request is to be carried out.
    Go,
    /// The client has it: 304.
    Unmodified,
    /// The client wants it in another state than it is in: 412.
    Failed,
}

/// Evaluate the preconditions of a GET or HEAD, in the order of RFC 9110 13.2.2.
pub(super) fn evaluate(exchange: &Exchange, is: &Validators) -> Verdict {
    let later_than = |date| is.modified.is_some_and(|modified| modified > date);
    if has(exchange, "if-match") {
        if !names(exchange, "if-match", &is.etag, Comparison::Strong) {
            return Verdict::Failed;
        }
    } else if date(exchange, "if-unmodified-since").is_some_and(later_than) {
        return Verdict::Failed;
    }
    if has(exchange, "if-none-match") {
        if names(exchange, "if-none-match", &is.etag, Comparison::Weak) {
            return Verdict::Unmodified;
        }
    } else if let (Some(since), Some(modified)) = (date(exchange, "if-modified-since"), is.modified)
        && modified <= since
    {
        return Verdict::Unmodified;
    }
    Verdict::Go
}

/// Whether a `Range` may be heeded, as far as `If-Range` goes (RFC 9110 13.1.5): only the very state that the client has
/// a part of can be continued.
pub(super) fn range_holds(exchange: &Exchange, is: &Validators, now: SystemTime) -> bool {
    let mut values = exchange.values("if-range");
    let Some(value) = values.next() else { return true };
    if values.next().is_some() {
        return false;
    }
    if value.starts_with(b"\"") || value.starts_with(b"W/") {
        return value == is.etag.as_bytes();
    }
    let Some(modified) = is.modified else { return false };
    // A date is as good as a strong validator where the file cannot have changed again within its second.
    parse_date(value) == Some(modified) && modified + Duration::from_secs(1) < now
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    /// Weak tags are equal to nothing (RFC 9110 8.8.3.2).
    Strong,
    /// Weak tags are equal to strong ones.
    Weak,
}

fn has(exchange: &Exchange, name: &str) -> bool {
    exchange.values(name).next().is_some()
}

/// Whether a list of entity tags has this one, or is `*`, which stands for any.
fn names(exchange: &Exchange, name: &str, etag: &str, comparison: Comparison) -> bool {
    exchange.values(name).any(|value| lists(value, etag.as_bytes(), comparison))
}

fn lists(value: &[u8], etag: &[u8], comparison: Comparison) -> bool {
    let mut rest = value.trim_ascii();
    if rest == b"*" {
        return true;
    }
    loop {
        rest = rest.trim_ascii_start();
        if let Some(next) = rest.strip_prefix(b",") {
            rest = next;
            continue;
        }
        let (weak, tag) = match rest.strip_prefix(b"W/") {
            Some(tag) => (true, tag),
            None => (false, rest),
        };
        let Some(end) = tag.get(1..).and_then(|inner| memchr::memchr(b'"', inner)) else { return false };
        if tag[0] != b'"' {
            return false;
        }
        let (tag, next) = tag.split_at(end + 2);
        if tag == etag && (comparison == Comparison::Weak || !weak) {
            return true;
        }
        rest = next;
    }
}

/// The date that a field says; `None` for none, for several, and for what is no date.
fn date(exchange: &Exchange, name: &str) -> Option<SystemTime> {
    let mut values = exchange.values(name);
    let value = values.next()?;
    if values.next().is_some() { None } else { parse_date(value) }
}

fn parse_date(value: &[u8]) -> Option<SystemTime> {
    httpdate::parse_http_date(str::from_utf8(value).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_compared_one_by_one() {
        let weakly = |value: &str| lists(value.as_bytes(), b"\"a,b\"", Comparison::Weak);
        let strongly = |value: &str| lists(value.as_bytes(), b"\"a,b\"", Comparison::Strong);
        for value in ["\"a,b\"", "\"x\", \"a,b\"", "\"\",, \"a,b\"", "*", " * ", "\"x\"\"a,b\""] {
            assert!(weakly(value) && strongly(value), "{value}");
        }
        assert!(weakly("W/\"x\", W/\"a,b\"") && !strongly("W/\"x\", W/\"a,b\""));
        for value in
            ["", "a,b", "\"a\"", "\"a,b", "'a,b'", "w/\"a,b\"", "\"x\", *", "W/", "\"", "**", "\"A,B\""]
        {
            assert!(!weakly(value) && !strongly(value), "{value}");
        }
    }
}
