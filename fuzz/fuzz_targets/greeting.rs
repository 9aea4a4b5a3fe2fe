//! What frontends put before a head or in its place, through the engine.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rgunicorn_fuzz::connection::run_greeting(bytes));
