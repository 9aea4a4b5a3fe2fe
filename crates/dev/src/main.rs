//! Developer commands; never shipped.
//!
//! `gen` writes the generated pages, `gen --check` only compares. `tidy` checks the rules of the repository that no
//! compiler checks: who may import whom, sizes, names. Both checks are unit tests as well.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command of the terminal")]

mod files;
mod generate;
mod tidy;

use std::process::ExitCode;

const USAGE: &str = "usage: rgunicorn-dev gen [--check] | tidy";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let root = files::root();
    let outcome = match args.as_slice() {
        ["gen"] => generate::write(&root),
        ["gen", "--check"] => generate::check(&root),
        ["tidy"] => tidy::check(&root),
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}
