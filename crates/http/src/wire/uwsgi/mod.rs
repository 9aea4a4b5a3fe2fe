//! The uwsgi protocol, as nginx's `uwsgi_pass` speaks it: one binary packet of variables, then the request's body.
//!
//! A packet is a byte `modifier1`, the size of its variables in two bytes (little-endian), a byte `modifier2`, and the
//! variables, each a key and a value with its length in two bytes before it. The names of the variables are those of
//! CGI. [`Params`] checks them and keeps them; [`Params::head`] writes them as the head of an HTTP request, which is
//! then read by the same strict parser as every other.

mod head;
mod params;

pub use self::params::Params;

/// Bytes before the variables.
const FIXED: usize = 4;
/// The most variables in a packet, as in gunicorn.
const MOST: usize = 1000;

/// How a packet breaks the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Not a request: only modifier 0 is.
    #[error("modifier1 is `{0}`, not 0 (does the client speak HTTP?)")]
    Modifier(u8),
    /// A length of a key or a value that reaches beyond the packet.
    #[error("a variable reaches beyond the packet")]
    Truncated,
    /// More than a thousand.
    #[error("there are more than 1000 variables")]
    TooMany,
    /// Empty, or with anything but visible ASCII; behind `HTTP_`, anything but a token (RFC 9110 5.1)
    /// in capitals and without hyphens.
    #[error("the name of a variable is invalid")]
    Key,
    /// A line end or a NUL byte in a value, which would be more than one header field (RFC 9110 5.5).
    #[error("the value of a variable holds CR, LF or NUL")]
    Value,
    /// Without it there is no request.
    #[error("the variable `{0}` is missing (is `include uwsgi_params` there?)")]
    Missing(&'static str),
    /// A value that is not of the variable's form.
    #[error("the value of `{0}` is invalid")]
    Invalid(&'static str),
    /// Chunks that the frontend has not undone, and no length: where the body ends is not said (RFC 9110 15.5.12).
    #[error("the body comes in chunks and has no CONTENT_LENGTH (let the frontend buffer it)")]
    Chunked,
    /// Two lengths of one body.
    #[error("the length of the body is given twice and differs")]
    Length,
}

/// How long the packet at the beginning of `bytes` is, with its four bytes of header; `None` while not all of it is
/// there. The request's body follows it.
///
/// # Errors
/// When its first byte says that it is no request.
pub fn length(bytes: &[u8]) -> Result<Option<usize>, Fault> {
    match bytes {
        [] => Ok(None),
        [0, low, high, _, rest @ ..] => {
            let size = usize::from(u16::from_le_bytes([*low, *high]));
            Ok((rest.len() >= size).then_some(FIXED + size))
        }
        [0, ..] => Ok(None),
        [modifier, ..] => Err(Fault::Modifier(*modifier)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A packet of these variables.
    pub(super) fn packet(vars: &[(&str, &str)]) -> Vec<u8> {
        let part = |text: &str| [&u16::try_from(text.len()).unwrap().to_le_bytes(), text.as_bytes()].concat();
        let vars: Vec<u8> = vars.iter().flat_map(|(key, value)| [part(key), part(value)].concat()).collect();
        [&[0][..], &u16::try_from(vars.len()).unwrap().to_le_bytes(), &[0], &vars].concat()
    }

    #[test]
    fn a_packet_is_complete_at_its_last_byte() {
        let bytes = packet(&[("REQUEST_METHOD", "GET"), ("REQUEST_URI", "/")]);
        for len in 0..bytes.len() {
            assert_eq!(length(&bytes[..len]), Ok(None), "after {len} bytes");
        }
        assert_eq!(length(&bytes), Ok(Some(bytes.len())));
        assert_eq!(length(&[&bytes[..], b"body"].concat()), Ok(Some(bytes.len())));
        assert_eq!(length(&[0, 0, 0, 0]), Ok(Some(4)));
    }

    #[test]
    fn the_largest_packet_the_format_allows_is_complete() {
        let bytes = [&[0, 0xff, 0xff, 0][..], &[0; 0xffff]].concat();
        assert_eq!(length(&bytes), Ok(Some(4 + 0xffff)));
    }

    #[test]
    fn what_is_no_request_is_refused_at_the_first_byte() {
        assert_eq!(length(b"G"), Err(Fault::Modifier(b'G')));
        assert_eq!(length(&[1, 0, 0, 0]), Err(Fault::Modifier(1)));
        assert_eq!(length(&[0x16, 3, 1]), Err(Fault::Modifier(0x16)));
    }

    proptest! {
        #[test]
        fn any_packet_is_read_without_a_panic_and_its_head_is_one_head(
            vars in prop::collection::vec(any::<u8>(), 0..400),
        ) {
            let size = u16::try_from(vars.len()).unwrap().to_le_bytes();
            let bytes = [&[0, size[0], size[1], 0][..], &vars].concat();
            if let Ok(params) = Params::parse(bytes) {
                let head = params.head();
                prop_assert!(head.is_err() || head.is_ok_and(|head| head.ends_with(b"\r\n\r\n")));
            }
        }
    }
}
