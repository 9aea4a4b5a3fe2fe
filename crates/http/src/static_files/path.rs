//! From the path of a request to the name of a file.
//!
//! A path is decoded once, segment by segment, so nothing that is hidden in an encoding can become a separator or a step
//! upwards. Nothing is resolved here: a path with `.` or `..` names no file.

/// What a path names below a mount.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The name relative to the mount's directory; empty for that itself.
    pub(super) name: Vec<u8>,
    /// The path ends with a slash, or the name is empty and nothing follows the prefix.
    pub(super) slash: bool,
}

/// What follows `prefix`, which is decoded, in the path of a request, which is not; `None` where the path is neither the
/// prefix nor below it.
pub(super) fn below<'a>(path: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let mut rest = path;
    for wanted in prefix {
        let (byte, length) = decode(rest)?;
        // An encoded slash separates nothing.
        if byte != *wanted || (byte == b'/' && length > 1) {
            return None;
        }
        rest = &rest[length..];
    }
    matches!(rest.first(), None | Some(b'/')).then_some(rest)
}

/// What the rest of a path names; `None` where no file can have that name.
pub(super) fn place(rest: &[u8]) -> Option<Place> {
    let mut name = Vec::with_capacity(rest.len() + 16);
    for segment in rest.split(|byte| *byte == b'/').filter(|segment| !segment.is_empty()) {
        if !name.is_empty() {
            name.push(b'/');
        }
        let start = name.len();
        let mut segment = segment;
        while !segment.is_empty() {
            let (byte, length) = decode(segment)?;
            if matches!(byte, 0 | b'/') {
                return None;
            }
            name.push(byte);
            segment = &segment[length..];
        }
        if matches!(&name[start..], b"." | b"..") {
            return None;
        }
    }
    Some(Place { name, slash: rest.last() == Some(&b'/') })
}

/// The first byte that `bytes` encode, and how many of them do; `None` at the end, and where the encoding is broken.
fn decode(bytes: &[u8]) -> Option<(u8, usize)> {
    let hex = |at: usize| bytes.get(at).and_then(|digit| char::from(*digit).to_digit(16));
    match bytes.first()? {
        b'%' => Some(((hex(1)? * 16 + hex(2)?) as u8, 3)),
        byte => Some((*byte, 1)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_name_leads_upwards_or_to_the_root(rest in "(/|\\.|%2e|%2E|%2f|%5c|%00|%|a|\\\\){0,20}") {
            if let Some(place) = place(rest.as_bytes()) {
                let segments: Vec<_> = place.name.split(|byte| *byte == b'/').collect();
                prop_assert!(place.name.is_empty() || segments.iter().all(|segment| !matches!(*segment, b"" | b"." | b"..")));
                prop_assert!(!place.name.contains(&0));
            }
        }
    }

    fn name(rest: &str) -> Option<String> {
        place(rest.as_bytes()).map(|place| String::from_utf8(place.name).unwrap())
    }

    #[test]
    fn a_prefix_is_whole_segments_however_they_are_encoded() {
        let below =
            |path: &'static str, prefix: &str| below(path.as_bytes(), prefix.as_bytes()).map(<[u8]>::len);
        assert_eq!(below("/static", "/static"), Some(0));
        assert_eq!(below("/static/", "/static"), Some(1));
        assert_eq!(below("/static/a", "/static"), Some(2));
        assert_eq!(below("/%73tati%63/a", "/static"), Some(2));
        assert_eq!(below("/b%C3%BCcher/a", "/b\u{fc}cher"), Some(2));
        assert_eq!(below("/a", ""), Some(2));
        for other in
            ["/staticfoo", "/stati", "/", "", "/x/static", "/static%2fa", "%2fstatic/a", "/stati%6", "*"]
        {
            assert_eq!(below(other, "/static"), None, "{other}");
        }
    }

    #[test]
    fn a_name_is_decoded_once() {
        assert_eq!(name("/css/a%20b.css").as_deref(), Some("css/a b.css"));
        assert_eq!(name("/a%252fb").as_deref(), Some("a%2fb"));
        assert_eq!(name("/a\\b").as_deref(), Some("a\\b"));
        assert_eq!(name("//a///b").as_deref(), Some("a/b"));
        assert_eq!(name("").as_deref(), Some(""));
        assert_eq!(name("/.well-known/x").as_deref(), Some(".well-known/x"));
        assert_eq!(name("/...").as_deref(), Some("..."));
        assert!(place(b"/a/").unwrap().slash && place(b"/").unwrap().slash);
        assert!(!place(b"/a").unwrap().slash && !place(b"").unwrap().slash);
    }

    #[test]
    fn what_no_file_can_be_called_names_none() {
        for rest in [
            "/..",
            "/a/..",
            "/../a",
            "/./a",
            "/%2e%2e/a",
            "/.%2E/a",
            "/%2e/a",
            "/a%2fb",
            "/a%2Fb",
            "/..%2fa",
            "/a%00b",
            "/%00",
            "/a%",
            "/a%2",
            "/a%zz",
            "/%u002e",
        ] {
            assert_eq!(name(rest), None, "{rest}");
        }
    }
}
