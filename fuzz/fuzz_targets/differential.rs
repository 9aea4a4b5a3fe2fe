//! Our reading of a connection beside hyper's, and beside h11's where `FUZZ_H11` names a Python that has it.

#![no_main]

libfuzzer_sys::fuzz_target!(
    init: {
        if let Some(python) = std::env::var_os("FUZZ_H11") {
            rgunicorn_fuzz::differential::ask_h11(python.as_ref());
        }
    },
    |bytes: &[u8]| rgunicorn_fuzz::differential::run(bytes)
);
