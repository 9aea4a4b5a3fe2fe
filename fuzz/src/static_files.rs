//! Static files through the engine: what is sent is what lies in the directory under that name, and nothing else.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs,
    io::{Read as _, Write as _},
    os::unix::{
        fs::symlink,
        net::{SocketAddr, UnixStream},
    },
    path::PathBuf,
    time::Duration,
};

use rgunicorn_http::{Config, Engine, Event, Mounts};
use rgunicorn_settings::WireProtocol;

use crate::connection::{config, listening};

/// What lies outside of the directory.
const SECRET: &[u8] = b"what nobody may see";

thread_local! {
    static SITE: RefCell<Site> = RefCell::new(Site::new());
}

/// The target: the first line is the path below the mount, a `!` before it asks with HEAD; the others are fields.
///
/// # Panics
/// When an answer is not what the files are.
pub fn run(bytes: &[u8]) {
    SITE.with_borrow_mut(|site| site.visit(bytes));
}

/// A directory that is served, and what is in it.
struct Site {
    engine: Engine,
    address: SocketAddr,
    files: BTreeMap<Vec<u8>, Vec<u8>>,
    _master: UnixStream,
}

/// An answer as a client reads it.
struct Answer {
    status: u16,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Site {
    fn new() -> Self {
        let pattern = |length: usize| (0..length).map(|at| (at * 7 % 251) as u8).collect::<Vec<u8>>();
        let files: BTreeMap<Vec<u8>, Vec<u8>> = [
            (&b"index.html"[..], b"<p>index".to_vec()),
            (b"a.txt", pattern(1000)),
            (b"a.txt.gz", b"gzip of a".to_vec()),
            (b"a.txt.br", b"brotli of a".to_vec()),
            (b"image.png", pattern(300)),
            (b"b c.txt", b"blank".to_vec()),
            (b"%41", b"percent".to_vec()),
            (b".hidden", b"hidden".to_vec()),
            (b"empty.js", Vec::new()),
            (b"directory/index.html", b"<p>inside".to_vec()),
            (b"directory/b.css", pattern(40)),
            (b"directory/b.css.gz", b"gzip of b".to_vec()),
        ]
        .map(|(name, content)| (name.to_vec(), content))
        .into();
        let place = directory(&files);
        let mut mounts = Mounts::default();
        mounts.add("/static", &place).expect("a directory");
        let (engine, address, master) =
            listening(Config { mounts, ..config() }, WireProtocol::Http, "static");
        Self { engine, address, files, _master: master }
    }

    fn visit(&mut self, bytes: &[u8]) {
        let mut lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        let path = lines.next().unwrap_or_default();
        let (method, path) = path.strip_prefix(b"!").map_or(("GET", path), |path| ("HEAD", path));
        let mut request = [method.as_bytes(), b" /static", path, b" HTTP/1.1\r\n"].concat();
        for line in lines.filter(|line| is_about_files(line)) {
            request.extend_from_slice(line);
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"Host: h\r\nConnection: close\r\n\r\n");
        let answer = self.ask(&request);
        let Some(answer) = Answer::read(&answer) else {
            panic!("no answer to {}: {}", request.escape_ascii(), answer.escape_ascii());
        };
        let fault = self.judge(method, path, &answer);
        assert!(fault.is_none(), "{fault:?}: {} to {}", answer.status, request.escape_ascii());
    }

    /// Send a request and read all that comes back.
    fn ask(&mut self, request: &[u8]) -> Vec<u8> {
        let mut client = UnixStream::connect_addr(&self.address).expect("a listener");
        client.write_all(request).expect("room in the socket");
        for _ in 0..6 {
            self.engine.turn(Some(Duration::ZERO)).expect("a turn");
            while let Some(event) = self.engine.next() {
                if let Event::Request(mut exchange) = event {
                    exchange.reply.begin(b"299 Of the application").expect("a status");
                    self.engine.send(&mut exchange, b"", true).expect("a client");
                    self.engine.finish(exchange);
                }
            }
        }
        client.set_nonblocking(true).expect("a socket");
        let mut answer = Vec::new();
        // It ends, or would block where the engine waits for the rest of a request.
        let _ = client.read_to_end(&mut answer);
        drop(client);
        while self.engine.open_connections() > 0 {
            self.engine.turn(Some(Duration::ZERO)).expect("a turn");
            while self.engine.next().is_some() {}
        }
        answer
    }

    /// What is wrong with an answer.
    fn judge(&self, method: &str, path: &[u8], answer: &Answer) -> Option<&'static str> {
        if answer.body.windows(SECRET.len()).any(|window| window == SECRET) {
            return Some("a file from outside");
        }
        let length = answer.field("Content-Length").and_then(|length| length.parse::<usize>().ok());
        if method == "HEAD" || answer.status == 304 {
            return (!answer.body.is_empty()).then_some("a body where there is none");
        }
        if answer.status != 299 && length != Some(answer.body.len()) {
            return Some("a body of another length");
        }
        match answer.status {
            200 | 206 | 416 => {}
            299 | 301 | 400 | 403 | 404 | 412 | 414 | 417 | 431 | 501 => return None,
            _ => return Some("an unexpected status"),
        }
        let Some(mut name) = name_of(path) else { return Some("a path that names no file") };
        match answer.field("Content-Encoding") {
            Some("gzip") => name.extend_from_slice(b".gz"),
            Some("br") => name.extend_from_slice(b".br"),
            Some(_) => return Some("an unknown coding"),
            None => {}
        }
        let Some(content) = self.files.get(&name) else { return Some("a file that is not there") };
        match answer.status {
            200 => (answer.body != *content).then_some("another content"),
            206 => answer
                .parts()
                .is_none_or(|parts| !parts.iter().all(|part| part.is_of(content)))
                .then_some("other parts"),
            _ => {
                let said = answer.field("Content-Range").and_then(|range| range.strip_prefix("bytes */"));
                let size = said.and_then(|size| size.parse().ok());
                (size.is_none() || !self.sizes(&name).contains(&size)).then_some("another size")
            }
        }
    }

    /// How large the file is in each coding: an answer without a body does not say which one the client asked for.
    fn sizes(&self, name: &[u8]) -> [Option<usize>; 3] {
        ["", ".gz", ".br"].map(|coding| self.files.get(&[name, coding.as_bytes()].concat()).map(Vec::len))
    }
}

/// Whether a line can be a field of one request without a body: an empty line would end the head, and a second request
/// follow; a body would be waited for.
fn is_about_files(line: &[u8]) -> bool {
    let name = line.split(|byte| *byte == b':').next().unwrap_or_default().to_ascii_lowercase();
    !line.is_empty() && !line.contains(&b'\r') && name != b"content-length" && name != b"transfer-encoding"
}

/// Make the directory and what lies around it, in a place that all runs share.
fn directory(files: &BTreeMap<Vec<u8>, Vec<u8>>) -> PathBuf {
    let around = std::env::temp_dir().join("rgunicorn-fuzz-static");
    let place = around.join("files");
    fs::create_dir_all(place.join("directory")).expect("a place for files");
    fs::write(around.join("secret.txt"), SECRET).expect("a file");
    for (name, content) in files {
        let path = place.join(str::from_utf8(name).expect("a name"));
        if fs::read(&path).ok().as_ref() != Some(content) {
            fs::write(path, content).expect("a file");
        }
    }
    for (link, to) in [("out.txt", "../secret.txt"), ("up", ".."), ("absolute", "/etc"), ("circle", "circle")]
    {
        if fs::symlink_metadata(place.join(link)).is_err() {
            symlink(to, place.join(link)).expect("a link");
        }
    }
    place
}

/// The file that a path names, by another reader than ours; `None` where it names none.
fn name_of(path: &[u8]) -> Option<Vec<u8>> {
    let path = path.split(|byte| *byte == b'?').next()?;
    let rest = path.strip_prefix(b"/")?;
    let mut names = Vec::new();
    for segment in rest.split(|byte| *byte == b'/') {
        let name = decoded(segment)?;
        if name == b"." || name == b".." || name.iter().any(|byte| matches!(byte, b'/' | 0)) {
            return None;
        }
        if !name.is_empty() {
            names.push(name);
        }
    }
    if rest.is_empty() || rest.ends_with(b"/") {
        names.push(b"index.html".to_vec());
    }
    Some(names.join(&b'/'))
}

fn decoded(segment: &[u8]) -> Option<Vec<u8>> {
    let mut parts = segment.split(|byte| *byte == b'%');
    let mut name = parts.next()?.to_vec();
    for part in parts {
        let digits = str::from_utf8(part.get(..2)?).ok()?;
        if digits.contains('+') {
            return None;
        }
        name.push(u8::from_str_radix(digits, 16).ok()?);
        name.extend_from_slice(&part[2..]);
    }
    Some(name)
}

/// A part of a file: where it is said to lie, in how large a file, and its bytes.
struct Part {
    first: usize,
    last: usize,
    size: usize,
    bytes: Vec<u8>,
}

impl Part {
    fn new(range: &str, bytes: &[u8]) -> Option<Self> {
        let (ends, size) = range.strip_prefix("bytes ")?.split_once('/')?;
        let (first, last) = ends.split_once('-')?;
        let number = |text: &str| text.parse().ok();
        Some(Self { first: number(first)?, last: number(last)?, size: number(size)?, bytes: bytes.to_vec() })
    }

    fn is_of(&self, content: &[u8]) -> bool {
        self.size == content.len() && content.get(self.first..=self.last) == Some(&self.bytes)
    }
}

impl Answer {
    fn read(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = str::from_utf8(&bytes[..end]).ok()?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
        let fields =
            lines.map(|line| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned())));
        Some(Self { status, fields: fields.collect::<Option<_>>()?, body: bytes[end + 4..].to_vec() })
    }

    fn field(&self, name: &str) -> Option<&str> {
        let mut named = self.fields.iter().filter(|(field, _)| field.eq_ignore_ascii_case(name));
        named.next().map(|(_, value)| value.as_str())
    }

    /// The parts of a file that it has.
    fn parts(&self) -> Option<Vec<Part>> {
        if let Some(range) = self.field("Content-Range") {
            return Part::new(range, &self.body).map(|part| vec![part]);
        }
        let boundary = self.field("Content-Type")?.strip_prefix("multipart/byteranges; boundary=")?;
        let mut rest = self.body.strip_prefix(format!("--{boundary}").as_bytes())?;
        let mut parts = Vec::new();
        let limit = format!("\r\n--{boundary}");
        while rest != b"--\r\n" {
            let end = rest.windows(limit.len()).position(|window| window == limit.as_bytes())?;
            let piece = &rest[..end];
            let blank = piece.windows(4).position(|four| four == b"\r\n\r\n")?;
            let head = str::from_utf8(&piece[..blank]).ok()?;
            let range = head.split("\r\n").find_map(|line| line.strip_prefix("Content-Range: "))?;
            parts.push(Part::new(range, &piece[blank + 4..])?);
            rest = &rest[end + limit.len()..];
        }
        Some(parts)
    }
}
