//! Placeholder of the crate; see its description in Cargo.toml.
