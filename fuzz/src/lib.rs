//! What the fuzz targets do with their input, as ordinary functions: the tests run every file of the corpora and every
//! past crash through the same code on stable.
//!
//! A target takes any bytes and panics when a promise of the engine is broken. [`reading`] is our reading of a
//! connection, [`hyper_peer`] and [`h11_peer`] are others' of the same bytes; [`compare`] finds where they part and
//! [`classes`] knows which of these places are meant to be there.

pub mod body;
pub mod chance;
pub mod classes;
pub mod compare;
pub mod connection;
pub mod differential;
pub mod forwarded;
pub mod frontends;
pub mod h11_peer;
pub mod head;
pub mod hyper_peer;
pub mod lenient;
pub mod mutation;
pub mod reading;
pub mod static_files;

/// A fuzz target.
pub struct Target {
    /// Its name for `cargo fuzz`.
    pub name: &'static str,
    /// What it does with an input.
    pub run: fn(&[u8]),
    /// The folders of `corpus` whose files are input for it; the first is its own.
    pub corpora: &'static [&'static str],
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target { name: "head", run: head::run, corpora: &["connection"] },
    Target { name: "chunked", run: body::run_chunked, corpora: &["chunked"] },
    Target { name: "length", run: body::run_length, corpora: &["length"] },
    Target { name: "connection", run: connection::run, corpora: &["connection"] },
    Target { name: "differential", run: differential::run, corpora: &["connection"] },
    Target { name: "greeting", run: connection::run_greeting, corpora: &["proxy", "uwsgi"] },
    Target { name: "proxy", run: frontends::run_proxy, corpora: &["proxy"] },
    Target { name: "uwsgi", run: frontends::run_uwsgi, corpora: &["uwsgi"] },
    Target { name: "forwarded", run: forwarded::run, corpora: &["forwarded"] },
    Target { name: "static", run: static_files::run, corpora: &["static"] },
];
