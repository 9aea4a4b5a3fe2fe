//! Whole connections through the engine.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rgunicorn_fuzz::connection::run(bytes));
