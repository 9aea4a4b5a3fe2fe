//! One answer: which file in which form, or why not.

use std::{
    fs::{File, Metadata},
    hash::{BuildHasher, RandomState},
    os::unix::fs::MetadataExt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rgunicorn_scoreboard::Millis;

use super::{
    coding::Coding,
    conditions::{self, Validators, Verdict},
    path::{self, Place},
    ranges::{self, Asked},
    root::{Entry, Missing, Root},
    types,
};
use crate::{Exchange, FileSlice, Method, Reply};

/// The last second that a date in HTTP can name.
const LAST_SECOND: u64 = 253_402_300_799;

/// What a request is answered with.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The server's own words.
    Refused(Refused),
    /// The path names a directory, and does not say so.
    Redirect(Vec<u8>),
    /// The client has the file.
    Unmodified(Representation),
    /// All of a file.
    Whole(Representation),
    /// Parts of it, in this order.
    Parts(Representation, Vec<(u64, u64)>),
}

/// Why nothing is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    Method,
    NotFound,
    Forbidden,
    Condition,
    /// No part that was asked for exists in this many bytes.
    Range(u64),
    Busy,
    Broken,
}

/// A file in the form that this client gets.
#[derive(Debug)]
pub(crate) struct Representation {
    file: Arc<File>,
    size: u64,
    kind: &'static str,
    coding: Option<Coding>,
    validators: Validators,
    /// Another client may get another form.
    varies: bool,
}

/// What is to be sent behind the head.
#[derive(Debug)]
pub(crate) enum Content {
    /// These words.
    Text(&'static str),
    /// This file.
    File(FileSlice),
    /// All of these.
    Pieces(Vec<Piece>),
}

/// A piece of a body of several.
#[derive(Debug)]
pub(crate) enum Piece {
    Bytes(Vec<u8>),
    File(FileSlice),
}

/// Answer a request for what `rest` names below a directory.
pub(super) fn decide(root: &mut Root, rest: &[u8], exchange: &Exchange, now: (Millis, SystemTime)) -> Answer {
    let head = exchange.head().semantics().method == Method::Head;
    if !head && exchange.method() != b"GET" {
        return Answer::Refused(Refused::Method);
    }
    let found = path::place(rest).ok_or(Refused::NotFound).and_then(|place| find(root, place, exchange, now));
    let representation = match found {
        Ok(Found::File(representation)) => representation,
        Ok(Found::Directory) => return Answer::Redirect(with_slash(exchange)),
        Err(refused) => return Answer::Refused(refused),
    };
    match conditions::evaluate(exchange, &representation.validators) {
        Verdict::Go => {}
        Verdict::Unmodified => return Answer::Unmodified(representation),
        Verdict::Failed => return Answer::Refused(Refused::Condition),
    }
    // RFC 9110 14.2: ranges are defined for GET alone, and one field of them.
    let mut wanted = exchange.values("range");
    let (Some(range), None, false) = (wanted.next(), wanted.next(), head) else {
        return Answer::Whole(representation);
    };
    if !conditions::range_holds(exchange, &representation.validators, now.1) {
        return Answer::Whole(representation);
    }
    match ranges::read(range, representation.size) {
        Asked::Whole => Answer::Whole(representation),
        Asked::Parts(parts) => Answer::Parts(representation, parts),
        Asked::Nothing => Answer::Refused(Refused::Range(representation.size)),
    }
}

enum Found {
    File(Representation),
    Directory,
}

/// Find the file and the best form of it.
fn find(
    root: &mut Root,
    place: Place,
    exchange: &Exchange,
    (at, now): (Millis, SystemTime),
) -> Result<Found, Refused> {
    let Place { mut name, slash } = place;
    let index = |name: &mut Vec<u8>| {
        name.extend_from_slice(if name.is_empty() { b"index.html" } else { b"/index.html" });
    };
    if slash {
        index(&mut name);
    }
    let (file, metadata) = match root.find(&name, at)? {
        Entry::File(file, metadata) => (file, metadata),
        Entry::Directory if slash => return Err(Refused::NotFound),
        Entry::Directory => {
            index(&mut name);
            let Entry::File(..) = root.find(&name, at)? else { return Err(Refused::NotFound) };
            return Ok(Found::Directory);
        }
    };
    let kind = types::of(&name);
    let varies = types::is_compressible(kind);
    if varies {
        let end = name.len();
        for coding in Coding::wanted(exchange.values("accept-encoding")) {
            name.truncate(end);
            name.extend_from_slice(coding.suffix().as_bytes());
            if let Ok(Entry::File(file, metadata)) = root.find(&name, at) {
                let form = (kind, Some(coding), varies);
                return Ok(Found::File(Representation::new(file, &metadata, form, now)));
            }
        }
    }
    Ok(Found::File(Representation::new(file, &metadata, (kind, None, varies), now)))
}

/// The same path with a slash, relative to the one that the client asked for: a proxy may have shortened that.
fn with_slash(exchange: &Exchange) -> Vec<u8> {
    let last = exchange.path().rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    // The dot keeps a name from being read as a scheme or a host.
    let mut location = [b"./", last, b"/"].concat();
    if !exchange.query().is_empty() {
        location.push(b'?');
        location.extend_from_slice(exchange.query());
    }
    location
}

impl From<Missing> for Refused {
    fn from(missing: Missing) -> Self {
        match missing {
            Missing::NotFound => Self::NotFound,
            Missing::Forbidden => Self::Forbidden,
            Missing::Busy => Self::Busy,
            Missing::Broken => Self::Broken,
        }
    }
}

impl Refused {
    /// The status, and a line that says so.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Method => {
                ("405 Method Not Allowed", "405 Method Not Allowed: files are read with GET and HEAD\n")
            }
            Self::NotFound => ("404 Not Found", "404 Not Found: there is no such file\n"),
            Self::Forbidden => ("403 Forbidden", "403 Forbidden: the file may not be read\n"),
            Self::Condition => {
                ("412 Precondition Failed", "412 Precondition Failed: the file is another one by now\n")
            }
            Self::Range(_) => {
                ("416 Range Not Satisfiable", "416 Range Not Satisfiable: the file has no such part\n")
            }
            Self::Busy => ("503 Service Unavailable", "503 Service Unavailable: too many files are open\n"),
            Self::Broken => {
                ("500 Internal Server Error", "500 Internal Server Error: the file cannot be read\n")
            }
        }
    }
}

impl Representation {
    fn new(
        file: File,
        metadata: &Metadata,
        (kind, coding, varies): (&'static str, Option<Coding>, bool),
        now: SystemTime,
    ) -> Self {
        let size = metadata.len();
        let suffix = coding.map_or("", Coding::suffix).replace('.', "-");
        let nanoseconds = i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
        let etag = format!("\"{nanoseconds:x}-{size:x}{suffix}\"");
        let seconds = u64::try_from(metadata.mtime()).ok().filter(|seconds| *seconds <= LAST_SECOND);
        // RFC 9110 8.8.2.1: not later than now.
        let modified = seconds.map(|seconds| (UNIX_EPOCH + Duration::from_secs(seconds)).min(now));
        Self { file: Arc::new(file), size, kind, coding, validators: Validators { etag, modified }, varies }
    }

    fn slice(&self, (offset, length): (u64, u64)) -> FileSlice {
        FileSlice { file: Arc::clone(&self.file), offset, length }
    }

    /// The fields that caches want of every answer about it (RFC 9110 15.4.5).
    fn write_identity(&self, reply: &mut Reply) {
        field(reply, "ETag", &self.validators.etag);
        if self.varies {
            field(reply, "Vary", "Accept-Encoding");
        }
    }

    /// What it is, but for type and length.
    fn write_description(&self, reply: &mut Reply) {
        if let Some(modified) = self.validators.modified {
            field(reply, "Last-Modified", &httpdate::fmt_http_date(modified));
        }
        if let Some(coding) = self.coding {
            field(reply, "Content-Encoding", coding.name());
        }
        // A browser is to take the type from the name, not from what it finds in the file.
        field(reply, "X-Content-Type-Options", "nosniff");
        self.write_identity(reply);
    }

    fn write_length(reply: &mut Reply, length: u64) {
        field(reply, "Content-Length", itoa::Buffer::new().format(length));
    }

    fn range(&self, (offset, length): (u64, u64)) -> String {
        format!("bytes {offset}-{}/{}", offset + length - 1, self.size)
    }
}

impl Answer {
    /// Write the head of the response, and say what follows it.
    pub(crate) fn write(self, reply: &mut Reply) -> Content {
        match self {
            Self::Refused(refused) => {
                let (status, text) = refused.words();
                reply.begin_text(status);
                match refused {
                    Refused::Method => field(reply, "Allow", "GET, HEAD"),
                    Refused::Range(size) => field(reply, "Content-Range", &format!("bytes */{size}")),
                    Refused::NotFound
                    | Refused::Forbidden
                    | Refused::Condition
                    | Refused::Busy
                    | Refused::Broken => {}
                }
                Content::Text(text)
            }
            Self::Redirect(location) => {
                reply.begin_text("301 Moved Permanently");
                let named = reply.field(b"Location", &location);
                debug_assert!(named.is_ok(), "a target has no line ends");
                Content::Text("301 Moved Permanently: the directory's path ends with a slash\n")
            }
            Self::Unmodified(file) => {
                begin(reply, "304 Not Modified");
                file.write_identity(reply);
                Content::Text("")
            }
            Self::Whole(file) => {
                begin(reply, "200 OK");
                field(reply, "Content-Type", file.kind);
                Representation::write_length(reply, file.size);
                field(reply, "Accept-Ranges", "bytes");
                file.write_description(reply);
                Content::File(file.slice((0, file.size)))
            }
            Self::Parts(file, parts) => {
                begin(reply, "206 Partial Content");
                match parts[..] {
                    [part] => {
                        field(reply, "Content-Type", file.kind);
                        Representation::write_length(reply, part.1);
                        field(reply, "Content-Range", &file.range(part));
                        file.write_description(reply);
                        Content::File(file.slice(part))
                    }
                    _ => Content::Pieces(write_parts(&file, &parts, reply)),
                }
            }
        }
    }
}

/// Several parts in one body (RFC 9110 14.6).
fn write_parts(file: &Representation, parts: &[(u64, u64)], reply: &mut Reply) -> Vec<Piece> {
    // Nobody who puts a file here can know what divides it.
    let boundary = format!("{:016x}{:016x}", RandomState::new().hash_one(0), RandomState::new().hash_one(1));
    let mut pieces = Vec::with_capacity(2 * parts.len() + 1);
    let mut before = "";
    let mut length = 0;
    for part in parts {
        let (kind, range) = (file.kind, file.range(*part));
        let head = format!("{before}--{boundary}\r\nContent-Type: {kind}\r\nContent-Range: {range}\r\n\r\n")
            .into_bytes();
        length += head.len() as u64 + part.1;
        pieces.extend([Piece::Bytes(head), Piece::File(file.slice(*part))]);
        before = "\r\n";
    }
    let end = format!("\r\n--{boundary}--\r\n").into_bytes();
    length += end.len() as u64;
    pieces.push(Piece::Bytes(end));
    field(reply, "Content-Type", &format!("multipart/byteranges; boundary={boundary}"));
    Representation::write_length(reply, length);
    file.write_description(reply);
    pieces
}

fn begin(reply: &mut Reply, status: &str) {
    let begun = reply.begin(status.as_bytes());
    debug_assert!(begun.is_ok(), "`{status}` is no status");
}

fn field(reply: &mut Reply, name: &str, value: &str) {
    let written = reply.field(name.as_bytes(), value.as_bytes());
    debug_assert!(written.is_ok(), "`{name}: {value}` is no field");
}
