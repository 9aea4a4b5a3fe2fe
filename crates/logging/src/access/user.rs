//! The user name in a `Basic` authorization header.

/// Append the user name of the header value `authorization` to `out`; false if there is none.
///
/// As lenient as gunicorn, which reads base64 the way Python does: foreign characters are skipped, text after the
/// padding is ignored, and a name that is not UTF-8 does not count.
pub(super) fn push_user(out: &mut Vec<u8>, authorization: &[u8]) -> bool {
    let basic = authorization.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"basic"));
    let Some(space) = authorization.iter().position(|&byte| byte == b' ').filter(|_| basic) else {
        return false;
    };
    let start = out.len();
    let decoded = decode(out, &authorization[space + 1..]);
    let name = out[start..].iter().position(|&byte| byte == b':').map_or(out.len(), |colon| start + colon);
    let good = decoded && name > start && std::str::from_utf8(&out[start..name]).is_ok();
    out.truncate(if good { name } else { start });
    good
}

/// Append what `base64` encodes; false if it ends in the middle of a group.
fn decode(out: &mut Vec<u8>, base64: &[u8]) -> bool {
    let (mut bits, mut count, mut pads) = (0_u32, 0, 0);
    for &byte in base64 {
        if byte == b'=' {
            pads += 1;
            if count >= 2 && count + pads >= 4 {
                return true;
            }
            continue;
        }
        let Some(value) = value_of(byte) else { continue };
        pads = 0;
        bits = bits << 6 | u32::from(value);
        count = (count + 1) % 4;
        match count {
            1 => {}
            2 => out.push((bits >> 4) as u8),
            3 => out.push((bits >> 2) as u8),
            _ => out.push(bits as u8),
        }
    }
    count == 0
}

const fn value_of(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_what_gunicorn_reads() {
        for (header, user) in [
            ("Basic YWxpY2U6c2VjcmV0", Some("alice")),
            ("basic YWxpY2U6c2VjcmV0", Some("alice")),
            ("BASIC   YWxpY2U6c2VjcmV0 ", Some("alice")),
            ("Basic YWxpY2U=", Some("alice")),
            ("Basic YW xp Y2U6", Some("alice")),
            ("Basic YWxpY2U=trailing", Some("alice")),
            ("Basic w6k6eA==", Some("é")),
            ("Basic YTpiOmM=", Some("a")),
            ("Basic OnNlY3JldA==", None),
            ("Basic YWxpY2U", None),
            ("Basic /zph", None),
            ("Basic ", None),
            ("Basic", None),
            ("Bearer YWxpY2U6c2VjcmV0", None),
            ("", None),
        ] {
            let mut out = b"head ".to_vec();
            assert_eq!(push_user(&mut out, header.as_bytes()), user.is_some(), "{header:?}");
            assert_eq!(String::from_utf8(out).unwrap(), format!("head {}", user.unwrap_or("")), "{header:?}");
        }
    }
}
