//! From variables to the head of an HTTP request.

use super::{Fault, Params};
use crate::proto::lines::is_token;

/// Fields that belong to the client's connection with the frontend (RFC 9110 7.6.1), and `Expect`, which the frontend
/// has answered. The body's length comes by `CONTENT_LENGTH` alone: the frontend has undone any chunks.
const OF_THE_OTHER_HOP: [&[u8]; 8] = [
    b"CONNECTION",
    b"EXPECT",
    b"KEEP_ALIVE",
    b"PROXY_CONNECTION",
    b"TE",
    b"TRAILER",
    b"TRANSFER_ENCODING",
    b"UPGRADE",
];

impl Params {
    /// The request as the head of an HTTP/1.0 message. The version is that of the answer, whatever the client spoke with
    /// the frontend: without chunks or interim responses, and the end of the connection ends it, which is what a uwsgi
    /// frontend understands.
    ///
    /// # Errors
    /// When there is no request in the variables.
    pub fn head(&self) -> Result<Vec<u8>, Fault> {
        let mut head = Vec::with_capacity(1024);
        self.protocol()?;
        head.extend_from_slice(self.given("REQUEST_METHOD").ok_or(Fault::Missing("REQUEST_METHOD"))?);
        head.push(b' ');
        match self.given("REQUEST_URI") {
            Some(target) => head.extend_from_slice(target),
            None => self.write_target(&mut head)?,
        }
        head.extend_from_slice(b" HTTP/1.0\r\n");
        if let Some(kind) = self.given("CONTENT_TYPE").or_else(|| self.given("HTTP_CONTENT_TYPE")) {
            write_field(&mut head, b"CONTENT_TYPE", kind);
        }
        match self.content_length()? {
            Some(length) => write_field(&mut head, b"CONTENT_LENGTH", length),
            None if self.given("HTTP_TRANSFER_ENCODING").is_some() => return Err(Fault::Chunked),
            None => {}
        }
        for (key, value) in self.all() {
            let Some(name) = key.strip_prefix(b"HTTP_") else { continue };
            if name.is_empty() || !name.iter().all(|byte| may_name_a_field(*byte)) {
                return Err(Fault::Key);
            }
            let twice = matches!(name, b"CONTENT_TYPE" | b"CONTENT_LENGTH");
            if !twice && !OF_THE_OTHER_HOP.contains(&name) {
                write_field(&mut head, name, value);
            }
        }
        head.extend_from_slice(b"\r\n");
        Ok(head)
    }

    /// nginx passes the client's own `Content-Length` on as `HTTP_CONTENT_LENGTH` beside its `CONTENT_LENGTH`.
    fn content_length(&self) -> Result<Option<&[u8]>, Fault> {
        let mut found = None;
        for (key, value) in self.all() {
            if matches!(key, b"CONTENT_LENGTH" | b"HTTP_CONTENT_LENGTH") && !value.is_empty() {
                if found.is_some_and(|before| before != value) {
                    return Err(Fault::Length);
                }
                found = Some(value);
            }
        }
        Ok(found)
    }

    /// The target from its parts, for frontends that do not send it.
    fn write_target(&self, head: &mut Vec<u8>) -> Result<(), Fault> {
        let path = self.path().ok_or(Fault::Missing("REQUEST_URI"))?;
        if path.is_empty() {
            head.push(b'/');
        }
        for byte in path.iter().copied() {
            // What may stand in a path as it is (RFC 3986 3.3).
            if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte) {
                head.push(byte);
            } else {
                let digit = |nibble: u8| b"0123456789ABCDEF"[usize::from(nibble)];
                head.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 15)]);
            }
        }
        if let Some(query) = self.given("QUERY_STRING") {
            head.push(b'?');
            head.extend_from_slice(query);
        }
        Ok(())
    }
}

/// A colon in the name would begin the value early. And a frontend has made capitals of small letters and underscores of
/// hyphens: with either, a name would be the same field as another, and pass where that is held back.
fn may_name_a_field(byte: u8) -> bool {
    is_token(byte) && byte != b'-' && !byte.is_ascii_lowercase()
}

/// Underscores become hyphens, so no field can be taken for another that differs in them.
fn write_field(head: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    head.extend(name.iter().map(|byte| if *byte == b'_' { b'-' } else { *byte }));
    head.extend_from_slice(b": ");
    head.extend_from_slice(value);
    head.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::tests::packet, *};
    use crate::{
        Head, Limits,
        proto::{Framing, Rules, Scan},
    };

    const PLAIN: [(&str, &str); 3] =
        [("REQUEST_METHOD", "GET"), ("REQUEST_URI", "/a?b"), ("SERVER_PROTOCOL", "HTTP/1.1")];

    fn head_of(vars: &[(&str, &str)]) -> Result<String, Fault> {
        let params = Params::parse(packet(vars))?;
        params.head().map(|head| String::from_utf8_lossy(&head).into_owned())
    }

    fn with(more: &[(&str, &str)]) -> Result<String, Fault> {
        head_of(&[&PLAIN[..], more].concat())
    }

    #[test]
    fn variables_become_the_fields_they_were() {
        let head = with(&[
            ("HTTP_HOST", "h"),
            ("CONTENT_TYPE", "text/plain"),
            ("CONTENT_LENGTH", "3"),
            ("HTTP_X_FORWARDED_FOR", "192.0.2.1"),
            ("REMOTE_USER", "ada"),
            ("HTTP_COOKIE", "a=\u{e9}"),
        ]);
        let expected = "GET /a?b HTTP/1.0\r\nCONTENT-TYPE: text/plain\r\nCONTENT-LENGTH: 3\r\nHOST: h\r\n\
                        X-FORWARDED-FOR: 192.0.2.1\r\nCOOKIE: a=\u{e9}\r\n\r\n";
        assert_eq!(head.as_deref(), Ok(expected));
    }

    #[test]
    fn what_nginx_sends_twice_or_empty_is_one_field_or_none() {
        let once = "GET /a?b HTTP/1.0\r\nCONTENT-TYPE: a/b\r\nCONTENT-LENGTH: 3\r\n\r\n";
        for vars in [
            [
                ("CONTENT_TYPE", "a/b"),
                ("CONTENT_LENGTH", "3"),
                ("HTTP_CONTENT_LENGTH", "3"),
                ("HTTP_CONTENT_TYPE", "a/b"),
            ],
            [
                ("CONTENT_TYPE", ""),
                ("CONTENT_LENGTH", ""),
                ("HTTP_CONTENT_LENGTH", "3"),
                ("HTTP_CONTENT_TYPE", "a/b"),
            ],
        ] {
            assert_eq!(with(&vars).as_deref(), Ok(once));
        }
        assert_eq!(
            with(&[("CONTENT_TYPE", ""), ("CONTENT_LENGTH", "")]).as_deref(),
            Ok("GET /a?b HTTP/1.0\r\n\r\n")
        );
    }

    #[test]
    fn fields_of_the_clients_own_connection_go_no_further() {
        let head = with(&[
            ("HTTP_CONNECTION", "upgrade"),
            ("HTTP_UPGRADE", "websocket"),
            ("HTTP_TRANSFER_ENCODING", "chunked"),
            ("HTTP_EXPECT", "100-continue"),
            ("HTTP_TE", "trailers"),
            ("HTTP_KEEP_ALIVE", "300"),
            ("CONTENT_LENGTH", "3"),
        ]);
        assert_eq!(head.as_deref(), Ok("GET /a?b HTTP/1.0\r\nCONTENT-LENGTH: 3\r\n\r\n"));
    }

    #[test]
    fn a_target_that_is_not_sent_is_built_from_its_parts() {
        let line = |vars: &[(&str, &str)]| {
            let all = [&[("REQUEST_METHOD", "GET"), ("SERVER_PROTOCOL", "HTTP/1.1")], vars].concat();
            head_of(&all).map(|head| head.lines().next().map(str::to_owned).unwrap_or_default())
        };
        for (vars, target) in [
            (&[("PATH_INFO", "/a b/%\u{e9}?#")][..], "/a%20b/%25%C3%A9%3F%23"),
            (&[("PATH_INFO", "/a"), ("QUERY_STRING", "x=1&y")], "/a?x=1&y"),
            (&[("PATH_INFO", "/a"), ("SCRIPT_NAME", "/app")], "/app/a"),
            (&[("PATH_INFO", "/app/a"), ("SCRIPT_NAME", "/app")], "/app/a"),
            (&[("PATH_INFO", "")], "/"),
            (&[("REQUEST_URI", ""), ("PATH_INFO", "/a")], "/a"),
        ] {
            assert_eq!(line(vars), Ok(format!("GET {target} HTTP/1.0")), "{vars:?}");
        }
        assert_eq!(line(&[]), Err(Fault::Missing("REQUEST_URI")));
    }

    #[test]
    fn a_packet_without_a_request_is_refused() {
        for (index, (key, _)) in PLAIN.iter().enumerate() {
            let mut vars = PLAIN.to_vec();
            vars.remove(index);
            assert_eq!(head_of(&vars), Err(Fault::Missing(key)), "without {key}");
            vars.push((key, ""));
            assert_eq!(head_of(&vars), Err(Fault::Missing(key)), "with an empty {key}");
        }
        for key in ["HTTP_", "HTTP_A:", "HTTP_A: b", "HTTP_\"A\"", "HTTP_A(B)", "HTTP_a", "HTTP_A-B"] {
            assert_eq!(with(&[(key, "x")]), Err(Fault::Key), "{key}");
        }
        let lengths = [("CONTENT_LENGTH", "3"), ("HTTP_CONTENT_LENGTH", "4")];
        assert_eq!(with(&lengths), Err(Fault::Length));
        assert_eq!(with(&[("CONTENT_LENGTH", "3"), ("CONTENT_LENGTH", "4")]), Err(Fault::Length));
        assert_eq!(
            with(&[("CONTENT_LENGTH", ""), ("HTTP_TRANSFER_ENCODING", "chunked")]),
            Err(Fault::Chunked)
        );
    }

    proptest! {
        /// Whatever stands in the variables, the parser sees the fields that were meant, or refuses the head.
        #[test]
        fn a_variable_never_becomes_more_than_its_own_field(
            method in "[A-Z :/\\r\\n]{0,8}",
            target in "/?[ -~]{0,12}",
            fields in prop::collection::vec(("[A-Z_:\\- \\r\\n]{0,8}", "[ -~\\r\\n\u{e9}]{0,12}"), 0..6),
        ) {
            let names: Vec<String> = fields.iter().map(|(name, _)| format!("HTTP_X{name}")).collect();
            let mut vars = vec![("REQUEST_METHOD", &*method), ("REQUEST_URI", &*target), ("SERVER_PROTOCOL", "HTTP/1.1")];
            vars.extend(names.iter().zip(&fields).map(|(name, (_, value))| (&**name, &**value)));
            let Ok(mut bytes) = Params::parse(packet(&vars)).and_then(|params| params.head()) else { return Ok(()) };
            let limits = Limits::default();
            let rules = Rules::strict(&limits);
            let Ok(found) = Scan::default().find_end(&bytes, rules) else { return Ok(()) };
            prop_assert_eq!(found, Some(bytes.len()));
            let mut head = Head::default();
            if head.parse(&mut bytes, rules).is_ok() {
                prop_assert_eq!(head.method(&bytes), method.as_bytes());
                prop_assert_eq!(head.target(&bytes), target.as_bytes());
                prop_assert_eq!(head.fields(&bytes).len(), fields.len());
                prop_assert_eq!(head.semantics().framing, Framing::None);
                prop_assert!(!head.semantics().keep_alive);
                for ((_, read), (_, sent)) in head.fields(&bytes).zip(&fields) {
                    prop_assert_eq!(read, sent.trim_matches([' ', '\t']).as_bytes());
                }
            }
        }
    }
}
