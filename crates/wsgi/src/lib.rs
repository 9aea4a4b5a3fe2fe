//! The WSGI worker class: PEP 3333 over the engine, on the worker's main thread.
//!
//! [`run`] is the worker's life: a turn of the engine, then one call of the application for each request that the turn
//! brought. A request is read, handed to Python, answered and written on this one thread. [`environ`] builds what the
//! application is given, [`call`] is `start_response` and `write`, [`respond`] sends what the application returns, and
//! [`input`] is `wsgi.input`. [`hooked`] calls the operator's hooks around a request, where there are any.

mod call;
mod environ;
mod file_wrapper;
mod frontend;
mod hooked;
mod input;
mod respond;
mod watchdog;
mod worker;

pub use worker::{Ended, Patience, Worker, run};
