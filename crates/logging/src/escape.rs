//! Text that somebody else wrote, made fit for one line of a log.
//!
//! There are two forms. [`escape`] is for bytes that a client sent: the result is printable ASCII, and it is also a
//! valid JSON string body, so that an access log format shaped like a JSON object always yields valid JSON. The other,
//! for messages of the error log, keeps every language readable and only disarms control characters.

use std::fmt;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Make untrusted text safe to put into a log message.
///
/// Quotes and backslashes get a backslash, control characters and bytes beyond ASCII become `\n`, `\r`, `\t` or
/// `\u00e9`: a line cannot be ended, forged or coloured from outside.
///
/// ```
/// use rgunicorn_logging::escape;
/// assert_eq!(escape("a\"b\r\nforged\u{1b}[31m").to_string(), r#"a\"b\r\nforged\u001b[31m"#);
/// ```
pub fn escape<T: AsRef<[u8]> + ?Sized>(text: &T) -> Escaped<'_> {
    Escaped(text.as_ref())
}

/// What [`escape`] returns: displays the escaped text.
#[derive(Debug, Clone, Copy)]
pub struct Escaped<'a>(&'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::with_capacity(self.0.len() + 8);
        push_escaped(&mut out, self.0);
        // Escaped text is ASCII, so nothing is lost here.
        f.write_str(&String::from_utf8_lossy(&out))
    }
}

/// Append `text` escaped, as [`escape`] describes.
pub(crate) fn push_escaped(out: &mut Vec<u8>, text: &[u8]) {
    if is_plain(text) {
        out.extend_from_slice(text);
    } else {
        text.iter().for_each(|&byte| push_escaped_byte(out, byte));
    }
}

/// Escape what was appended to `out` after `start`, in place; `scratch` is somebody's spare buffer.
pub(crate) fn escape_tail(out: &mut Vec<u8>, start: usize, scratch: &mut Vec<u8>) {
    if is_plain(&out[start..]) {
        return;
    }
    scratch.clear();
    scratch.extend_from_slice(&out[start..]);
    out.truncate(start);
    scratch.iter().for_each(|&byte| push_escaped_byte(out, byte));
}

/// Append one byte escaped.
pub(crate) fn push_escaped_byte(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        _ if needs_escape(byte) => {
            let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
            return;
        }
        _ => return out.push(byte),
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Whether nothing in `text` needs escaping. Whole blocks are judged without a branch, which the compiler turns into
/// vector instructions.
fn is_plain(text: &[u8]) -> bool {
    let (blocks, rest) = text.as_chunks::<16>();
    blocks.iter().all(|block| !block.iter().fold(false, |found, &byte| found | needs_escape(byte)))
        && !rest.iter().any(|&byte| needs_escape(byte))
}

const fn needs_escape(byte: u8) -> bool {
    (byte < 0x20) | (byte >= 0x7f) | (byte == b'"') | (byte == b'\\')
}

/// Append a message of our own. Line breaks and tabs stay; other control characters are written as `\x1b`, and a
/// continuation line that looks like the head of a record is moved in by a space, so that text quoted in a traceback
/// cannot pass for a record.
pub(crate) fn push_message(out: &mut Vec<u8>, text: &str) {
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            out.push(b'\n');
            if line.starts_with('[') {
                out.push(b' ');
            }
        }
        push_line(out, line);
    }
}

/// Append text that must not leave its line.
pub(crate) fn push_line(out: &mut Vec<u8>, text: &str) {
    for character in text.chars() {
        match character {
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\u{2028}' => out.extend_from_slice(b"\\u2028"),
            '\u{2029}' => out.extend_from_slice(b"\\u2029"),
            '\t' => out.push(b'\t'),
            control if control.is_control() => {
                let byte = u32::from(control) as usize;
                out.extend_from_slice(&[b'\\', b'x', HEX[(byte >> 4) & 15], HEX[byte & 15]]);
            }
            plain => out.extend_from_slice(plain.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn escaped(text: &[u8]) -> String {
        escape(text).to_string()
    }

    fn message(text: &str) -> String {
        let mut out = Vec::new();
        push_message(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_kind_of_byte_has_its_form() {
        for (text, expected) in [
            (&b"plain text, 100% /?&="[..], "plain text, 100% /?&="),
            (b"a\"b\\c", r#"a\"b\\c"#),
            (b"\r\n\t", r"\r\n\t"),
            (b"\x00\x1b\x7f", r"\u0000\u001b\u007f"),
            ("é".as_bytes(), r"\u00c3\u00a9"),
            (b"0123456789abcdef\n", r"0123456789abcdef\n"),
            (b"0123456789\nbcdef", r"0123456789\nbcdef"),
            (b"", ""),
        ] {
            assert_eq!(escaped(text), expected);
        }
    }

    #[test]
    fn a_message_keeps_lines_and_languages_but_no_other_control_character() {
        assert_eq!(message("naïve\n\tnext line"), "naïve\n\tnext line");
        assert_eq!(message("a\x1b[31m\rb\u{9b}c\u{2028}d"), "a\\x1b[31m\\rb\\x9bc\\u2028d");
    }

    #[test]
    fn a_continuation_line_cannot_pass_for_a_record() {
        assert_eq!(
            message("ValueError: x\n[2026-01-31 12:00:00 +0000] [1] [CRITICAL] forged"),
            "ValueError: x\n [2026-01-31 12:00:00 +0000] [1] [CRITICAL] forged"
        );
    }

    proptest! {
        #[test]
        fn any_bytes_become_printable_ascii_that_reads_back(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let text = escaped(&bytes);
            prop_assert!(text.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
            prop_assert_eq!(unescape(&text), bytes);
        }

        #[test]
        fn both_ways_of_escaping_agree(
            head in proptest::collection::vec(any::<u8>(), 0..40),
            bytes in proptest::collection::vec(any::<u8>(), 0..80),
        ) {
            let (mut out, mut scratch) = (head.clone(), Vec::new());
            out.extend_from_slice(&bytes);
            escape_tail(&mut out, head.len(), &mut scratch);
            let tail = String::from_utf8(out.split_off(head.len())).unwrap();
            prop_assert_eq!(out, head);
            prop_assert_eq!(tail, escaped(&bytes));
        }

        #[test]
        fn text_that_must_stay_on_its_line_does(text in any::<String>()) {
            let mut out = Vec::new();
            push_line(&mut out, &text);
            let out = String::from_utf8(out).unwrap();
            prop_assert!(!out.chars().any(|character| character.is_control() && character != '\t'));
        }
    }

    /// What a JSON reader makes of the escapes, as Latin-1.
    fn unescape(text: &str) -> Vec<u8> {
        let mut bytes = text.bytes();
        let mut out = Vec::new();
        while let Some(byte) = bytes.next() {
            if byte != b'\\' {
                assert_ne!(byte, b'"', "a bare quote");
                out.push(byte);
                continue;
            }
            out.push(match bytes.next().unwrap() {
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'u' => {
                    let digits: String = bytes.by_ref().take(4).map(char::from).collect();
                    u8::from_str_radix(&digits, 16).unwrap()
                }
                literal @ (b'"' | b'\\') => literal,
                other => panic!("unknown escape {other}"),
            });
        }
        out
    }
}
