//! What the kernel says about a process; nothing is known where there is no `/proc`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::machine::event::Pid;

/// Whether a signal or a debugger has stopped it.
pub(crate) fn is_stopped(pid: Pid) -> bool {
    stat(pid).is_some_and(|stat| stat.starts_with(['T', 't']))
}

/// Whether it has ended and only waits for its parent to notice, which some never do.
pub(crate) fn has_ended(pid: Pid) -> bool {
    stat(pid).is_some_and(|stat| stat.starts_with(['Z', 'X']))
}

/// When it began.
pub(crate) fn started(pid: Pid) -> Option<SystemTime> {
    // Field 22 of all, the twentieth behind the name.
    let ticks: u64 = stat(pid)?.split_whitespace().nth(19)?.parse().ok()?;
    let kernel = std::fs::read_to_string("/proc/stat").ok()?;
    let booted: u64 = kernel.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    let hertz = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK).ok()??;
    let since_boot = Duration::from_secs(ticks / u64::try_from(hertz).ok()?.max(1));
    Some(UNIX_EPOCH + Duration::from_secs(booted) + since_boot)
}

/// The fields behind the command's name, which may itself contain anything: state first.
fn stat(pid: Pid) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')').map(|(_, fields)| fields.trim_start().to_owned())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::Command;

    use nix::{
        sys::{
            signal::{Signal, kill},
            wait::{WaitPidFlag, waitpid},
        },
        unistd::Pid as RawPid,
    };

    use super::*;

    #[test]
    fn a_stopped_process_is_told_from_one_that_runs() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let pid = Pid(i32::try_from(child.id()).unwrap());
        assert!(!is_stopped(pid));
        kill(RawPid::from_raw(pid.0), Signal::SIGSTOP).unwrap();
        waitpid(RawPid::from_raw(pid.0), Some(WaitPidFlag::WUNTRACED)).unwrap();
        assert!(is_stopped(pid));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!is_stopped(pid));
    }

    #[test]
    fn this_process_began_a_short_while_ago() {
        let began = started(super::super::fork::this_process()).unwrap();
        assert!(began <= SystemTime::now() + Duration::from_secs(2));
        assert!(began + Duration::from_secs(3600) > SystemTime::now());
    }
}
