//! The engine over real sockets, driven through its public interface by a worker that lives in the test.
//!
//! Every test runs in one thread and owns both ends: [`world`] turns the engine only when its descriptor is readable,
//! as an event loop would, so a wake-up that the engine forgot fails the test that needed it. Nothing sleeps.

mod backpressure;
mod bodies;
mod deadlines;
mod descriptor;
mod endings;
mod fairness;
mod files;
mod keep_alive;
mod life;
mod limits;
mod properties;
mod proxies;
mod proxy_protocol;
mod refusals;
mod retiring;
mod reuse;
mod static_files;
mod uwsgi;
mod world;
