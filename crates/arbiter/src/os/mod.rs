//! What the master does: the only code here that calls the kernel.

pub(crate) mod adopted;
pub(crate) mod bind;
pub(crate) mod bound;
pub(crate) mod daemon;
pub(crate) mod files;
pub(crate) mod fork;
pub(crate) mod inherited;
pub(crate) mod listeners;
pub(crate) mod memory;
pub(crate) mod open_files;
pub(crate) mod orphan;
pub(crate) mod pidfile;
pub(crate) mod privileges;
pub(crate) mod process;
pub(crate) mod reap;
pub(crate) mod signals;
pub(crate) mod systemd;
pub(crate) mod template;
pub(crate) mod unix;
pub(crate) mod upgrade;
pub(crate) mod watch;
pub(crate) mod worker;
