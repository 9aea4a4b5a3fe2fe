//! How many files a worker may have open: the kernel's default is too small for many connections.

use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};

/// Descriptors of a connection: its socket, and the file that holds its request's body, or that is sent to it. Clients
/// decide that every one has such a file, and none of them may take those that the application needs.
const EACH: rlim_t = 2;
/// Descriptors that a worker needs beside its connections: logs, listeners, the application's own.
const OTHERS: rlim_t = 256;

/// Raise the soft limit on open files as far as so many connections need and the hard limit allows; workers inherit it.
/// Where that is too little, the number that is allowed.
pub(crate) fn allow(connections: u32) -> Option<u64> {
    let wanted = rlim_t::from(connections).saturating_mul(EACH).saturating_add(OTHERS);
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    if soft < wanted {
        // A limit that cannot be raised is reported like one that may not be.
        let _ = setrlimit(Resource::RLIMIT_NOFILE, wanted.min(hard), hard);
    }
    let (soft, _) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    (soft < wanted).then_some(soft)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_as_far_as_it_may_be_and_never_lowered() {
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        setrlimit(Resource::RLIMIT_NOFILE, 300.min(hard), hard).unwrap();
        assert_eq!(allow(100), None);
        assert_eq!(getrlimit(Resource::RLIMIT_NOFILE).unwrap().0, 456);
        assert_eq!(allow(10), None);
        assert_eq!(getrlimit(Resource::RLIMIT_NOFILE).unwrap().0, 456);
        if hard < rlim_t::from(u32::MAX) {
            assert_eq!(allow(u32::MAX), Some(hard));
        }
        setrlimit(Resource::RLIMIT_NOFILE, soft, hard).unwrap();
    }
}
