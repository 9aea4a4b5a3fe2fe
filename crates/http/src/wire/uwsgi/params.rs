//! The variables of a packet.

use std::{
    borrow::Cow,
    net::{IpAddr, SocketAddr},
};

use super::{FIXED, Fault, MOST};

/// The variables of one request, in the order they came.
#[derive(Debug, Default)]
pub struct Params {
    bytes: Vec<u8>,
    places: Vec<Place>,
}

/// Where a variable lies in the packet.
#[derive(Debug, Clone, Copy)]
struct Place {
    key: usize,
    value: usize,
    end: usize,
}

/// Variables that say what the server itself tells the application; the rest is passed on.
const OWN: [&[u8]; 12] = [
    b"REQUEST_METHOD",
    b"SCRIPT_NAME",
    b"PATH_INFO",
    b"QUERY_STRING",
    b"CONTENT_TYPE",
    b"CONTENT_LENGTH",
    b"SERVER_PROTOCOL",
    b"SERVER_NAME",
    b"SERVER_PORT",
    b"SERVER_SOFTWARE",
    b"REMOTE_ADDR",
    b"REMOTE_PORT",
];

/// Names that the server keeps for itself (PEP 3333, "environ Variables").
const RESERVED: [&[u8]; 3] = [b"wsgi.", b"gunicorn.", b"rgunicorn."];

impl Params {
    /// Take apart a whole packet, as long as [`super::length`] said.
    ///
    /// # Errors
    /// When a variable does not fit into the packet, or could not be one of a request.
    pub fn parse(packet: Vec<u8>) -> Result<Self, Fault> {
        let mut params = Self { bytes: packet, places: Vec::new() };
        let mut at = FIXED;
        while at < params.bytes.len() {
            if params.places.len() == MOST {
                return Err(Fault::TooMany);
            }
            let key = params.part(at)?;
            let value = params.part(key.1)?;
            if key.0 == key.1 || !params.bytes[key.0..key.1].iter().all(u8::is_ascii_graphic) {
                return Err(Fault::Key);
            }
            if params.bytes[value.0..value.1].iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
                return Err(Fault::Value);
            }
            params.places.push(Place { key: key.0, value: value.0, end: value.1 });
            at = value.1;
        }
        Ok(params)
    }

    /// Begin and end of the key or value whose length stands at `at`.
    fn part(&self, at: usize) -> Result<(usize, usize), Fault> {
        let &[low, high] = self.bytes.get(at..at + 2).ok_or(Fault::Truncated)? else {
            return Err(Fault::Truncated);
        };
        let end = at + 2 + usize::from(u16::from_le_bytes([low, high]));
        if end > self.bytes.len() { Err(Fault::Truncated) } else { Ok((at + 2, end)) }
    }

    /// All variables in the order they came.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = (&[u8], &[u8])> {
        // The length of the value, two bytes, lies between the key and the value.
        let of =
            |place: &Place| (&self.bytes[place.key..place.value - 2], &self.bytes[place.value..place.end]);
        self.places.iter().map(of)
    }

    /// The value of a variable. The last one counts, so that a `uwsgi_param` behind `include uwsgi_params` does.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&[u8]> {
        self.all().rev().find(|(name, _)| *name == key.as_bytes()).map(|(_, value)| value)
    }

    /// The value of a variable that is there and not empty: nginx sends what it has no value for as empty.
    pub(super) fn given(&self, key: &str) -> Option<&[u8]> {
        self.value(key).filter(|value| !value.is_empty())
    }

    /// The variables that are neither header fields nor the server's own business: `REMOTE_USER`, `DOCUMENT_ROOT` and
    /// what the frontend's configuration adds. A WSGI application finds them in its environ.
    pub fn passed_on(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.all().filter(|(key, _)| {
            !key.starts_with(b"HTTP_")
                && !OWN.contains(key)
                && !RESERVED.iter().any(|prefix| key.starts_with(prefix))
        })
    }

    /// The prefix that the application is mounted at, without a slash at its end; often empty.
    #[must_use]
    pub fn script_name(&self) -> &[u8] {
        let name = self.value("SCRIPT_NAME").unwrap_or_default();
        name.strip_suffix(b"/").unwrap_or(name)
    }

    /// The decoded path below [`Params::script_name`]; `None` where the packet leaves it to `REQUEST_URI`.
    ///
    /// Apache and lighttpd send it without the prefix, as CGI has it. nginx sends the whole path, whatever
    /// `SCRIPT_NAME` says, so there the prefix is taken off.
    #[must_use]
    pub fn path_info(&self) -> Option<&[u8]> {
        let path = self.value("PATH_INFO")?;
        let script = self.script_name();
        let below = path.strip_prefix(script).filter(|rest| matches!(rest.first(), None | Some(b'/')));
        match below {
            Some(below) if !script.is_empty() && !self.is_apart(script, path) => Some(below),
            _ => Some(path),
        }
    }

    /// The decoded path with the prefix before it; `None` where the packet leaves it to `REQUEST_URI`.
    #[must_use]
    pub fn path(&self) -> Option<Cow<'_, [u8]>> {
        let below = self.path_info()?;
        match self.script_name() {
            b"" => Some(Cow::Borrowed(below)),
            script => Some(Cow::Owned([script, below].concat())),
        }
    }

    /// Whether the target is the prefix followed by the path: then the prefix is no part of the path, even if the path
    /// begins with the same segment.
    fn is_apart(&self, script: &[u8], path: &[u8]) -> bool {
        let target = self.value("REQUEST_URI").unwrap_or_default();
        let end = memchr::memchr(b'?', target).unwrap_or(target.len());
        decoded(&target[..end]).eq(script.iter().chain(path).copied())
    }

    /// Whether the client spoke TLS with the frontend: `HTTPS` by its usual values, or a scheme that says so.
    #[must_use]
    pub fn is_https(&self) -> bool {
        let on =
            |value: &[u8]| [&b"on"[..], b"1", b"true"].iter().any(|word| value.eq_ignore_ascii_case(word));
        let scheme =
            ["UWSGI_SCHEME", "REQUEST_SCHEME", "wsgi.url_scheme"].iter().find_map(|key| self.given(key));
        self.value("HTTPS").is_some_and(on) || scheme.is_some_and(|name| name.eq_ignore_ascii_case(b"https"))
    }

    /// Whether the packet says who the client is. If not, it is somebody behind the frontend.
    #[must_use]
    pub fn names_client(&self) -> bool {
        self.value("REMOTE_ADDR").is_some()
    }

    /// The client's address: `None` where the packet has none, or names a unix socket, as nginx does by `unix:`.
    ///
    /// # Errors
    /// When it is anything else. It must not be taken for the frontend's own address, which is trusted.
    pub fn remote(&self) -> Result<Option<SocketAddr>, Fault> {
        let address = match self.given("REMOTE_ADDR") {
            None | Some(b"unix:") => return Ok(None),
            Some(value) => parsed::<IpAddr>(value).ok_or(Fault::Invalid("REMOTE_ADDR"))?,
        };
        Ok(Some(SocketAddr::new(address, self.port("REMOTE_PORT")?.unwrap_or(0))))
    }

    /// The name that the frontend serves by, if it says so.
    #[must_use]
    pub fn server_name(&self) -> Option<&[u8]> {
        self.given("SERVER_NAME")
    }

    /// The port that the client connected to, if the packet says so.
    ///
    /// # Errors
    /// When it is not a port.
    pub fn server_port(&self) -> Result<Option<u16>, Fault> {
        self.port("SERVER_PORT")
    }

    fn port(&self, key: &'static str) -> Result<Option<u16>, Fault> {
        let Some(value) = self.given(key) else { return Ok(None) };
        let digits = value.iter().all(u8::is_ascii_digit);
        parsed(value).filter(|_| digits).map(Some).ok_or(Fault::Invalid(key))
    }

    /// The version of HTTP that the client spoke with the frontend, as in `HTTP/1.1`.
    ///
    /// # Errors
    /// When it is missing, or not a version.
    pub fn protocol(&self) -> Result<&str, Fault> {
        let value = self.given("SERVER_PROTOCOL").ok_or(Fault::Missing("SERVER_PROTOCOL"))?;
        match value.strip_prefix(b"HTTP/") {
            Some([b'0'..=b'9'] | [b'0'..=b'9', b'.', b'0'..=b'9']) => str::from_utf8(value).ok(),
            _ => None,
        }
        .ok_or(Fault::Invalid("SERVER_PROTOCOL"))
    }
}

/// The bytes that a percent-encoded path stands for (RFC 3986 2.1).
fn decoded(path: &[u8]) -> impl Iterator<Item = u8> {
    let nibble = |at: usize| path.get(at).and_then(|digit| char::from(*digit).to_digit(16));
    let mut at = 0;
    std::iter::from_fn(move || {
        let byte = *path.get(at)?;
        let escaped = if byte == b'%' { nibble(at + 1).zip(nibble(at + 2)) } else { None };
        at += if escaped.is_some() { 3 } else { 1 };
        Some(escaped.map_or(byte, |(high, low)| (high << 4 | low) as u8))
    })
}

fn parsed<T: std::str::FromStr>(value: &[u8]) -> Option<T> {
    str::from_utf8(value).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{super::tests::packet, *};

    fn params(vars: &[(&str, &str)]) -> Params {
        Params::parse(packet(vars)).expect("well-formed variables")
    }

    #[test]
    fn variables_are_kept_in_order_and_the_last_of_a_name_counts() {
        let params = params(&[("A", "1"), ("B", ""), ("A", "2")]);
        let all: Vec<_> = params.all().collect();
        assert_eq!(all, [(&b"A"[..], &b"1"[..]), (b"B", b""), (b"A", b"2")]);
        assert_eq!(params.value("A"), Some(&b"2"[..]));
        assert_eq!((params.value("B"), params.given("B")), (Some(&b""[..]), None));
        assert_eq!(params.value("C"), None);
    }

    #[test]
    fn a_variable_that_does_not_fit_is_refused() {
        for vars in [
            &b"\x01"[..],
            b"\x01\x00",
            b"\x02\x00A",
            b"\x01\x00A",
            b"\x01\x00A\x01",
            b"\x01\x00A\x01\x00",
            b"\x01\x00A\xff\xffx",
            b"\xff\xffA\x00\x00",
            b"\x01\x00A\x01\x00x\x01",
        ] {
            let size = u16::try_from(vars.len()).unwrap().to_le_bytes();
            let bytes = [&[0, size[0], size[1], 0][..], vars].concat();
            assert_eq!(Params::parse(bytes).unwrap_err(), Fault::Truncated, "{}", vars.escape_ascii());
        }
    }

    #[test]
    fn names_and_values_that_no_variable_can_have_are_refused() {
        let refused = |key: &str, value: &str| Params::parse(packet(&[(key, value)])).unwrap_err();
        for key in ["", " ", "A B", "A\n", "A\0", "HTTP_A:\r\nB", "A\u{e9}"] {
            assert_eq!(refused(key, "x"), Fault::Key, "{key:?}");
        }
        for value in ["a\r\nb", "a\nb", "a\rb", "a\0b", "\n"] {
            assert_eq!(refused("A", value), Fault::Value, "{value:?}");
        }
    }

    #[test]
    fn a_thousand_variables_are_read_and_no_more() {
        assert_eq!(params(&[("A", ""); 1000]).all().count(), 1000);
        assert_eq!(Params::parse(packet(&[("A", ""); 1001])).unwrap_err(), Fault::TooMany);
    }

    #[test]
    fn what_the_frontend_adds_is_passed_on_and_nothing_of_the_servers_own() {
        let params = params(&[
            ("REQUEST_METHOD", "GET"),
            ("HTTP_HOST", "h"),
            ("REMOTE_USER", "ada"),
            ("REMOTE_ADDR", "192.0.2.1"),
            ("wsgi.input", "x"),
            ("SSL_CLIENT_VERIFY", "SUCCESS"),
        ]);
        let names: Vec<_> = params.passed_on().map(|(key, _)| key).collect();
        assert_eq!(names, [&b"REMOTE_USER"[..], b"SSL_CLIENT_VERIFY"]);
    }

    #[test]
    fn the_prefix_is_taken_off_the_path_where_the_frontend_left_it_there() {
        for (script, path, uri, below) in [
            ("", "/a", "/a", "/a"),
            // nginx: the whole path.
            ("/app", "/app/a b", "/app/a%20b?x", "/a b"),
            ("/app", "/app", "/app", ""),
            ("/app/", "/app/a", "/app/a", "/a"),
            ("/app", "/app/app/a", "/app/app/a", "/app/a"),
            // Apache and lighttpd: what is left of it.
            ("/app", "/a", "/app/a", "/a"),
            ("/app", "/app/a", "/app/app/a?x", "/app/a"),
            ("/app", "/app/a b%", "/app/app/a%20b%?x", "/app/a b%"),
            ("/a b", "/a b/c", "/a%20b/%61%20b/c", "/a b/c"),
            ("/app", "", "/app", ""),
            // Another segment that begins with the same letters.
            ("/app", "/apple", "/apple", "/apple"),
            ("/", "/a", "/a", "/a"),
        ] {
            let params = params(&[("SCRIPT_NAME", script), ("PATH_INFO", path), ("REQUEST_URI", uri)]);
            assert_eq!(params.path_info(), Some(below.as_bytes()), "{script} {path} {uri}");
            let whole = format!("{}{below}", script.trim_end_matches('/'));
            assert_eq!(params.path().as_deref(), Some(whole.as_bytes()), "{script} {path} {uri}");
        }
        assert_eq!(params(&[("REQUEST_URI", "/a")]).path_info(), None);
    }

    #[test]
    fn the_scheme_is_what_the_frontend_says() {
        for (key, value, https) in [
            ("HTTPS", "on", true),
            ("HTTPS", "1", true),
            ("HTTPS", "True", true),
            ("HTTPS", "off", false),
            ("HTTPS", "", false),
            ("REQUEST_SCHEME", "https", true),
            ("REQUEST_SCHEME", "http", false),
            ("UWSGI_SCHEME", "https", true),
            ("wsgi.url_scheme", "https", true),
            ("HTTP_X_FORWARDED_PROTO", "https", false),
        ] {
            assert_eq!(params(&[(key, value)]).is_https(), https, "{key}={value}");
        }
    }

    #[test]
    fn the_client_is_an_address_or_a_unix_socket_and_nothing_else() {
        let remote = |address, port| params(&[("REMOTE_ADDR", address), ("REMOTE_PORT", port)]).remote();
        assert_eq!(remote("192.0.2.1", "4711"), Ok(Some("192.0.2.1:4711".parse().unwrap())));
        assert_eq!(remote("2001:db8::1", "4711"), Ok(Some("[2001:db8::1]:4711".parse().unwrap())));
        assert_eq!(remote("192.0.2.1", ""), Ok(Some("192.0.2.1:0".parse().unwrap())));
        assert_eq!(remote("unix:", ""), Ok(None));
        assert_eq!(remote("", "4711"), Ok(None));
        for address in ["localhost", "192.0.2.1:80", "[::1]", "192.0.2.1, 192.0.2.2", "\u{e9}", " 192.0.2.1"]
        {
            assert_eq!(remote(address, "1"), Err(Fault::Invalid("REMOTE_ADDR")), "{address}");
        }
        for port in ["+1", "65536", "1 ", "http"] {
            assert_eq!(remote("192.0.2.1", port), Err(Fault::Invalid("REMOTE_PORT")), "{port}");
        }
    }

    #[test]
    fn the_version_is_one_of_http() {
        for version in ["HTTP/0.9", "HTTP/1.0", "HTTP/1.1", "HTTP/2.0", "HTTP/3.0", "HTTP/2"] {
            assert_eq!(params(&[("SERVER_PROTOCOL", version)]).protocol(), Ok(version));
        }
        for version in ["HTTP/", "HTTP/1.", "HTTP/1.10", "http/1.1", "INCLUDED", "HTTP/x.1"] {
            let protocol = params(&[("SERVER_PROTOCOL", version)]);
            assert_eq!(protocol.protocol(), Err(Fault::Invalid("SERVER_PROTOCOL")), "{version}");
        }
        assert_eq!(params(&[]).protocol(), Err(Fault::Missing("SERVER_PROTOCOL")));
    }
}
