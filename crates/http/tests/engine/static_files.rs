//! Directories that are served without the worker.

use std::fs;

use rgunicorn_http::{Config, Mounts};
use tempfile::TempDir;

use crate::world::{World, config, streaming};

const LARGE: usize = 3_000_001;

/// A directory with a few files, served under `/static`.
fn world(config: Config) -> (World, TempDir) {
    let directory = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    fs::write(directory.path().join("digits"), "0123456789").expect("a file");
    fs::write(directory.path().join("large"), vec![b'x'; LARGE]).expect("a file");
    let mut mounts = Mounts::default();
    mounts.add("/static", directory.path()).expect("a mount");
    (World::new(Config { mounts, ..config }), directory)
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n")
}

#[test]
fn the_worker_sees_no_request_for_a_file_and_all_others_in_their_order() {
    for config in [config(), streaming()] {
        let (mut world, _directory) = world(config);
        let mut client = world.connect();
        client.send(["/static/digits", "/a", "/static/none", "/static/large", "/staticb"].map(get).concat());
        assert_eq!(client.response(&mut world).text(), "0123456789");
        assert_eq!(client.echoed(&mut world).text(), "GET /a ");
        assert_eq!(client.response(&mut world).status, 404);
        assert_eq!(client.response(&mut world).body.len(), LARGE);
        assert_eq!(client.echoed(&mut world).text(), "GET /staticb ");
        assert_eq!((world.slot.requests(), world.slot.in_flight()), (5, 0));
    }
}

#[test]
fn files_are_served_while_the_worker_is_at_a_request_of_another() {
    let (mut world, _directory) = world(config());
    let mut slow = world.connect();
    slow.send(get("/slow"));
    let exchange = world.request();
    let mut client = world.connect();
    client.send(get("/static/digits"));
    assert_eq!(client.response(&mut world).text(), "0123456789");
    world.answer(exchange, b"");
    assert_eq!(slow.response(&mut world).status, 200);
}

#[test]
fn a_body_that_no_file_wants_is_not_read_ahead() {
    let (mut world, _directory) = world(config());
    let mut client = world.connect();
    client.send("POST /static/digits HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n");
    let response = client.response(&mut world);
    assert_eq!((response.status, response.header("Allow")), (405, Some("GET, HEAD")));
    client.send_all(&mut world, &[b'b'; 100_000]);
    client.send(get("/static/digits"));
    assert_eq!(client.response(&mut world).text(), "0123456789");
}

#[test]
fn the_last_files_leave_before_a_worker_does() {
    let (mut world, _directory) = world(config());
    let mut client = world.connect();
    client.send(get("/static/large"));
    world.until("the file to begin", |world| (world.slot.in_flight() == 1).then_some(()));
    world.engine.retire();
    assert_eq!(client.response(&mut world).body.len(), LARGE);
    client.assert_end(&mut world);
    assert_eq!(world.engine.open_connections(), 0);
}

#[test]
fn a_client_that_pipelines_requests_for_files_shares_the_worker() {
    let (mut world, _directory) = world(config());
    let mut greedy = world.connect();
    let flood = get("/static/digits").repeat(1000);
    let mut at = 0;
    let mut other = world.connect();
    world.until("both", |world| (world.engine.open_connections() == 2).then_some(()));
    for _ in 0..20 {
        at = (at + greedy.push(&flood.as_bytes()[at..])) % flood.len();
        greedy.pull(1 << 20);
        greedy.bytes.clear();
        other.send(get("/static/digits"));
        assert_eq!(other.response(&mut world).text(), "0123456789");
    }
}

#[test]
fn a_mount_that_cannot_be_is_named() {
    let directory = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    fs::write(directory.path().join("file"), "").expect("a file");
    let mut mounts = Mounts::default();
    for name in ["none", "file"] {
        let path = directory.path().join(name);
        let error = mounts.add("/static", &path).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("cannot serve `{}` under `/static`: ", path.display())),
            "{error}"
        );
    }
    assert!(mounts.is_empty());
    mounts.add("/static/", directory.path()).unwrap();
    let error = mounts.add("/static", directory.path()).unwrap_err().to_string();
    assert_eq!(error, "`/static` is mounted twice (give each path one directory)");
}
