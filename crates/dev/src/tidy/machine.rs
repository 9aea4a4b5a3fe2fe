//! The arbiter's machine decides and does nothing: no system call, no clock, no log, not even by name.

use super::Finding;
use crate::files::File;

const MACHINE: &str = "crates/arbiter/src/machine";

/// What the machine may not name, and what it is.
const FORBIDDEN: [(&str, &str); 15] = [
    ("crate::os", "the kernel"),
    ("super::os", "the kernel"),
    ("libc", "the kernel"),
    ("nix", "the kernel"),
    ("socket2", "the kernel"),
    ("signal_hook", "the kernel"),
    ("std::fs", "the kernel"),
    ("std::net", "the kernel"),
    ("std::process", "the kernel"),
    ("std::thread", "the kernel"),
    ("std::env", "the kernel"),
    ("Instant::now", "a clock"),
    ("SystemTime", "a clock"),
    ("rgunicorn_scoreboard::now", "a clock"),
    ("tracing", "a log"),
];

/// No file of the machine names what it may not use.
pub(super) fn only_decides(file: &File) -> Vec<Finding> {
    let inside = file.path.strip_prefix(MACHINE).is_some_and(|rest| rest.starts_with(['/', '.']));
    if !inside || file.extension() != "rs" {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (line, text) in file.lines() {
        let code = text.split_once("//").map_or(text, |(code, _)| code);
        for (name, what) in FORBIDDEN {
            if names(code, name) {
                let problem =
                    format!("the machine names `{name}`, {what} (let `os` do it and hand in the result)");
                findings.push(Finding::at(file, line, problem));
            }
        }
    }
    findings
}

/// Whether the name stands there as a whole.
fn names(code: &str, name: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(name).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + name.len()..].chars().next();
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

#[cfg(test)]
mod tests {
    use super::{super::sample::file, *};

    #[test]
    fn a_machine_that_acts_is_found() {
        for line in [
            "use crate::os::fork;",
            "use super::super::os;",
            "    let now = Instant::now();",
            "let now = std::time::SystemTime::now();",
            "use nix::unistd::Pid;",
            "unsafe { libc::kill(pid, 9) };",
            "tracing::info!(\"x\");",
            "let now = rgunicorn_scoreboard::now();",
        ] {
            let found =
                only_decides(&file("crates/arbiter/src/machine/roster.rs", &format!("//! x\n{line}\n")));
            assert_eq!((found.len(), found.first().map(|found| found.line)), (1, Some(2)), "{line}");
        }
        assert_eq!(only_decides(&file("crates/arbiter/src/machine.rs", "use libc;")).len(), 1);
    }

    #[test]
    fn time_handed_in_and_words_in_comments_are_fine() {
        let text = "//! No libc here.\nfn tick(now: Instant) {} // not Instant::now\nlet phoenix = unix;\n";
        assert_eq!(only_decides(&file("crates/arbiter/src/machine/roster.rs", text)), []);
        assert_eq!(only_decides(&file("crates/arbiter/src/os/fork.rs", "use libc;")), []);
    }
}
