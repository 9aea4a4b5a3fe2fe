//! Which parts of a file a client asks for (RFC 9110 14.2).

/// A part of a file: the first byte and the number of bytes, at least one.
pub(super) type Part = (u64, u64);

/// More parts than this are not looked for.
const MOST: usize = 16;

/// What a `Range` field asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Everything: the field says nothing that is understood, or more than is reasonable. More than sixteen parts, or
    /// parts that overlap, are what attackers ask for (RFC 9110 17.15); the field may always be ignored.
    Whole,
    /// These parts, one at least, in the order asked for.
    Parts(Vec<Part>),
    /// Nothing that the file has.
    Nothing,
}

/// What `value` asks for of a file of `size` bytes.
pub(super) fn read(value: &[u8], size: u64) -> Asked {
    match parts(value, size) {
        Some(parts) if parts.is_empty() => Asked::Nothing,
        Some(parts) if overlap(&parts) => Asked::Whole,
        Some(parts) => Asked::Parts(parts),
        None => Asked::Whole,
    }
}

/// The parts that the file has of those asked for; `None` where the field is to be ignored.
fn parts(value: &[u8], size: u64) -> Option<Vec<Part>> {
    let at = memchr::memchr(b'=', value)?;
    if !value[..at].eq_ignore_ascii_case(b"bytes") {
        return None;
    }
    let mut parts = Vec::new();
    let mut count = 0;
    for spec in value[at + 1..].split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
        // RFC 9110 5.6.1.2: empty elements of a list are to be put up with.
        if spec.is_empty() {
            continue;
        }
        count += 1;
        let dash = memchr::memchr(b'-', spec)?;
        let part = match (&spec[..dash], &spec[dash + 1..]) {
            (b"", length) => last(number(length)?, size)?,
            (first, b"") => between(number(first)?, u64::MAX, size)?,
            (first, end) => between(number(first)?, number(end)?, size)?,
        };
        parts.extend(part);
        if count > MOST {
            return None;
        }
    }
    (count > 0).then_some(parts)
}

/// The last `length` bytes. Of an empty file that is all of it, which no range can say.
fn last(length: u64, size: u64) -> Option<Option<Part>> {
    match (length, size) {
        (0, _) => Some(None),
        (_, 0) => None,
        _ => Some(Some((size - length.min(size), length.min(size)))),
    }
}

fn between(first: u64, end: u64, size: u64) -> Option<Option<Part>> {
    if end < first {
        return None;
    }
    Some((first < size).then(|| (first, end.min(size - 1) - first + 1)))
}

/// A number of bytes; one that is too large for any file is as good as the largest.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let step = |sum: u64, digit: &u8| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
    Some(digits.iter().fold(0, step))
}

fn overlap(parts: &[Part]) -> bool {
    let mut sorted = parts.to_vec();
    sorted.sort_unstable();
    sorted.windows(2).any(|pair| pair[0].0 + pair[0].1 > pair[1].0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn parts_lie_in_the_file_and_apart(value in "bytes=([0-9]{0,3}-[0-9]{0,22}|,| ){0,9}", size in 0..2000_u64) {
            if let Asked::Parts(mut parts) = read(value.as_bytes(), size) {
                prop_assert!(!parts.is_empty() && parts.len() <= MOST);
                parts.sort_unstable();
                prop_assert!(parts.iter().all(|(first, length)| *length > 0 && first + length <= size));
                prop_assert!(parts.windows(2).all(|pair| pair[0].0 + pair[0].1 <= pair[1].0));
            }
        }
    }

    fn asked(value: &str) -> Asked {
        read(value.as_bytes(), 1000)
    }

    #[test]
    fn parts_are_cut_to_the_file() {
        for (value, parts) in [
            ("bytes=0-0", vec![(0, 1)]),
            ("Bytes=0-499", vec![(0, 500)]),
            ("bytes=500-", vec![(500, 500)]),
            ("bytes=999-5000", vec![(999, 1)]),
            ("bytes=-1", vec![(999, 1)]),
            ("bytes=-5000", vec![(0, 1000)]),
            ("bytes=0-99999999999999999999999999", vec![(0, 1000)]),
            ("bytes=-99999999999999999999999999", vec![(0, 1000)]),
            ("bytes=0-9, 20-29 ,, 990-", vec![(0, 10), (20, 10), (990, 10)]),
            ("bytes=990-, 0-9", vec![(990, 10), (0, 10)]),
            ("bytes=0-9, 5000-6000", vec![(0, 10)]),
            ("bytes=0-9,10-19", vec![(0, 10), (10, 10)]),
        ] {
            assert_eq!(asked(value), Asked::Parts(parts), "{value}");
        }
    }

    #[test]
    fn what_the_file_does_not_have_is_not_to_be_had() {
        for value in
            ["bytes=1000-", "bytes=1000-1000", "bytes=-0", "bytes=5000-, -0", "bytes=99999999999999999999-"]
        {
            assert_eq!(asked(value), Asked::Nothing, "{value}");
        }
        assert_eq!(read(b"bytes=0-", 0), Asked::Nothing);
        assert_eq!(read(b"bytes=-5", 0), Asked::Whole);
    }

    #[test]
    fn what_is_malformed_or_unreasonable_is_ignored() {
        for value in [
            "",
            "bytes",
            "bytes=",
            "bytes=,",
            "bytes=-",
            "bytes=a-b",
            "bytes=5-4",
            "bytes=+1-2",
            "bytes=1-2-3",
            "bytes 0-1",
            "items=0-1",
            "bytes=0x0-1",
            "bytes=0 - 1",
            "bytes=1",
            "bytes=0-9,x",
            "bytes=0-9,5-14",
            "bytes=0-,0-",
            "bytes=-5,0-",
        ] {
            assert_eq!(asked(value), Asked::Whole, "{value}");
        }
        let many = |count: u64| (0..count).map(|at| format!("{0}-{0}", at * 2)).collect::<Vec<_>>().join(",");
        assert!(matches!(asked(&format!("bytes={}", many(16))), Asked::Parts(parts) if parts.len() == 16));
        assert_eq!(asked(&format!("bytes={}", many(17))), Asked::Whole);
    }
}
