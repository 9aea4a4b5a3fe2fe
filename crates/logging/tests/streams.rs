//! Standard streams that are closed. Alone in its file, because they belong to the whole process.

#![allow(clippy::unwrap_used, reason = "helpers of tests, which the lint does not recognise as such")]

#[allow(dead_code, reason = "the other tests use the rest")]
mod common;

use std::path::Path;

use common::Place;
use rgunicorn_logging::ErrorLog;

#[test]
fn a_file_never_takes_the_number_of_a_closed_standard_stream() {
    nix::unistd::close(0).unwrap();
    let log = ErrorLog::open(&Place::new().settings("%(m)s")).unwrap();
    assert!(log.fd() > 2, "{}", log.fd());
    assert_eq!(std::fs::read_link("/proc/self/fd/0").unwrap(), Path::new("/dev/null"));
}
