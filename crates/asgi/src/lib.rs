//! The ASGI worker class: ASGI 3 over the engine, on an asyncio or uvloop event loop on the worker's main thread.
//!
//! The event loop watches the engine's one descriptor. When it is readable, [`server`] takes a turn and starts an
//! `asyncio.Task` for each request; the task drives a [`call`], which is the application's coroutine with what the
//! server does before and after it, and whose `receive` and `send` talk to the engine directly: no queue, no other
//! thread. [`scope`] builds scopes, [`waiting`] is what `receive` and `send` return, [`lifespan`] runs startup and
//! shutdown, and [`event_loop`] chooses the loop.

mod call;
mod ending;
mod event_loop;
mod hooked;
mod lifespan;
mod messages;
mod overdue;
mod scope;
mod server;
mod stopping;
mod waiting;
mod warming;
mod worker;

pub use worker::{Ended, Worker, run};
