//! The HTTP engine: everything a worker does on the network, behind one watchable descriptor. No Python here.
//!
//! Theory of operation. [`Engine`] owns a `mio::Poll`, the listeners, the connections and their deadlines; timers are a
//! timerfd inside the same poll. [`Engine::turn`] asks the kernel what happened and only notes it; [`Engine::next`] then
//! reads one connection at a time and hands out an [`Event`]: most often a request, as a boxed [`Exchange`] that owns the
//! request's bytes and the state of its response. The worker calls the application with it, outside of any engine call,
//! sends the answer with [`Engine::send`] and gives the exchange back with [`Engine::finish`].
//!
//! HTTP itself is in [`proto`]: bytes in, events out, bytes to write; no socket and no clock.
//!
//! The one invariant: an exchange is owned by exactly one of the connection (while its request is read), the worker
//! (while the application works on it) and the pool (afterwards), so nothing is ever shared or counted.

mod access;
pub mod client;
mod connection;
mod engine;
mod exchange;
mod limits;
mod outbox;
mod pool;
pub mod proto;
mod reactor;
mod spool;
mod static_files;
mod warmup;
pub mod wire;

pub use client::{Local, Peer, Remote, Scheme};
pub use engine::{Config, Engine, Event, Handle, SendError, Sent};
pub use exchange::{BodyRead, Exchange, Id};
pub use limits::{Deadlines, Limits};
pub use outbox::FileSlice;
pub use proto::{Head, Leniency, Method, Refusal, Reply, ReplyError, Rules, Version};
pub use reactor::Listener;
pub use spool::{Body, Spool};
pub use static_files::{MountError, Mounts};
pub use warmup::{Warmup, WarmupError};
