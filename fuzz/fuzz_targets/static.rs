//! Static files through the engine.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rgunicorn_fuzz::static_files::run(bytes));
