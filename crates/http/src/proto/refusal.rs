//! Why a request is refused, and with which status: the one table of it.

use crate::wire::{proxy_protocol, uwsgi};

/// A rule that the client broke. The connection is closed after the answer: where the next request would begin cannot
/// be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A line that ends in LF without CR, or a CR without LF (RFC 9112 2.2).
    #[error("a line of the head does not end in CR LF")]
    LineEnd,
    /// The request line is not `method target version` (RFC 9112 3).
    #[error("the request line is malformed")]
    RequestLine,
    /// The method is in lower case, very short or very long (RFC 9110 16.1.2), which is most likely a mistake.
    #[error("the method is in lower case, very short or very long")]
    Method,
    /// `CONNECT` asks for a tunnel (RFC 9110 9.3.6).
    #[error("tunnels are not supported")]
    Tunnel,
    /// The target is none of the four forms, not allowed with this method (RFC 9112 3.2), or has bytes beyond ASCII, which
    /// a URI does not have (RFC 3986 2).
    #[error("the request target is invalid (percent-encode what is not ASCII)")]
    Target,
    /// The version is neither HTTP/1.1 nor HTTP/1.0 (RFC 9112 2.3).
    #[error("the HTTP version is not supported")]
    Version,
    /// A header line is not `name: value` (RFC 9112 5).
    #[error("a header field is malformed")]
    Field,
    /// The name of a header field has an underscore, and `header_map` is `refuse` (RFC 3875 4.1.18).
    #[error("the name of a header field has an underscore")]
    FieldName,
    /// A header field that comes once is repeated (RFC 9110 5.3).
    #[error("the Content-Type header field is repeated")]
    Repeated,
    /// `Host` is missing in HTTP/1.1, repeated or invalid (RFC 9112 3.2).
    #[error("the Host header field is missing, repeated or invalid")]
    Host,
    /// A proxy that is believed tells two schemes at once (the setting `secure_scheme_headers`).
    #[error("the header fields that tell the scheme contradict each other")]
    Scheme,
    /// A proxy that is believed says that the application is mounted where the target is not (RFC 3875 4.1.13).
    #[error("the path does not begin with the SCRIPT_NAME of the proxy")]
    ScriptName,
    /// `Content-Length` is repeated or not a number (RFC 9112 6.3).
    #[error("the Content-Length header field is repeated or not a number")]
    ContentLength,
    /// `Transfer-Encoding` beside `Content-Length`, in HTTP/1.0, or repeated (RFC 9112 6.1).
    #[error("the Transfer-Encoding header field is not allowed here")]
    TransferEncoding,
    /// A transfer coding other than `chunked` (RFC 9112 6.1).
    #[error("the transfer coding is not supported")]
    TransferCoding,
    /// `Expect` asks for something other than `100-continue` (RFC 9110 10.1.1).
    #[error("the expectation is not supported")]
    Expectation,
    /// A chunk's size line, its end or a trailer field is malformed (RFC 9112 7.1).
    #[error("the chunked body is malformed")]
    Chunk,
    /// A field that must not come after the body does (RFC 9110 6.5.1).
    #[error("a trailer field is one that must come before the body")]
    Trailer,
    /// The client said that it sends no more before the body was complete (RFC 9112 8).
    #[error("the request body ends early")]
    Incomplete,
    /// The request line is too long (RFC 9112 3, RFC 9110 15.5.15).
    #[error("the request line is longer than --limit-request-line allows")]
    LineTooLong,
    /// A header line is too long, there are too many, or all together are too long (RFC 9110 5.4, RFC 6585 5).
    #[error("the header fields are too large or too many")]
    FieldsTooLarge,
    /// The head did not arrive in time (RFC 9110 15.5.9).
    #[error("the request head did not arrive in time")]
    HeadTimeout,
    /// The body did not arrive in time (RFC 9110 15.5.9).
    #[error("the request body did not arrive in time")]
    BodyTimeout,
    /// The body is longer than allowed (RFC 9110 15.5.14).
    #[error("the request body is larger than --limit-request-body allows")]
    BodyTooLarge,
    /// A PROXY header of a peer that is not believed, who would be anybody by it.
    #[error("the client may not send a PROXY header (`proxy_allow_ips` names who may)")]
    ProxyForbidden,
    /// A header that does not match the PROXY protocol's specification.
    #[error("the PROXY header is malformed: {0}")]
    ProxyHeader(#[from] proxy_protocol::Fault),
    /// A connection to a listener that speaks uwsgi, of a peer that is not believed.
    #[error("the client may not speak the uwsgi protocol (`uwsgi_allow_ips` names who may)")]
    UwsgiForbidden,
    /// A packet that is no request of the uwsgi protocol.
    #[error("the uwsgi packet is refused: {0}")]
    Packet(#[from] uwsgi::Fault),
    /// The body could not be kept: the temporary file cannot be written (RFC 4918 11.5).
    #[error("the request body cannot be stored")]
    Storage,
}

impl Refusal {
    /// The status line to answer with, without the version: code and reason.
    #[must_use]
    pub fn status(self) -> &'static str {
        match self {
            Self::LineEnd
            | Self::RequestLine
            | Self::Method
            | Self::Target
            | Self::Field
            | Self::FieldName
            | Self::Repeated
            | Self::Host
            | Self::Scheme
            | Self::ScriptName
            | Self::ContentLength
            | Self::TransferEncoding
            | Self::Chunk
            | Self::Trailer
            | Self::Incomplete
            | Self::ProxyHeader(_) => "400 Bad Request",
            Self::Packet(uwsgi::Fault::Modifier(_)) => "501 Not Implemented",
            Self::Packet(uwsgi::Fault::Chunked) => "411 Length Required",
            Self::Packet(_) => "400 Bad Request",
            Self::ProxyForbidden | Self::UwsgiForbidden => "403 Forbidden",
            Self::HeadTimeout | Self::BodyTimeout => "408 Request Timeout",
            Self::BodyTooLarge => "413 Content Too Large",
            Self::LineTooLong => "414 URI Too Long",
            Self::Expectation => "417 Expectation Failed",
            Self::FieldsTooLarge => "431 Request Header Fields Too Large",
            Self::TransferCoding | Self::Tunnel => "501 Not Implemented",
            Self::Version => "505 HTTP Version Not Supported",
            Self::Storage => "507 Insufficient Storage",
        }
    }

    /// The status code to answer with.
    #[must_use]
    pub fn code(self) -> u16 {
        self.status().bytes().take(3).fold(0, |code, digit| code * 10 + u16::from(digit - b'0'))
    }
}
