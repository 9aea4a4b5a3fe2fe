//! What the master does: the only code here that calls the kernel.

pub(crate) mod listeners;
