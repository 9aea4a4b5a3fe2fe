//! The access log, from a request to the bytes in its file.

#![allow(clippy::unwrap_used, reason = "helpers of tests, which the lint does not recognise as such")]

#[path = "common/mod.rs"]
mod common;
#[path = "common/request.rs"]
mod request;

use std::time::Duration;

use common::Place;
use proptest::prelude::*;
use request::Request;
use rgunicorn_logging::{AccessFormat, AccessLog, LogError};

const DEFAULT: &str = r#"%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s""#;

fn open(place: &Place, format: &str) -> AccessLog {
    AccessLog::open(&place.settings(format)).unwrap().unwrap()
}

/// What `format` makes of `request`, without the line end.
fn logged(format: &str, request: &Request) -> String {
    let place = Place::new();
    let mut log = open(&place, format);
    log.record(request);
    log.flush();
    place.text().strip_suffix('\n').unwrap().to_owned()
}

#[test]
fn every_atom_is_what_gunicorn_prints() {
    let pid = format!("<{}>", std::process::id());
    for (format, with, without) in [
        ("%(h)s", "203.0.113.7", "203.0.113.7"),
        ("%(l)s", "-", "-"),
        ("%(u)s", "alice", "-"),
        ("%(r)s", "GET /search?q=rust HTTP/1.1", "GET /search?q=rust HTTP/1.1"),
        ("%(m)s", "GET", "GET"),
        ("%(U)s", "/search", "/search"),
        ("%(q)s", "q=rust", "q=rust"),
        ("%(H)s", "HTTP/1.1", "HTTP/1.1"),
        ("%(s)s", "200", "200"),
        ("%(b)s", "5120", "5120"),
        ("%(B)s", "5120", "5120"),
        ("%(f)s", "https://example.com/", "-"),
        ("%(a)s", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "-"),
        ("%(T)s", "2", "2"),
        ("%(D)s", "2012345", "2012345"),
        ("%(M)s", "2012", "2012"),
        ("%(L)s", "2.012345", "2.012345"),
        ("%(p)s", &pid, &pid),
        ("%({x-request-id}i)s", "7f3a91", "-"),
        ("%({X-Request-ID}i)s", "7f3a91", "-"),
        ("%({accept}i)s", "text/html, */*", "-"),
        ("%({Content-Type}o)s", "text/html", "-"),
        ("%({remote_user}e)s", "alice", "-"),
        ("%({wsgi.url_scheme}e)s", "http", "-"),
        ("100%%", "100%", "100%"),
        ("", "", ""),
    ] {
        assert_eq!(logged(format, &Request::full()), with, "{format} of a full request");
        assert_eq!(logged(format, &Request::bare()), without, "{format} of a bare request");
    }
}

#[test]
fn the_default_format_is_the_combined_log_format() {
    let line = logged(DEFAULT, &Request::full());
    let (head, rest) = line.split_once(" [").unwrap();
    let (date, rest) = rest.split_once("] ").unwrap();
    assert_eq!(head, "203.0.113.7 - alice");
    assert_eq!(
        rest,
        "\"GET /search?q=rust HTTP/1.1\" 200 5120 \"https://example.com/\" \
         \"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\""
    );
    let shape: String = date.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert!(shape.starts_with("00/") && shape[6..].starts_with("/0000:00:00:00 "), "{date}");
    assert!(shape.ends_with("+0000") || shape.ends_with("-0000"), "{date}");
}

#[test]
fn the_path_and_the_query_are_those_of_the_environ() {
    for (target, path, query) in [
        ("/", "/", ""),
        ("/a%20b%2Fc?x=%20", "/a b/c", "x=%20"),
        ("/%zz%4", "/%zz%4", ""),
        ("/caf%C3%A9", r"/caf\u00c3\u00a9", ""),
        ("/%0d%0aforged", r"/\r\nforged", ""),
        ("//double?a?b", "//double", "a?b"),
        ("http://example.com/p?q", "/p", "q"),
        ("http://example.com", "", ""),
        ("/redirect?to=http://example.com/", "/redirect", "to=http://example.com/"),
        ("*", "*", ""),
        ("example.com:443", "example.com:443", ""),
        ("/p#fragment?no", "/p", ""),
    ] {
        let mut request = Request::bare();
        request.target = target.into();
        assert_eq!(logged("%(U)s", &request), path, "{target}");
        assert_eq!(logged("%(q)s", &request), query, "{target}");
    }
}

#[test]
fn times_and_sizes_take_any_value() {
    for (elapsed, expected) in [
        (Duration::ZERO, "0 0 0 0.000000"),
        (Duration::from_micros(999), "0 0 999 0.000999"),
        (Duration::new(90_061, 5_000), "90061 90061000 90061000005 90061.000005"),
        (
            Duration::MAX,
            "18446744073709551615 18446744073709551615 18446744073709551615 18446744073709551615.999999",
        ),
    ] {
        let mut request = Request::bare();
        (request.elapsed, request.body_bytes, request.status) = (elapsed, u64::MAX, 599);
        let line = logged("%(T)s %(M)s %(D)s %(L)s", &request);
        assert_eq!(line, expected);
        assert_eq!(logged("%(s)s %(b)s", &request), "599 18446744073709551615");
    }
    let mut empty = Request::bare();
    empty.body_bytes = 0;
    assert_eq!(logged("%(b)s %(B)s", &empty), "0 0");
}

#[test]
fn over_a_unix_socket_there_is_no_address() {
    for address in [None, Some(String::new())] {
        let mut request = Request::bare();
        request.address = address;
        assert_eq!(logged("%(h)s", &request), "-");
    }
}

#[test]
fn a_width_pads_and_d_formats_numbers() {
    for (format, expected) in [
        ("%(s)6s|", "   200|"),
        ("%(s)-6s|", "200   |"),
        ("%(s)06d|", "000200|"),
        ("%(s)06s|", "   200|"),
        ("%(D)d|", "2012345|"),
        ("%(m)2s|", "GET|"),
        ("%({none}i)3s|", "  -|"),
    ] {
        assert_eq!(logged(format, &Request::bare()), expected, "{format}");
    }
}

#[test]
fn a_format_that_makes_no_sense_says_what_does() {
    let known = "h l u t r m U q H s b B f a T M D L p {name}i {name}o {name}e";
    for (format, message) in [
        ("%(h)s %(x)s", format!("unknown atom `x` at character 7; known atoms are {known}")),
        ("é%({}i)s", format!("unknown atom `{{}}i` at character 2; known atoms are {known}")),
        ("%({host}z)s", format!("unknown atom `{{host}}z` at character 1; known atoms are {known}")),
        ("%(h", "the atom that starts at character 1 has no closing `)`; write it as `%(h)s`".to_owned()),
        ("%(h)", "`%(h)` at character 1 cannot be used; write `%(h)s`".to_owned()),
        ("%(h)d", "`%(h)d` at character 1 cannot be used; write `%(h)s`".to_owned()),
        ("%(a).50s", "`%(a).` at character 1 cannot be used; write `%(a)s`".to_owned()),
        ("%(a)5000s", "`%(a)5000s` at character 1 cannot be used; write `%(a)s`".to_owned()),
        (
            "%(a)99999999999999999999s",
            "`%(a)99999999999999999999s` at character 1 cannot be used; write `%(a)s`".to_owned(),
        ),
        (
            "%h",
            "`%` at character 1 starts no atom; write `%%` for a percent sign, `%(h)s` for an atom"
                .to_owned(),
        ),
        (
            "5%",
            "`%` at character 2 starts no atom; write `%%` for a percent sign, `%(h)s` for an atom"
                .to_owned(),
        ),
    ] {
        assert_eq!(AccessFormat::compile(format).unwrap_err().to_string(), message);
        let error = AccessLog::open(&Place::new().settings(format)).unwrap_err();
        assert_eq!(error.to_string(), format!("`access_log_format`: {message}"));
    }
}

#[test]
fn the_format_tells_which_environ_variables_it_needs() {
    let format = AccessFormat::compile("%({REMOTE_USER}e)s %({a}i)s %({x.y}e)s %({REMOTE_USER}e)5s").unwrap();
    assert_eq!(format.environ_names(), ["REMOTE_USER", "x.y"]);
}

#[test]
fn without_a_destination_there_is_no_log() {
    let mut settings = Place::new().settings(DEFAULT);
    settings.accesslog = None;
    assert!(AccessLog::open(&settings).unwrap().is_none());
    settings.access_log_format = "%(zz)s".to_owned();
    assert!(AccessLog::open(&settings).is_err(), "a wrong format is refused before anybody needs the log");
}

#[test]
fn lines_are_written_at_flush_when_the_buffer_is_full_and_at_the_end() {
    let place = Place::new();
    let mut log = open(&place, "%(m)s");
    log.record(&Request::bare());
    assert_eq!((place.text().as_str(), log.pending()), ("", 4));
    log.flush();
    assert_eq!((place.text().as_str(), log.pending()), ("GET\n", 0));

    (0..20_000).for_each(|_| log.record(&Request::bare()));
    let written = place.text().len();
    assert!((64 * 1024..80_000).contains(&written), "{written}");

    drop(log);
    assert_eq!(place.text(), "GET\n".repeat(20_001));
}

#[test]
fn after_a_rotation_lines_go_to_the_new_file() {
    let place = Place::new();
    let mut log = open(&place, "%(m)s");
    log.record(&Request::bare());
    let old = place.rotate();
    log.reopen().unwrap();
    log.record(&Request::bare());
    log.record(&Request::bare());
    log.flush();
    assert_eq!(std::fs::read_to_string(old).unwrap(), "GET\n");
    assert_eq!(place.text(), "GET\nGET\n");
}

#[test]
fn a_reopening_that_fails_keeps_the_old_file() {
    let place = Place::new();
    let mut log = open(&place, "%(m)s");
    let old = place.rotate();
    std::fs::create_dir(&place.path).unwrap();
    let error = log.reopen().unwrap_err();
    assert!(matches!(error, LogError::Open { setting: "accesslog", .. }), "{error}");
    log.record(&Request::bare());
    log.flush();
    assert_eq!(std::fs::read_to_string(old).unwrap(), "GET\n");
}

/// All client text of a request, each piece between quotes.
const HOSTILE: &str =
    r#""%(h)s" "%(u)s" "%(r)s" "%(m)s" "%(U)s" "%(q)s" "%(f)s" "%(a)20s" "%({x}i)s" "%({y}o)s" "%({z}e)s""#;

proptest! {
    #[test]
    fn whatever_the_client_sends_is_one_line_with_its_quotes_in_place(
        address in ".{0,20}",
        fields in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 9),
    ) {
        let mut request = Request::bare();
        request.address = Some(address);
        let mut fields = fields.into_iter();
        let mut field = || fields.next().unwrap();
        (request.method, request.target) = (field(), field());
        request.request = vec![
            ("authorization", [b"Basic ".to_vec(), encode(&field()).into_bytes()].concat()),
            ("referer", field()),
            ("user-agent", field()),
            ("x", field()),
        ];
        (request.response, request.environ) = (vec![("y", field())], vec![("z", field())]);

        let line = logged(HOSTILE, &request);

        prop_assert!(line.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{line}");
        let bare = line.replace(r"\\", "").replace(r#"\""#, "");
        prop_assert_eq!(bare.matches('"').count(), HOSTILE.matches('"').count(), "{}", line);
    }

    #[test]
    fn no_format_makes_the_compiler_panic(format in r#"[%(){}sd0-9a-zé-]{0,30}"#) {
        let _ = AccessFormat::compile(&format);
    }
}

/// Base64, to give hostile user names.
fn encode(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letter = |bits: u32| char::from(LETTERS[(bits & 63) as usize]);
    let mut out = String::new();
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, index| bits << 8 | u32::from(*group.get(index).unwrap_or(&0)));
        let letters = [letter(bits >> 18), letter(bits >> 12), letter(bits >> 6), letter(bits)];
        out.extend(&letters[..=group.len()]);
        out.extend(std::iter::repeat_n('=', 3 - group.len()));
    }
    out
}
