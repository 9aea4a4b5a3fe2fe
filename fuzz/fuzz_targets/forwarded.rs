//! Forwarding fields.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rgunicorn_fuzz::forwarded::run(bytes));
