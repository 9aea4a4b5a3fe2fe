//! Request bodies: the same result however the bytes arrive, and the one that the grammar gives.

use rgunicorn_http::proto::{Decoder, Framing};

use crate::chance::arrivals;

/// A body as it was read: its bytes, and where it ends; without an end it may be incomplete or malformed.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Whole(Vec<u8>, usize),
    Waits(Vec<u8>),
    Refused,
}

/// The target for bodies in chunks.
///
/// # Panics
/// When a body is read in two ways, or differently from the grammar of RFC 9112 7.1.
pub fn run_chunked(bytes: &[u8]) {
    let whole = same_however_it_arrives(Framing::Chunked, bytes);
    let expected = by_grammar(bytes);
    match (&whole, &expected) {
        // The grammar knows no limits.
        (Outcome::Refused, Some(_)) if exceeds_a_limit(bytes) => {}
        (Outcome::Whole(body, end), Some((theirs, their_end))) => {
            assert_eq!((body, end), (theirs, their_end), "{}", bytes.escape_ascii());
        }
        (Outcome::Waits(_) | Outcome::Refused, None) => {}
        _ => panic!("{whole:?}, and by the grammar {expected:?}: {}", bytes.escape_ascii()),
    }
    if let Outcome::Whole(body, _) = whole {
        let again = encode(&body);
        let length = again.len();
        assert_eq!(same_however_it_arrives(Framing::Chunked, &again), Outcome::Whole(body, length));
    }
}

/// The target for bodies of a declared length: the first two bytes are the length.
///
/// # Panics
/// When a body is read in two ways, or is not simply the bytes.
pub fn run_length(bytes: &[u8]) {
    let [low, high, bytes @ ..] = bytes else { return };
    let length = usize::from(u16::from_le_bytes([*low, *high])) % 4096;
    let expected = match bytes.get(..length) {
        Some(body) => Outcome::Whole(body.to_vec(), length),
        None => Outcome::Waits(bytes.to_vec()),
    };
    // A length of nothing is no body at all for whoever reads the head.
    let framing = if length == 0 { Framing::None } else { Framing::Length(length as u64) };
    assert_eq!(same_however_it_arrives(framing, bytes), expected);
}

fn same_however_it_arrives(framing: Framing, bytes: &[u8]) -> Outcome {
    let mut results = arrivals(bytes).into_iter().map(|way| decode(framing, &way));
    let whole = results.next().expect("bytes arrive at once, too");
    for result in results {
        assert_eq!(result, whole, "depends on how the bytes arrive: {}", bytes.escape_ascii());
    }
    whole
}

fn decode(framing: Framing, pieces: &[&[u8]]) -> Outcome {
    let mut decoder = Decoder::new(framing);
    let (mut body, mut end) = (Vec::new(), 0);
    for piece in pieces {
        let Ok(taken) = decoder.decode(piece, &mut |part| body.extend_from_slice(part)) else {
            return Outcome::Refused;
        };
        assert!(taken <= piece.len());
        end += taken;
        if decoder.is_done() {
            return Outcome::Whole(body, end);
        }
        assert_eq!(taken, piece.len(), "bytes of an unfinished body are left");
    }
    if decoder.is_done() { Outcome::Whole(body, end) } else { Outcome::Waits(body) }
}

/// Body and length of a complete chunked body, by RFC 9112 7.1 read line by line.
fn by_grammar(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let line = line(bytes, &mut at)?;
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let (size, extensions) = line.split_at(digits);
        let size = usize::from_str_radix(str::from_utf8(size).ok()?, 16).ok()?;
        if !are_extensions(extensions) {
            return None;
        }
        if size == 0 {
            break;
        }
        body.extend_from_slice(bytes.get(at..at.checked_add(size)?)?);
        at += size;
        if bytes.get(at..at + 2)? != b"\r\n" {
            return None;
        }
        at += 2;
    }
    loop {
        match line(bytes, &mut at)? {
            [] => return Some((body, at)),
            field => {
                let colon = field.iter().position(|byte| *byte == b':')?;
                let named = colon > 0 && field[..colon].iter().all(is_token);
                if !named || is_forbidden(field) || !field.iter().all(is_text) {
                    return None;
                }
            }
        }
    }
}

/// The bytes up to the next CR LF, without it.
fn line<'a>(bytes: &'a [u8], at: &mut usize) -> Option<&'a [u8]> {
    let length = bytes[*at..].windows(2).position(|two| two == b"\r\n")?;
    let line = &bytes[*at..*at + length];
    *at += length + 2;
    Some(line)
}

/// Field text: no control character but the tab (RFC 9110 5.5).
fn is_text(byte: &u8) -> bool {
    *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f)
}

/// RFC 9112 7.1.1: `*( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )`.
#[must_use]
pub fn are_extensions(mut text: &[u8]) -> bool {
    while !text.is_empty() {
        let Some(rest) = trim(text).strip_prefix(b";") else { return false };
        let Some(rest) = behind_token(trim(rest)) else { return false };
        text = rest;
        if let Some(value) = trim(rest).strip_prefix(b"=") {
            let value = trim(value);
            let Some(rest) = behind_token(value).or_else(|| behind_quoted(value)) else { return false };
            text = rest;
        }
    }
    true
}

/// Without the blanks in front.
fn trim(text: &[u8]) -> &[u8] {
    let blanks = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    &text[blanks..]
}

fn behind_token(text: &[u8]) -> Option<&[u8]> {
    let length = text.iter().take_while(|byte| is_token(byte)).count();
    (length > 0).then(|| &text[length..])
}

fn behind_quoted(text: &[u8]) -> Option<&[u8]> {
    let mut rest = text.strip_prefix(b"\"")?;
    loop {
        rest = match rest {
            [b'"', behind @ ..] => return Some(behind),
            [b'\\', escaped, behind @ ..] if is_text(escaped) => behind,
            [byte, behind @ ..] if is_text(byte) && *byte != b'\\' => behind,
            _ => return None,
        };
    }
}

fn is_token(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte)
}

/// Names that a trailer section must not have (RFC 9110 6.5.1).
const NO_TRAILERS: &[&str] = &[
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "cookie",
    "expect",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "keep-alive",
    "max-forwards",
    "pragma",
    "proxy-authorization",
    "range",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Whether a trailer line has a name that must not be there.
#[must_use]
pub fn is_forbidden(line: &[u8]) -> bool {
    let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
    NO_TRAILERS.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}

/// Whether some line is as long as a limit of the decoder, or some size as large.
fn exceeds_a_limit(bytes: &[u8]) -> bool {
    bytes.split(|byte| *byte == b'\n').any(|line| {
        let digits =
            line.iter().skip_while(|byte| **byte == b'0').take_while(|byte| byte.is_ascii_hexdigit());
        line.len() > 250 || digits.count() > 14
    })
}

fn encode(body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for piece in body.chunks(7) {
        bytes.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        bytes.extend_from_slice(piece);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}
