//! What one line of the access log costs, formatting and writing, with the default format:
//! `cargo run --release -p rgunicorn-logging --example access_cost`.

#[path = "../tests/common/request.rs"]
mod request;

use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use request::Request;
use rgunicorn_logging::AccessLog;
use rgunicorn_settings::{Destination, Level, Logging};

const DEFAULT: &str = r#"%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s""#;
const LINES: u32 = 1_000_000;

fn main() -> std::io::Result<()> {
    let folder = tempfile::tempdir()?;
    let (file, nowhere) = (folder.path().join("access.log"), Path::new("/dev/null"));
    let (mut bare, mut full) = (Request::bare(), Request::full());
    full.request.retain(|(name, _)| *name != "authorization");
    bare.target = b"/".to_vec();
    let mut out = std::io::stdout();
    for (name, request) in [("bare request", &bare), ("browser's request", &full)] {
        for (way, path, batch) in [
            ("formatting alone", nowhere, u32::MAX),
            ("a file, full buffers", &file, u32::MAX),
            ("a file, 64 lines a write", &file, 64),
            ("a file, 1 line a write", &file, 1),
        ] {
            let cost = (0..5).map(|_| one_run(path, request, batch)).min().unwrap_or_default();
            writeln!(out, "{name}, {way}: {} ns a line", cost.as_nanos())?;
        }
    }
    Ok(())
}

fn one_run(path: &Path, request: &Request, batch: u32) -> Duration {
    let settings = Logging {
        loglevel: Level::Info,
        errorlog: Destination::Stderr,
        accesslog: Some(Destination::File(path.to_owned())),
        access_log_format: DEFAULT.to_owned(),
    };
    let Ok(Some(mut log)) = AccessLog::open(&settings) else { return Duration::MAX };
    let start = Instant::now();
    for line in 1..=LINES {
        log.record(black_box(request));
        if line % batch == 0 {
            log.flush();
        }
    }
    log.flush();
    start.elapsed() / LINES
}
