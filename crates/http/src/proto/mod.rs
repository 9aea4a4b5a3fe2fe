//! HTTP/1 without I/O: bytes in, events out, bytes to write.
//!
//! [`head`] reads a request's head, [`body`] its body; [`reply`] builds a response's head and [`encoder`] frames its
//! body. [`refusal`] is the one place that says which broken rule gives which status.

pub mod body;
pub mod encoder;
pub mod head;
pub mod refusal;
pub mod reply;
mod semantics;

pub use body::Decoder;
pub use encoder::Encoder;
pub use head::{Head, Method, Span, Version};
pub use refusal::Refusal;
pub use reply::{Reply, ReplyError};
pub use semantics::Framing;
