//! How much memory a process occupies.

use nix::unistd::{SysconfVar, sysconf};

use crate::machine::event::Pid;

/// Its resident memory in bytes, with what it shares with others; nothing is known where there is no `/proc`.
pub(crate) fn resident(pid: Pid) -> Option<u64> {
    let statm = std::fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    let page = sysconf(SysconfVar::PAGE_SIZE).ok()??;
    pages.checked_mul(u64::try_from(page).ok()?)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::{super::fork::this_process, *};

    #[test]
    fn what_is_written_to_counts() {
        const SIZE: u64 = 64 << 20;
        let before = resident(this_process()).unwrap();
        assert!(before > 100_000);
        let block = vec![1u8; SIZE as usize];
        let after = resident(this_process()).unwrap();
        assert!(after > before + SIZE / 2, "{before} {after} {}", block[1]);
    }

    #[test]
    fn of_nobody_nothing_is_known() {
        assert_eq!(resident(Pid(i32::MAX)), None);
    }
}
