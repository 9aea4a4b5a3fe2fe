//! What one line of the access log costs, formatting and writing, with the default format:
//! `cargo run --release -p rgunicorn-logging --example access_cost`.

#[path = "../tests/common/request.rs"]
mod request;

use std::hint::black_box;
use std::io::Write;
use std::time::{Duration, Instant};

use request::Request;
use rgunicorn_logging::AccessLog;
use rgunicorn_settings::{Destination, Level, Logging};

const DEFAULT: &str = r#"%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s""#;
const LINES: u32 = 1_000_000;

fn main() -> std::io::Result<()> {
    let folder = tempfile::tempdir()?;
    let settings = Logging {
        loglevel: Level::Info,
        errorlog: Destination::Stderr,
        accesslog: Some(Destination::File(folder.path().join("access.log"))),
        access_log_format: DEFAULT.to_owned(),
    };
    let (mut bare, mut full) = (Request::bare(), Request::full());
    full.request.retain(|(name, _)| *name != "authorization");
    bare.target = b"/".to_vec();
    let mut out = std::io::stdout();
    for (name, request) in [("bare request", &bare), ("browser's request", &full)] {
        for batch in [1, 64] {
            let cost = (0..5).map(|_| one_run(&settings, request, batch)).min().unwrap_or_default();
            writeln!(out, "{name}, {batch} lines a write: {} ns a line", cost.as_nanos())?;
        }
        let cost = (0..5).map(|_| one_run(&settings, request, u32::MAX)).min().unwrap_or_default();
        writeln!(out, "{name}, full buffers: {} ns a line", cost.as_nanos())?;
    }
    Ok(())
}

fn one_run(settings: &Logging, request: &Request, batch: u32) -> Duration {
    let Ok(Some(mut log)) = AccessLog::open(settings) else { return Duration::MAX };
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
