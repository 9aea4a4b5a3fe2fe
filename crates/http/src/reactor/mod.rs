//! What the engine waits on: sockets, and time.

mod buffers;
mod clock;
mod listener;
mod stream;
mod timers;

pub(crate) use clock::Clock;
pub use listener::Listener;
pub(crate) use stream::Stream;
pub(crate) use timers::{NEVER, Timers};
