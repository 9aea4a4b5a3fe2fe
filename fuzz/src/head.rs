//! Request heads: the same result however the bytes arrive, and spans that cover the head without a gap.

use rgunicorn_http::{
    Head, Limits, Version,
    proto::{HeaderMap, Leniency, Rules, Scan},
};

use crate::{chance::arrivals, reading::parse};

#[derive(Debug, PartialEq, Eq)]
struct Refused;

/// Limits that small inputs reach.
fn tight() -> Limits {
    Limits { request_line: 60, fields: 6, field_size: 40, head: 160, ..Limits::default() }
}

/// Everything that an operator may let pass.
const LENIENT: Leniency = Leniency {
    permit_obsolete_folding: true,
    strip_header_spaces: true,
    permit_unconventional_http_method: true,
    permit_unconventional_http_version: true,
    casefold_http_method: true,
    header_map: HeaderMap::Dangerous,
};

/// The target.
///
/// # Panics
/// When a head is read in two ways, or an accepted one is not what the grammar of RFC 9112 3 and 5 makes of its bytes.
pub fn run(bytes: &[u8]) {
    for limits in [Limits::default(), tight()] {
        let as_sent = Leniency { header_map: HeaderMap::Dangerous, ..Leniency::NONE };
        let strict = same_however_it_arrives(bytes, Rules { leniency: &as_sent, ..Rules::strict(&limits) });
        let lenient = same_however_it_arrives(bytes, Rules { leniency: &LENIENT, ..Rules::strict(&limits) });
        if let Ok(Some((head, parsed, end))) = strict {
            check(&head, &parsed);
            let (other, theirs, other_end) = lenient.ok().flatten().expect("what is strict is let pass");
            assert_eq!((end, &parsed), (other_end, &theirs), "rewritten without need");
            assert_eq!(head.semantics().framing, other.semantics().framing);
            assert!(head.fields(&parsed).eq(other.fields(&theirs)));
        }
    }
}

type Read = Result<Option<(Head, Vec<u8>, usize)>, Refused>;

fn same_however_it_arrives(bytes: &[u8], rules: Rules<'_>) -> Read {
    let whole = read(&[bytes], rules);
    for way in arrivals(bytes) {
        match (read(&way, rules), &whole) {
            (Ok(None), Ok(None)) | (Err(Refused), Err(Refused)) => {}
            (Ok(Some((.., end))), Ok(Some((.., other)))) if end == *other => {}
            // How early it shows that a head can never be valid may depend on how it arrives; that it is not, may not.
            (Ok(None), Err(Refused)) | (Err(Refused), Ok(None)) => {
                let complete = [bytes, b"\r\n\r\n"].concat();
                assert_eq!(read(&[&complete], rules).err(), Some(Refused), "{}", bytes.escape_ascii());
            }
            _ => panic!("depends on how it arrives: {}", bytes.escape_ascii()),
        }
    }
    check_at_once(bytes, rules, &whole);
    whole
}

/// What is taken in one pass is what is taken line by line.
fn check_at_once(bytes: &[u8], rules: Rules<'_>, whole: &Read) {
    let mut head = Head::default();
    let mut parsed = bytes.to_vec();
    let Some(end) = head.parse_at_once(&mut parsed, rules) else { return };
    let Ok(Some((other, theirs, other_end))) = whole else {
        panic!("taken at once, and not otherwise: {}", bytes.escape_ascii())
    };
    assert_eq!((end, &parsed[..end]), (*other_end, theirs.as_slice()), "{}", bytes.escape_ascii());
    assert_eq!(head.method(&parsed), other.method(theirs));
    assert_eq!((head.target(&parsed), head.path(&parsed)), (other.target(theirs), other.path(theirs)));
    assert_eq!((head.query(&parsed), head.version()), (other.query(theirs), other.version()));
    assert!(head.fields(&parsed).eq(other.fields(theirs)));
    assert_eq!(format!("{:?}", head.semantics()), format!("{:?}", other.semantics()));
}

/// The head that arrives in these pieces, and where it ends. Which of several broken rules it is refused for may depend
/// on which one shows first.
fn read(pieces: &[&[u8]], rules: Rules<'_>) -> Read {
    let mut scan = Scan::default();
    let mut bytes = Vec::new();
    for piece in pieces {
        bytes.extend_from_slice(piece);
        if let Some(end) = scan.find_end(&bytes, rules).map_err(|_| Refused)? {
            let (head, parsed) = parse(&bytes[scan.begin()..end], rules).map_err(|_| Refused)?;
            return Ok(Some((head, parsed, end)));
        }
    }
    Ok(None)
}

/// The parts of an accepted head make up its bytes again, and each is what the grammar says.
fn check(head: &Head, bytes: &[u8]) {
    let mut rest = bytes;
    eat(&mut rest, head.method(bytes));
    eat(&mut rest, b" ");
    eat(&mut rest, head.target(bytes));
    eat(&mut rest, b" ");
    eat(&mut rest, head.version().as_str().as_bytes());
    eat(&mut rest, b"\r\n");
    assert!(is_token(head.method(bytes)));
    assert!(!head.target(bytes).is_empty());
    assert!(head.target(bytes).iter().all(|byte| *byte > b' ' && *byte != 0x7f && *byte != b'#'));
    let absolute = !matches!(head.target(bytes).first(), Some(b'/' | b'*'));
    for (name, value) in head.fields(bytes) {
        eat(&mut rest, name);
        eat(&mut rest, b":");
        skip_blanks(&mut rest);
        if name.eq_ignore_ascii_case(b"host") && absolute {
            // RFC 9112 3.2.2: the authority of the target stands in its place.
            let end = rest.iter().position(|byte| *byte == b'\r').expect("a line end");
            rest = &rest[end..];
        } else {
            eat(&mut rest, value);
        }
        skip_blanks(&mut rest);
        eat(&mut rest, b"\r\n");
        assert!(is_token(name));
        assert!(value.iter().all(|byte| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f)));
        let blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
        assert!(!blank(value.first()) && !blank(value.last()));
    }
    assert_eq!(rest, b"\r\n");
    let hosts = head.fields(bytes).filter(|(name, _)| name.eq_ignore_ascii_case(b"host")).count();
    assert!(hosts == 1 || (hosts == 0 && head.version() == Version::Http10));
    assert!(head.path(bytes).starts_with(b"/") || head.target(bytes) == b"*");
    assert!(!head.path(bytes).contains(&b'?'));
}

fn eat(rest: &mut &[u8], part: &[u8]) {
    match rest.strip_prefix(part) {
        Some(behind) => *rest = behind,
        None => panic!("not `{}` at `{}`", part.escape_ascii(), rest.escape_ascii()),
    }
}

fn skip_blanks(rest: &mut &[u8]) {
    while let Some((b' ' | b'\t', behind)) = rest.split_first() {
        *rest = behind;
    }
}

fn is_token(name: &[u8]) -> bool {
    !name.is_empty()
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}
