//! A request with nothing behind it.

use std::time::Duration;

use rgunicorn_logging::Record;

/// An answered request, made of plain fields.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) address: Option<String>,
    pub(crate) method: Vec<u8>,
    pub(crate) target: Vec<u8>,
    pub(crate) status: u16,
    pub(crate) body_bytes: u64,
    pub(crate) elapsed: Duration,
    pub(crate) request: Vec<(&'static str, Vec<u8>)>,
    pub(crate) response: Vec<(&'static str, Vec<u8>)>,
    pub(crate) environ: Vec<(&'static str, Vec<u8>)>,
}

impl Request {
    /// `GET /search?q=rust` without headers.
    pub(crate) fn bare() -> Self {
        Self {
            address: Some("203.0.113.7".to_owned()),
            method: b"GET".to_vec(),
            target: b"/search?q=rust".to_vec(),
            status: 200,
            body_bytes: 5120,
            elapsed: Duration::new(2, 12_345_678),
            request: Vec::new(),
            response: Vec::new(),
            environ: Vec::new(),
        }
    }

    /// The same with what a browser sends.
    pub(crate) fn full() -> Self {
        let mut full = Self::bare();
        full.request = vec![
            ("authorization", b"Basic YWxpY2U6c2VjcmV0".to_vec()),
            ("referer", b"https://example.com/".to_vec()),
            (
                "user-agent",
                b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".to_vec(),
            ),
            ("x-request-id", b"7f3a91".to_vec()),
            ("accept", b"text/html".to_vec()),
            ("accept", b"*/*".to_vec()),
        ];
        full.response = vec![("content-type", b"text/html".to_vec())];
        full.environ = vec![("wsgi.url_scheme", b"http".to_vec()), ("REMOTE_USER", b"alice".to_vec())];
        full
    }
}

fn join(values: &[(&'static str, Vec<u8>)], name: &str, out: &mut Vec<u8>) -> bool {
    let mut found = false;
    for (_, value) in values.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name)) {
        if found {
            out.extend_from_slice(b", ");
        }
        out.extend_from_slice(value);
        found = true;
    }
    found
}

impl Record for Request {
    fn remote_address(&self) -> Option<&str> {
        self.address.as_deref()
    }

    fn method(&self) -> &[u8] {
        &self.method
    }

    fn target(&self) -> &[u8] {
        &self.target
    }

    fn protocol(&self) -> &str {
        "HTTP/1.1"
    }

    fn status(&self) -> u16 {
        self.status
    }

    fn body_bytes(&self) -> u64 {
        self.body_bytes
    }

    fn elapsed(&self) -> Duration {
        self.elapsed
    }

    fn request_header(&self, name: &str, out: &mut Vec<u8>) -> bool {
        join(&self.request, name, out)
    }

    fn response_header(&self, name: &str, out: &mut Vec<u8>) -> bool {
        join(&self.response, name, out)
    }

    fn environ(&self, name: &str, out: &mut Vec<u8>) -> bool {
        join(&self.environ, name, out)
    }
}
