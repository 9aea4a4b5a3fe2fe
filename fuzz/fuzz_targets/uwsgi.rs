//! uwsgi packets.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rgunicorn_fuzz::frontends::run_uwsgi(bytes));
