//! What the access log asks of a finished request.

use std::time::Duration;

/// One answered request, seen by the access log.
///
/// Implementations borrow what they have; the log copies what its format names. Text may hold any bytes: the log
/// escapes it.
pub trait Record {
    /// Address of the client; `None` over a unix socket.
    fn remote_address(&self) -> Option<&str>;
    /// Method as the client sent it.
    fn method(&self) -> &[u8];
    /// Request target as the client sent it, query included.
    fn target(&self) -> &[u8];
    /// Protocol, such as `HTTP/1.1`.
    fn protocol(&self) -> &str;
    /// Status code of the response.
    fn status(&self) -> u16;
    /// Bytes of response body that were sent.
    fn body_bytes(&self) -> u64;
    /// Time from the request's arrival to the end of its response.
    fn elapsed(&self) -> Duration;
    /// Append the value of a request header to `out`, repeated ones joined by `, `; false if there is none.
    /// `name` is in lower case.
    fn request_header(&self, name: &str, out: &mut Vec<u8>) -> bool;
    /// Append the value of a response header to `out`, repeated ones joined by `, `; false if there is none.
    /// `name` is in lower case.
    fn response_header(&self, name: &str, out: &mut Vec<u8>) -> bool;
    /// Append the value of an environ variable to `out`; false if there is none. `name` is as the format spells it,
    /// one of [`AccessFormat::environ_names`](crate::AccessFormat::environ_names); compare without regard to case.
    fn environ(&self, name: &str, out: &mut Vec<u8>) -> bool;
}
