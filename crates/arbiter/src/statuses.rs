//! The exit statuses of the command and of the processes behind it, one row each; gunicorn's, where it has one. The
//! reference page of exit statuses is made from [`table`].

/// The server ended because it was asked to.
pub(crate) const DONE: u8 = 0;
/// The server could not start, or the configuration is wrong.
pub(crate) const FAILED: u8 = 1;
/// A worker could not boot.
pub(crate) const BOOT_FAILED: u8 = 3;
/// The application was not found.
pub(crate) const APP_FAILED: u8 = 4;
/// A signal ended the command that waited for its daemon: this, and the number of the signal.
pub(crate) const INTERRUPTED: u8 = 128;

/// What an exit status means.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The number, or how it is made.
    pub status: &'static str,
    /// What happened.
    pub meaning: &'static str,
}

/// Every status that the command ends with.
#[must_use]
pub fn table() -> &'static [Row] {
    &TABLE
}

const TABLE: [Row; 6] = [
    Row {
        status: "0",
        meaning: "The server was told to stop (TERM, INT, QUIT) and has stopped. A daemon's command: all workers are \
                  ready. `--check-config`: the application can be loaded.",
    },
    Row {
        status: "1",
        meaning: "A setting, a log file, the pid file, an address or a limit of the system is in the way; the last line \
                  names it. `--check-config`: the application cannot be loaded.",
    },
    Row { status: "2", meaning: "The command line is not understood." },
    Row {
        status: "3",
        meaning: "The first workers cannot boot: the application raises an exception while it is imported or starts, or \
                  its process dies.",
    },
    Row {
        status: "4",
        meaning: "There is no such application: its attribute is missing, is not callable, or does not fit the worker \
                  class.",
    },
    Row {
        status: "128 + N",
        meaning: "Signal N ended a command that was waiting for its daemon (130 for Ctrl-C). The daemon goes on.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_one_row() {
        for (index, row) in table().iter().enumerate() {
            assert!(table()[..index].iter().all(|other| other.status != row.status), "{}", row.status);
        }
        for status in [DONE, FAILED, BOOT_FAILED, APP_FAILED] {
            assert!(table().iter().any(|row| row.status == status.to_string()), "{status}");
        }
        assert!(table().iter().any(|row| row.status.starts_with(&INTERRUPTED.to_string())));
    }
}
