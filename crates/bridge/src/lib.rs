//! Python plumbing that the worker classes share: config files and hooks, loading the application, conversions at the
//! boundary, the error log as a Python file, exceptions as log text, and the interpreter's duties around fork and signals.
//!
//! Nothing here knows the arbiter; of HTTP only `hooks` knows what an exchange is, to show it to hooks. `unsafe` is allowed here and nowhere else on the Python side: each
//! raw call of the C API stands behind a safe function of this crate.

pub mod app;
mod cache;
mod config_file;
mod coroutine;
mod errors;
mod failure;
mod file;
mod generations;
pub mod hooks;
mod interpreter;
mod interruption;
mod kind;
mod loaded;
pub mod stacks;
mod strings;
mod values;
mod variables;

pub use cache::FieldCache;
pub use coroutine::{Step, step, throw};
pub use errors::ErrorsFile;
pub use failure::{ClientDisconnected, RequestTimeout, describe, is_disconnect, log_exception};
pub use file::{RegularFile, regular_file};
pub use generations::{Generations, Refused, Source};
pub use interpreter::{
    ForkDuties, arm_faulthandler, arm_interrupt, disarm_interrupt, exit_status, is_forked, watch_forks,
};
pub use interruption::Interruptible;
pub use kind::{Evidence, Interface, interface_of};
pub use loaded::loaded_files;
pub use strings::{NotLatin1, below, insert_new, latin1, latin1_bytes, percent_decoded, references};
pub use values::value_of;
