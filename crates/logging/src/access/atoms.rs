//! The atoms of the access log format: the one table that the compiler of formats, the writer and the reference page
//! are made from.

use std::fmt::Write as _;

/// What a piece of the format stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Atom {
    /// An atom of one letter.
    Letter(Letter),
    /// `{name}i`
    RequestHeader(String),
    /// `{name}o`
    ResponseHeader(String),
    /// `{name}e`
    Environ(String),
}

/// The atoms of one letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Letter {
    RemoteAddress,
    Dash,
    User,
    Date,
    RequestLine,
    Method,
    Path,
    Query,
    Protocol,
    Status,
    ClfBytes,
    Bytes,
    Referer,
    UserAgent,
    Seconds,
    Micros,
    Millis,
    DecimalSeconds,
    Pid,
}

/// A row of the table.
pub(crate) struct Row {
    /// As the format spells it.
    pub(crate) name: &'static str,
    pub(crate) letter: Letter,
    /// Whether it is a number, which `%(name)d` may format as well.
    pub(crate) number: bool,
    meaning: &'static str,
    example: &'static str,
}

const fn text(name: &'static str, letter: Letter, meaning: &'static str, example: &'static str) -> Row {
    Row { name, letter, number: false, meaning, example }
}

const fn number(name: &'static str, letter: Letter, meaning: &'static str, example: &'static str) -> Row {
    Row { name, letter, number: true, meaning, example }
}

/// Every atom of one letter, in the order of the reference page.
pub(crate) const ROWS: [Row; 19] = [
    text("h", Letter::RemoteAddress, "address of the client", "203.0.113.7"),
    text("l", Letter::Dash, "always `-`, a field of the common log format", "-"),
    text("u", Letter::User, "user name of Basic authorization", "alice"),
    text("t", Letter::Date, "local time at which the line was made", "[31/Jan/2026:12:00:00 +0000]"),
    text("r", Letter::RequestLine, "request line", "GET /search?q=rust HTTP/1.1"),
    text("m", Letter::Method, "request method", "GET"),
    text("U", Letter::Path, "path, percent-decoded, without the query", "/search"),
    text("q", Letter::Query, "query without its `?`; empty if there is none", "q=rust"),
    text("H", Letter::Protocol, "protocol", "HTTP/1.1"),
    number("s", Letter::Status, "status code", "200"),
    number("b", Letter::ClfBytes, "bytes of response body", "5120"),
    number("B", Letter::Bytes, "bytes of response body", "5120"),
    text("f", Letter::Referer, "request header `Referer`", "https://example.com/"),
    text("a", Letter::UserAgent, "request header `User-Agent`", "curl/8.14.1"),
    number("T", Letter::Seconds, "time taken, whole seconds", "0"),
    number("M", Letter::Millis, "time taken, whole milliseconds", "12"),
    number("D", Letter::Micros, "time taken, whole microseconds", "12345"),
    text("L", Letter::DecimalSeconds, "time taken, decimal seconds", "0.012345"),
    text("p", Letter::Pid, "process id of the worker", "<4242>"),
];

/// The atoms that carry a name: spelling, meaning, an example of the format and its result.
const NAMED: [[&str; 4]; 3] = [
    ["{name}i", "request header `name`, in any case", "%({x-request-id}i)s", "7f3a91"],
    ["{name}o", "response header `name`, in any case", "%({content-type}o)s", "text/html"],
    ["{name}e", "variable `name` of the WSGI environ", "%({wsgi.url_scheme}e)s", "http"],
];

/// Every known atom, for messages.
pub(crate) fn known() -> String {
    let names = ROWS.iter().map(|row| row.name).chain(NAMED.iter().map(|named| named[0]));
    names.collect::<Vec<_>>().join(" ")
}

/// The table of atoms as Markdown, for the reference manual.
#[must_use]
pub fn atoms_markdown() -> String {
    let mut page =
        String::from("| Atom | Meaning | In the format | In the log |\n| --- | --- | --- | --- |\n");
    for Row { name, meaning, example, .. } in &ROWS {
        // Writing into a string cannot fail.
        let _ = writeln!(page, "| `{name}` | {meaning} | `%({name})s` | `{example}` |");
    }
    for [name, meaning, format, example] in NAMED {
        let _ = writeln!(page, "| `{name}` | {meaning} | `{format}` | `{example}` |");
    }
    page.push_str(NOTES);
    page
}

/// What the table cannot say.
const NOTES: &str = r#"
A value that is missing is written as `-`. `%%` is a percent sign. A width pads a value, on the left or, after `-`, on
the right: `%(s)-5s`, `%(D)10d`. `d` may stand for `s` where the value is a number.

Text that came from the client cannot forge or break a line: `"` and `\` get a backslash in front, control characters
and bytes beyond ASCII are written as `\n`, `\r`, `\t` or `\u00e9` (one escape a byte, read as Latin-1). These are the
escapes of JSON, so a format that has the shape of a JSON object gives one valid object a line:

    {"time": "%(t)s", "status": %(s)s, "request": "%(r)s", "agent": "%(a)s", "micros": %(D)s}
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_atom_has_its_own_name_and_a_line_in_the_manual() {
        let page = atoms_markdown();
        for (index, row) in ROWS.iter().enumerate() {
            assert!(ROWS[..index].iter().all(|other| other.name != row.name), "{} is there twice", row.name);
            assert!(page.contains(&format!("| `{}` |", row.name)));
        }
        assert!(page.contains("| `{name}e` |"));
    }
}
