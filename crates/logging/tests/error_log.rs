//! The error log from outside: opening, rotating, a reader that sleeps, taking over from an earlier log.

#![allow(clippy::unwrap_used, reason = "helpers of tests, which the lint does not recognise as such")]

#[path = "common/mod.rs"]
mod common;
#[path = "common/request.rs"]
mod request;

use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use common::Place;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use rgunicorn_logging::{AccessLog, ErrorLog, reopen_error_log};
use rgunicorn_settings::{Destination, Level};

const FORMAT: &str = "%(m)s";

#[test]
fn a_path_that_cannot_be_opened_says_why_and_what_to_do() {
    let place = Place::new();
    let folder = place.folder.path();
    fs::write(folder.join("file"), "").unwrap();
    nix::unistd::mkfifo(&folder.join("fifo"), Mode::S_IRWXU).unwrap();
    let shown = folder.display();
    for (name, reason) in [
        ("", "Is a directory; it is a directory: give the path of a file in it".to_owned()),
        (
            "no/log",
            format!("No such file or directory; create the directory `{shown}/no` or choose another path"),
        ),
        ("file/log", format!("Not a directory; `{shown}/file` is not a directory: choose another path")),
        (
            "fifo",
            "No such device or address; start the program that reads this pipe first, or choose a file"
                .to_owned(),
        ),
    ] {
        let path = folder.join(name);
        let mut settings = place.settings(FORMAT);
        settings.errorlog = Destination::File(path.clone());
        settings.accesslog = Some(Destination::File(path.clone()));
        let expected = format!("cannot open `{}` for appending: {reason}", path.display());
        assert_eq!(ErrorLog::open(&settings).unwrap_err().to_string(), format!("`errorlog`: {expected}"));
        assert_eq!(AccessLog::open(&settings).unwrap_err().to_string(), format!("`accesslog`: {expected}"));
    }
}

#[test]
fn raw_bytes_are_appended_as_they_are() {
    let place = Place::new();
    fs::write(&place.path, "earlier\n").unwrap();
    let log = ErrorLog::open(&place.settings(FORMAT)).unwrap();
    log.write_raw(b"from the application");
    log.write_raw(b"\n");
    assert_eq!(place.text(), "earlier\nfrom the application\n");
}

#[test]
fn after_a_rotation_the_same_descriptor_is_the_new_file() {
    let place = Place::new();
    let log = ErrorLog::open(&place.settings(FORMAT)).unwrap();
    let fd = log.fd();
    let flags = flags_of(fd);
    log.write_raw(b"old\n");
    let old = place.rotate();
    log.write_raw(b"still old\n");

    log.reopen().unwrap();
    log.write_raw(b"new\n");

    assert_eq!(fs::read_to_string(old).unwrap(), "old\nstill old\n");
    assert_eq!(place.text(), "new\n");
    assert_eq!((log.fd(), flags_of(fd)), (fd, flags));
    assert!(flags.contains(OFlag::O_CLOEXEC | OFlag::O_APPEND), "{flags:?}");
}

#[test]
fn a_reopening_that_fails_keeps_the_old_file() {
    let place = Place::new();
    let log = ErrorLog::open(&place.settings(FORMAT)).unwrap();
    let old = place.rotate();
    fs::create_dir(&place.path).unwrap();
    assert!(log.reopen().unwrap_err().to_string().starts_with("`errorlog`: cannot open "));
    log.write_raw(b"line\n");
    assert_eq!(fs::read_to_string(old).unwrap(), "line\n");
}

#[test]
fn a_pipe_that_nobody_reads_costs_records_but_no_time() {
    let place = Place::new();
    let mut reader = fifo(&place.path);
    let log = ErrorLog::open(&place.settings(FORMAT)).unwrap();
    let line = [[b'x'; 999].as_slice(), b"\n"].concat();
    let start = Instant::now();
    (0..1000).for_each(|_| log.write_raw(&line));
    assert!(start.elapsed() < Duration::from_secs(5));

    let before = drain(&mut reader);
    log.write_raw(b"after\n");
    let after = String::from_utf8(drain(&mut reader)).unwrap();

    let arrived = before.split_inclusive(|&byte| byte == b'\n').filter(|&read| read == line).count();
    assert!(after.contains("after\n"), "{after}");
    let report = format!("[WARNING] Error log can be written again; {} records were lost\n", 1000 - arrived);
    assert!(after.ends_with(&report), "{after}");
}

#[test]
fn the_lines_of_a_slow_reader_wait_and_then_the_rest_is_dropped_whole() {
    let place = Place::new();
    let mut reader = fifo(&place.path);
    let mut settings = place.settings("%(m)s %({x-request-id}i)s");
    settings.errorlog = Destination::File(place.folder.path().join("error.log"));
    let mut log = AccessLog::open(&settings).unwrap().unwrap();
    let request = request::Request::full();
    for _ in 0..40_000 {
        log.record(&request);
        log.flush();
    }

    let mut received = drain(&mut reader);
    log.record(&request);
    log.flush();
    received.extend(drain(&mut reader));
    log.flush();
    received.extend(drain(&mut reader));

    let received = String::from_utf8(received).unwrap();
    assert!(received.len() > 100_000, "{}", received.len());
    assert!(received.lines().all(|line| line == "GET 7f3a91"));
    assert!(received.ends_with('\n') && received.lines().count() < 40_000);
}

/// The only test here that touches the global subscriber.
#[test]
fn a_log_that_is_installed_later_takes_over_with_its_level_and_can_be_reopened() {
    let (first, second) = (Place::new(), Place::new());
    let emit = || {
        tracing::debug!(target: "rgunicorn", "debug");
        tracing::info!(target: "rgunicorn", "info");
    };
    ErrorLog::open(&first.settings(FORMAT)).unwrap().install().unwrap();
    emit();
    let mut settings = second.settings(FORMAT);
    settings.loglevel = Level::Debug;
    ErrorLog::open(&settings).unwrap().install().unwrap();
    emit();
    assert_eq!(first.text().lines().count(), 1);
    assert_eq!(second.text().lines().count(), 2);
    second.rotate();
    reopen_error_log().unwrap();
    emit();
    assert_eq!((first.text().lines().count(), second.text().lines().count()), (1, 2));
}

/// A named pipe, open for reading.
fn fifo(path: &Path) -> File {
    nix::unistd::mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path).unwrap()
}

/// What is in the pipe now.
fn drain(reader: &mut File) -> Vec<u8> {
    let mut received = Vec::new();
    // Ends with an error where the pipe is empty and still has a writer.
    let _ = reader.read_to_end(&mut received);
    received
}

/// Flags of a descriptor of this process, as the kernel shows them.
fn flags_of(fd: i32) -> OFlag {
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).unwrap();
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap().trim();
    OFlag::from_bits_retain(i32::from_str_radix(flags, 8).unwrap())
}
