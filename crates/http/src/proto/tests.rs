//! Heads as they come, and what is made of them: each refusal with its clause.

use proptest::prelude::*;

use super::*;
use crate::Limits;

/// Read `bytes` as a connection would when they come at once: the head with the bytes that its parts lie in, and where the
/// rest begins; `None` while it is not complete. Both ways to read them must agree.
fn read(bytes: &[u8]) -> Result<Option<(Head, Vec<u8>, usize)>, Refusal> {
    read_within(bytes, &Limits::default())
}

fn read_within(bytes: &[u8], limits: &Limits) -> Result<Option<(Head, Vec<u8>, usize)>, Refusal> {
    let rules = Rules::strict(limits);
    let mut at_once = Head::default();
    let taken = at_once.parse_at_once(&mut bytes.to_vec(), rules);
    let read = read_in_two_steps(bytes, rules);
    match &read {
        Ok(Some((head, head_bytes, end))) if bytes[0] != b'\r' => {
            assert_eq!(taken, Some(*end), "{}", bytes.escape_ascii());
            assert_eq!(format!("{at_once:?}"), format!("{head:?}"), "{}", bytes.escape_ascii());
            assert_eq!(&bytes[..*end], head_bytes);
        }
        Ok(Some(_)) => {}
        other => assert_eq!(taken, None, "{} is {:?}", bytes.escape_ascii(), other.as_ref().err()),
    }
    read
}

fn read_in_two_steps(bytes: &[u8], rules: Rules<'_>) -> Result<Option<(Head, Vec<u8>, usize)>, Refusal> {
    let mut scan = Scan::default();
    let Some(end) = scan.find_end(bytes, rules)? else { return Ok(None) };
    let (mut head, mut bytes) = (Head::default(), bytes[scan.begin()..end].to_vec());
    head.parse(&mut bytes, rules)?;
    Ok(Some((head, bytes, end)))
}

/// The same when they come one by one; the result is the refusal and the number of bytes that it took.
fn refused_in_pieces(bytes: &[u8], limits: &Limits) -> Option<(Refusal, usize)> {
    let rules = Rules::strict(limits);
    let mut scan = Scan::default();
    for len in 1..=bytes.len() {
        match scan.find_end(&bytes[..len], rules) {
            Ok(None) => {}
            Ok(Some(end)) => {
                let mut head = bytes[scan.begin()..end].to_vec();
                return Head::default().parse(&mut head, rules).err().map(|refusal| (refusal, len));
            }
            Err(refusal) => return Some((refusal, len)),
        }
    }
    None
}

pub(super) fn accepted(text: &str) -> (Head, Vec<u8>) {
    match read(text.as_bytes()) {
        Ok(Some((head, bytes, _))) => (head, bytes),
        other => panic!("{text:?}: {:?}", other.map(|read| read.is_some())),
    }
}

pub(super) fn assert_refused(bytes: &[u8], refusal: Refusal) {
    let shown = bytes.escape_ascii();
    assert_eq!(read(bytes).map(|read| read.is_some()), Err(refusal), "{shown}");
    assert!(refused_in_pieces(bytes, &Limits::default()).is_some(), "{shown} in pieces");
}

/// `field` lines in a request that is valid without them.
pub(super) fn assert_field_refused(fields: &str, refusal: Refusal) {
    assert_refused(format!("POST / HTTP/1.1\r\nHost: h\r\n{fields}\r\n\r\n").as_bytes(), refusal);
}

#[test]
fn a_plain_request_is_read_with_its_parts() {
    let bytes = b"GET /a%20b?x=1&y HTTP/1.1\r\nHost: h:80\r\nX-Y: \t v \r\nZ:\r\n\r\nrest";
    let (head, head_bytes, end) = read(bytes).unwrap().unwrap();
    assert_eq!(&bytes[end..], b"rest");
    assert_eq!(head.method(&head_bytes), b"GET");
    assert_eq!(head.target(&head_bytes), b"/a%20b?x=1&y");
    assert_eq!(head.path(&head_bytes), b"/a%20b");
    assert_eq!(head.query(&head_bytes), b"x=1&y");
    let fields: Vec<_> = head.fields(&head_bytes).collect();
    assert_eq!(fields, [(&b"Host"[..], &b"h:80"[..]), (b"X-Y", b"v"), (b"Z", b"")]);
    assert_eq!(head.field_lines(&head_bytes), Some(&b"Host: h:80\r\nX-Y: \t v \r\nZ:\r\n\r\n"[..]));
}

#[test]
fn a_head_that_comes_byte_by_byte_is_found_at_its_last_byte() {
    let bytes = b"\r\nGET /%c3%bc HTTP/1.1\r\nHost: h\r\nA: \tb \xff\r\n\r\n";
    let limits = Limits::default();
    let rules = Rules::strict(&limits);
    let mut scan = Scan::default();
    for len in 1..bytes.len() {
        assert_eq!(scan.find_end(&bytes[..len], rules), Ok(None), "after {len} bytes");
    }
    assert_eq!(scan.find_end(bytes, rules), Ok(Some(bytes.len())));
    assert_eq!(scan.begin(), 2);
}

#[test]
fn line_ends_are_cr_lf_and_nothing_else() {
    // RFC 9112 2.2
    for bytes in [
        &b"GET / HTTP/1.1\nHost: h\n\n"[..],
        b"GET / HTTP/1.1\r\nHost: h\n\r\n",
        b"GET / HTTP/1.1\r\nHost: h\r\n\n",
        b"GET / HTTP/1.1\r\nHost: h\r\n\rA: b\r\n\r\n",
        b"\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
    ] {
        assert_refused(bytes, Refusal::LineEnd);
    }
    assert_refused(b"\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", Refusal::RequestLine);
    for bytes in [&b"\r\rGET / HTTP/1.1\r\nHost: h\r\n\r\n"[..], b"\rGET / HTTP/1.1\r\nHost: h\r\n\r\n"] {
        assert!(
            read(bytes).is_err() && refused_in_pieces(bytes, &Limits::default()).is_some(),
            "{}",
            bytes.escape_ascii()
        );
    }
}

/// RFC 9112 3
const NO_REQUEST_LINES: &[&[u8]] = &[
    b"GET /",
    b"GET",
    b"GET ",
    b"GET / ",
    b"/ HTTP/1.1",
    b"GET HTTP/1.1",
    b"GET  HTTP/1.1",
    b"GET  / HTTP/1.1",
    b"GET /  HTTP/1.1",
    b"GET / HTTP/1.1 ",
    b"GET / HTTP/1.1\t",
    b" GET / HTTP/1.1",
    b"\tGET / HTTP/1.1",
    b"GET\t/ HTTP/1.1",
    b"GET /\tHTTP/1.1",
    b"GET \t/ HTTP/1.1",
    b"GET\x0b/ HTTP/1.1",
    b"GET /\x0cHTTP/1.1",
    b"GET /a b HTTP/1.1",
    b"GET / HTTP/1.1 HTTP/1.1",
    b"GET /\r HTTP/1.1",
    b"GET\r / HTTP/1.1",
    b"GET / HTTP/1.1\r",
    b"GET /\x00 HTTP/1.1",
    b"GET /\x7f HTTP/1.1",
    b"GET /\x01 HTTP/1.1",
    b"G\x00T / HTTP/1.1",
    b"G\xc3T / HTTP/1.1",
    b"G@T / HTTP/1.1",
    b"\"GET\" / HTTP/1.1",
    b"GET: / HTTP/1.1",
    b"GET, / HTTP/1.1",
    b"Host: h",
    // RFC 9112 2.3: the version is `HTTP/` and two digits, in capitals
    b"GET / http/1.1",
    b"GET / Http/1.1",
    b"GET / HTTP/1.10",
    b"GET / HTTP/01.1",
    b"GET / HTTP/1",
    b"GET / HTTP/1.",
    b"GET / HTTP/.1",
    b"GET / HTTP/1,1",
    b"GET / HTTP/1.x",
    b"GET / HTTP/+1.1",
    b"GET / HTTP /1.1",
    b"GET / HTTP/ 1.1",
    b"GET / HTTX/1.1",
    b"GET / HTTP1.1",
    b"GET / XHTTP/1.1",
    b"GET / HTTP/1.1x",
    b"GET / HTTP/1.1;a",
    b"GET / HTTP/2.0\r",
    b"GET / ICE/1.0",
];

#[test]
fn a_request_line_has_three_parts_with_one_space_between() {
    for line in NO_REQUEST_LINES {
        let bytes = [line, &b"\r\nHost: h\r\n\r\n"[..]].concat();
        let refusal = read(&bytes).map(|read| read.is_some()).unwrap_err();
        assert!(
            matches!(refusal, Refusal::RequestLine | Refusal::LineEnd),
            "{}: {refusal:?}",
            bytes.escape_ascii()
        );
        let (_, taken) = refused_in_pieces(&bytes, &Limits::default()).expect("a refusal");
        assert!(taken <= line.len() + 2, "{} is refused after {taken} bytes", bytes.escape_ascii());
    }
}

#[test]
fn versions_other_than_1_0_and_1_1_are_not_served() {
    // RFC 9110 15.6.6; RFC 9113 3.4 for the preface
    for version in ["0.9", "1.2", "1.9", "2.0", "2.1", "3.0", "9.9"] {
        assert_refused(format!("GET / HTTP/{version}\r\nHost: h\r\n\r\n").as_bytes(), Refusal::Version);
    }
    assert_refused(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Refusal::Version);
}

#[test]
fn methods_are_as_they_are_in_use() {
    // RFC 9110 9.1; gunicorn's conventions
    for method in ["get", "Get", "GE", "G", "ABCDEFGHIJKLMNOPQRSTU", "GET#", "POSTs"] {
        assert_refused(format!("{method} / HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes(), Refusal::Method);
    }
    for method in
        ["GET", "PUT", "DELETE", "PATCH", "PROPFIND", "VERSION-CONTROL", "M-SEARCH", "ABCDEFGHIJKLMNOPQRST"]
    {
        accepted(&format!("{method} / HTTP/1.1\r\nHost: h\r\n\r\n"));
    }
    assert_refused(b"CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n", Refusal::Tunnel);
    assert_refused(b"CONNECT / HTTP/1.1\r\nHost: h:443\r\n\r\n", Refusal::Target);
}

#[test]
fn bytes_beyond_ascii_are_refused_in_targets() {
    // RFC 9112 3.2, RFC 3986 2
    for target in [
        &b"/\xc3\xbc"[..],
        b"/a?\xe2\x82\xac",
        b"/\xff?\x80",
        b"/\xc3",
        b"http://h/\xc3\xbc",
        b"http://\xc3\xbc/",
    ] {
        let bytes = [b"GET ", target, b" HTTP/1.1\r\nHost: h\r\n\r\n"].concat();
        assert_refused(&bytes, Refusal::Target);
        let (refusal, taken) = refused_in_pieces(&bytes, &Limits::default()).unwrap();
        assert_eq!((refusal, taken), (Refusal::Target, 15 + target.len()));
    }
    assert_refused(b"GET /\xff\x00 HTTP/1.1\r\nHost: h\r\n\r\n", Refusal::RequestLine);
    assert_refused(b"GET /\xff HTTP/2.0\r\nHost: h\r\n\r\n", Refusal::Version);
}

#[test]
fn a_field_line_is_a_name_a_colon_and_a_value() {
    // RFC 9112 5.1, 5.2; RFC 9110 5.1, 5.5
    for fields in [
        "A : b",
        "A\t: b",
        " A: b",
        "\tA: b",
        ": b",
        ":",
        "A",
        "A b: c",
        "A\u{b}: b",
        "A(: b",
        "A/: b",
        "A\": b",
        "A,B: c",
        "A@b: c",
        "A[]: c",
        "\u{e4}: b",
        "A: b\r\n c",
        "A: b\r\n\tc",
        "A: b\r\n ",
        "A: b\0c",
        "A: b\rc",
        "A: \r",
        "A: b\u{7f}",
        "A: b\u{1}",
        "A: \u{b}b",
        "A: b\u{c}",
        "A: \u{1b}[1m",
        "A\0: b",
        "A\r: b",
        "A\r\n: b",
        "A: b\r\n\r",
    ] {
        let bytes = format!("POST / HTTP/1.1\r\nHost: h\r\n{fields}\r\n\r\n");
        let refusal = read(bytes.as_bytes()).map(|read| read.is_some()).unwrap_err();
        assert!(matches!(refusal, Refusal::Field | Refusal::LineEnd), "{fields:?}: {refusal:?}");
        let (_, taken) = refused_in_pieces(bytes.as_bytes(), &Limits::default()).expect("a refusal");
        assert!(taken < bytes.len(), "{fields:?} is refused after {taken} of {} bytes", bytes.len());
    }
    // RFC 9112 2.2: white space between the request line and the first field
    assert_refused(b"GET / HTTP/1.1\r\n Host: h\r\n\r\n", Refusal::Field);
    assert_refused(b"GET / HTTP/1.1\r\n \r\nHost: h\r\n\r\n", Refusal::Field);
    let (head, bytes) = accepted("GET / HTTP/1.1\r\nHost: h\r\n!#$%&'*+-.^`|~9a:\t b\u{e4}\tc \t\r\n\r\n");
    assert_eq!(head.fields(&bytes).nth(1), Some((&b"!#$%&'*+-.^`|~9a"[..], "b\u{e4}\tc".as_bytes())));
}

#[test]
fn one_valid_host_is_required() {
    // RFC 9112 3.2, RFC 9110 7.2
    assert_refused(b"GET / HTTP/1.1\r\n\r\n", Refusal::Host);
    assert_refused(b"GET http://h/ HTTP/1.1\r\n\r\n", Refusal::Host);
    for fields in ["Host: h", "HOST: h", "host: other", "hOsT:"] {
        assert_field_refused(fields, Refusal::Host);
    }
    for value in [
        "a/b", "a b", "a@b", "u:p@h", "h:99999", "h:x", ":80", "[::1", "h, h", "h\u{e4}", "http://h", "h#",
        "h?",
    ] {
        assert_refused(format!("GET / HTTP/1.1\r\nHost: {value}\r\n\r\n").as_bytes(), Refusal::Host);
        assert_refused(format!("GET / HTTP/1.0\r\nHost: {value}\r\n\r\n").as_bytes(), Refusal::Host);
        assert_refused(format!("GET http://h/ HTTP/1.1\r\nHost: {value}\r\n\r\n").as_bytes(), Refusal::Host);
    }
    for value in ["", "h", "h:80", "h:", "127.0.0.1:8000", "[::1]:8000", "a_b.example."] {
        accepted(&format!("GET / HTTP/1.1\r\nHost: {value}\r\n\r\n"));
    }
    accepted("GET / HTTP/1.0\r\n\r\n");
}

#[test]
fn the_authority_of_an_absolute_target_takes_the_place_of_host() {
    // RFC 9112 3.2.2
    for target in ["http://real:81/a?b", "HTTP://real:81/a?b", "https://real:81/a?b"] {
        let (head, bytes) = accepted(&format!("GET {target} HTTP/1.1\r\nA: b\r\nHost: other\r\n\r\n"));
        let fields: Vec<_> = head.fields(&bytes).collect();
        assert_eq!(fields, [(&b"A"[..], &b"b"[..]), (b"Host", b"real:81")]);
        assert_eq!((head.path(&bytes), head.query(&bytes)), (&b"/a"[..], &b"b"[..]));
        assert_eq!(head.target(&bytes), target.as_bytes());
        assert_eq!(head.field_lines(&bytes), None);
    }
    let (head, bytes) = accepted("GET http://real?b HTTP/1.1\r\nHost:\r\n\r\n");
    assert_eq!((head.path(&bytes), head.query(&bytes)), (&b"/"[..], &b"b"[..]));
    let (head, bytes) = accepted("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(head.path(&bytes), b"*");
    assert_refused(b"GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n", Refusal::Target);
    assert_refused(b"GET * HTTP/1.1\r\nHost: h\r\n\r\n", Refusal::Target);
}

#[test]
fn limits_are_enforced_before_the_head_is_complete() {
    let long = [b"GET /".as_slice(), &[b'a'; 5000]].concat();
    assert_refused(&long, Refusal::LineTooLong);
    assert_refused(&[&long, &b" HTTP/1.1\r\nHost: h\r\n\r\n"[..]].concat(), Refusal::LineTooLong);
    let wide = [b"GET / HTTP/1.1\r\nA: ".as_slice(), &[b'a'; 9000]].concat();
    assert_refused(&wide, Refusal::FieldsTooLarge);
    assert_refused(&[&wide, &b"\r\nHost: h\r\n\r\n"[..]].concat(), Refusal::FieldsTooLarge);
    let field = [b"A: ".as_slice(), &[b'a'; 8000], b"\r\n"].concat();
    let heavy = [b"GET / HTTP/1.1\r\nHost: h\r\n".as_slice(), &field.repeat(9), b"\r\n"].concat();
    assert_refused(&heavy, Refusal::FieldsTooLarge);
    let many = [b"GET / HTTP/1.1\r\nHost: h\r\n".as_slice(), &b"A: b\r\n".repeat(100), b"\r\n"].concat();
    assert_refused(&many, Refusal::FieldsTooLarge);
}

#[test]
fn as_many_fields_as_the_limit_says_are_read() {
    for count in [1, 100, 128, 129, 5000] {
        let limits = Limits { fields: count, ..Limits::default() };
        let rules = Rules::strict(&limits);
        let parse = |count: usize| {
            let mut bytes = format!("GET / HTTP/1.0\r\n{}\r\n", "A:\r\n".repeat(count)).into_bytes();
            let mut head = Head::default();
            head.parse(&mut bytes, rules).map(|()| head.fields(&bytes).len())
        };
        assert_eq!(parse(count), Ok(count));
        assert_eq!(parse(count + 1), Err(Refusal::FieldsTooLarge));
    }
}

#[test]
fn a_line_that_may_be_of_any_length_is_bounded_by_the_head() {
    let limits = Limits { request_line: usize::MAX, field_size: usize::MAX, head: 1000, ..Limits::default() };
    let refused = |bytes: &[u8]| Scan::default().find_end(bytes, Rules::strict(&limits)).err();
    let line = format!("GET /{} HTTP/1.0\r\n", "a".repeat(1000));
    assert_eq!(refused(&line.as_bytes()[..1002]), Some(Refusal::LineTooLong));
    assert_eq!(refused(format!("{line}\r\n").as_bytes()), Some(Refusal::LineTooLong));
    let field = format!("GET / HTTP/1.0\r\nA: {}\r\n", "a".repeat(1000));
    assert_eq!(refused(&field.as_bytes()[..1001]), Some(Refusal::FieldsTooLarge));
    assert_eq!(refused(format!("{field}\r\n").as_bytes()), Some(Refusal::FieldsTooLarge));
    let exact = |length: usize| format!("GET / HTTP/1.0\r\nA: {}\r\n\r\n", "a".repeat(length - 23));
    assert_eq!((exact(1000).len(), refused(exact(1000).as_bytes())), (1000, None));
    assert_eq!(refused(exact(1001).as_bytes()), Some(Refusal::FieldsTooLarge));
}

/// Pieces of heads, good and bad.
const PIECES: &[&str] = &[
    "GET / HTTP/1.1\r\n",
    "POST /a?b HTTP/1.0\r\n",
    "GET http://h/ HTTP/1.1\r\n",
    "get / HTTP/1.1\r\n",
    "GET / HTTP/2.0\r\n",
    "CONNECT h:1 HTTP/1.1\r\n",
    "Expect: b\r\n",
    "Transfer-Encoding: gzip, chunked\r\n",
    "GET /",
    " HTTP/1.1",
    "Host: h\r\n",
    "Host: h",
    "A: b\r\n",
    "A_B: c\r\n",
    "Content-Length: 3\r\n",
    "Transfer-Encoding: chunked\r\n",
    "A : b\r\n",
    " c\r\n",
    "\r\n",
    "\n",
    "\r",
    ":",
    " ",
    "\t",
    "\0",
    "\u{e9}",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    /// The check for that is in `read`.
    #[test]
    fn a_head_is_read_the_same_at_once_and_in_two_steps(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..9),
        begins_well in any::<bool>(),
        ends_well in any::<bool>(),
        narrow in any::<bool>(),
    ) {
        let limits = if narrow {
            Limits { request_line: 20, fields: 3, field_size: 15, head: 70, ..Limits::default() }
        } else {
            Limits::default()
        };
        let begin = if begins_well { "GET / HTTP/1.1\r\nHost: h\r\n" } else { "" };
        let text = [begin, &pieces.concat(), if ends_well { "\r\n" } else { "" }, "rest"].concat();
        let whole = read_within(text.as_bytes(), &limits).map(|read| read.map(|(_, _, end)| end));
        // In pieces a refusal may come earlier, but it comes, with the same status.
        if let Some((refusal, taken)) = refused_in_pieces(text.as_bytes(), &limits) {
            // A line that is both damaged and too long is refused for what shows first.
            let sized = |refusal| matches!(refusal, Refusal::LineTooLong | Refusal::FieldsTooLarge);
            if let Err(whole) = whole && !sized(whole) && !sized(refusal) {
                prop_assert_eq!(whole.status(), refusal.status(), "{:?}: {:?}, {:?}", text, whole, refusal);
            }
            prop_assert!(!matches!(whole, Ok(Some(_))), "{:?} is refused after {} bytes", text, taken);
        } else {
            prop_assert!(whole.is_ok(), "{:?} is not refused in pieces", text);
        }
    }
}
