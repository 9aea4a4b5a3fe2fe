//! HTTP/1 without I/O: bytes in, events out, bytes to write.
//!
//! [`scan`] finds the end of a request's head and [`head`] reads it, as strictly as [`leniency`] says; [`body`] reads its
//! body. [`reply`] builds a response's head and [`encoder`] frames its body. [`refusal`] is the one place that says which
//! broken rule gives which status.

pub mod body;
pub mod encoder;
pub mod head;
pub mod leniency;
pub(crate) mod lines;
pub mod refusal;
pub mod reply;
pub mod scan;
mod semantics;
mod target;
#[cfg(test)]
mod tests;

pub use body::Decoder;
pub use encoder::Encoder;
pub use head::{Head, Method, Span, Version};
pub use leniency::{HeaderMap, Leniency, Rules};
pub use refusal::Refusal;
pub use reply::{Reply, ReplyError};
pub use scan::Scan;
pub use semantics::Framing;
