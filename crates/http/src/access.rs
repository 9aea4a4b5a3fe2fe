//! What the access log asks of an exchange that has been answered.

use std::time::Duration;

use rgunicorn_logging::Record;

use crate::Exchange;

/// An exchange with its duration, as the access log sees it.
pub(crate) struct Answered<'a> {
    pub(crate) exchange: &'a Exchange,
    pub(crate) elapsed: Duration,
}

impl Record for Answered<'_> {
    fn remote_address(&self) -> Option<&str> {
        let address = self.exchange.peer().remote_address.as_str();
        (!address.is_empty()).then_some(address)
    }

    fn method(&self) -> &[u8] {
        self.exchange.method()
    }

    fn target(&self) -> &[u8] {
        self.exchange.target()
    }

    fn protocol(&self) -> &str {
        self.exchange.protocol()
    }

    fn status(&self) -> u16 {
        self.exchange.reply.status()
    }

    fn body_bytes(&self) -> u64 {
        self.exchange.sent()
    }

    fn elapsed(&self) -> Duration {
        self.elapsed
    }

    fn request_header(&self, name: &str, out: &mut Vec<u8>) -> bool {
        join(self.exchange.values(name), out)
    }

    fn response_header(&self, name: &str, out: &mut Vec<u8>) -> bool {
        join(self.exchange.reply.values(name), out)
    }

    fn environ(&self, name: &str, out: &mut Vec<u8>) -> bool {
        let mut given = self.exchange.environ.iter();
        match given.find(|(key, _)| key.eq_ignore_ascii_case(name)) {
            Some((_, value)) => {
                out.extend_from_slice(value);
                true
            }
            None => self.cgi(name, out),
        }
    }
}

impl Answered<'_> {
    /// A request variable by its CGI name (RFC 3875 4.1), for worker classes whose applications have no environ.
    fn cgi(&self, name: &str, out: &mut Vec<u8>) -> bool {
        let exchange = self.exchange;
        let value = match name.to_ascii_uppercase().as_str() {
            "REQUEST_METHOD" => exchange.method(),
            "RAW_URI" => exchange.target(),
            "QUERY_STRING" => exchange.query(),
            "SERVER_PROTOCOL" => self.protocol().as_bytes(),
            "REMOTE_ADDR" => exchange.peer().remote_address.as_bytes(),
            "CONTENT_TYPE" => return self.request_header("content-type", out),
            "CONTENT_LENGTH" => return self.request_header("content-length", out),
            other => match other.strip_prefix("HTTP_") {
                Some(field) => return self.request_header(&field.replace('_', "-"), out),
                None => match exchange.params().and_then(|params| params.value(other)) {
                    Some(value) => value,
                    None => return false,
                },
            },
        };
        out.extend_from_slice(value);
        true
    }
}

/// Repeated fields read as one, joined by commas (RFC 9110 5.3).
fn join<'a>(values: impl Iterator<Item = &'a [u8]>, out: &mut Vec<u8>) -> bool {
    let before = out.len();
    let mut found = false;
    for value in values {
        if found {
            out.extend_from_slice(b", ");
        }
        found = true;
        out.extend_from_slice(value);
    }
    debug_assert!(found || out.len() == before);
    found
}
