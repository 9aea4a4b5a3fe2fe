//! Bodies in chunks.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rgunicorn_fuzz::body::run_chunked(bytes));
