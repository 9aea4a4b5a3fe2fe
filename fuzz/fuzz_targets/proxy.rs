//! Headers of the PROXY protocol.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rgunicorn_fuzz::frontends::run_proxy(bytes));
