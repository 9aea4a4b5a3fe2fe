//! The machine under a simulated kernel.
