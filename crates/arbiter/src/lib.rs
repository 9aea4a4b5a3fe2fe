//! The master process: it binds, forks workers, watches them, and is the one that operators talk to.
//!
//! [`machine`] decides: events in, actions out, time as an argument; it makes no system call. `os` does what was
//! decided and turns what the kernel says into events. Between them runs one loop on one thread, which never waits
//! longer than until the machine's next deadline, so every signal is heard at every moment.
//!
//! Python is known only as a [`Host`]. [`run`] returns in the master *and* in every worker: what has to be undone at
//! the end (the pid file, the socket files) remembers which process made it.

mod birth;
mod boot;
mod error;
mod host;
pub mod machine;
mod master;
mod origin;
mod os;
mod run;
pub mod signals;
pub mod statuses;
mod template;

pub use boot::{Nudge, TemplateBoot, WorkerBoot};
pub use host::{Hook, HookFailed, Host, ServerFacts};
pub use machine::notices;
pub use origin::Origin;
pub use os::listeners::{Listener, Socket};
pub use run::run;
