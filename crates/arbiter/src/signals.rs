//! Every signal that means something, one row each: what the master does and what a worker does. The reference page of
//! signals is made from it, and so are the handlers of both.

use nix::sys::signal::Signal;
use rgunicorn_scoreboard::Command;

use crate::machine::event::Request;

/// What a signal means.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Its name without `SIG`.
    pub name: &'static str,
    /// What the master does.
    pub master: &'static str,
    /// What a worker does.
    pub worker: &'static str,
    pub(crate) signal: Signal,
    pub(crate) request: Option<Request>,
    pub(crate) worker_does: Reaction,
}

/// How a worker process takes a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reaction {
    /// Pass the command to the worker class.
    Obey(Command),
    /// Nothing; and what the worker executes has the default again.
    Nothing,
    /// What the kernel does.
    Default,
}

/// The signals, most used first.
#[must_use]
pub fn table() -> &'static [Row] {
    &TABLE
}

const TABLE: [Row; 11] = [
    Row {
        name: "TERM",
        master: "Graceful stop: close the listening sockets and let the workers finish for `graceful_timeout`. It begins \
                 after `drain_delay`; a second one does not wait.",
        worker: "Graceful stop: accept nothing new, finish, leave. The master starts another worker.",
        signal: Signal::SIGTERM,
        request: Some(Request::Term),
        worker_does: Reaction::Obey(Command::StopGracefully),
    },
    Row {
        name: "INT",
        master: "Quick stop: requests are abandoned; two seconds at the most. Makes a graceful stop quick.",
        worker: "Quick stop.",
        signal: Signal::SIGINT,
        request: Some(Request::Int),
        worker_does: Reaction::Obey(Command::StopQuickly),
    },
    Row {
        name: "QUIT",
        master: "Quick stop, as INT.",
        worker: "Quick stop.",
        signal: Signal::SIGQUIT,
        request: Some(Request::Quit),
        worker_does: Reaction::Obey(Command::StopQuickly),
    },
    Row {
        name: "TTIN",
        master: "One worker more.",
        worker: "Nothing.",
        signal: Signal::SIGTTIN,
        request: Some(Request::Ttin),
        worker_does: Reaction::Nothing,
    },
    Row {
        name: "TTOU",
        master: "One worker fewer, at least one: the oldest is stopped gracefully, as soon as enough others are ready.",
        worker: "Nothing.",
        signal: Signal::SIGTTOU,
        request: Some(Request::Ttou),
        worker_does: Reaction::Nothing,
    },
    Row {
        name: "USR1",
        master: "Open the log files again, here and in the workers.",
        worker: "Open the log files again.",
        signal: Signal::SIGUSR1,
        request: Some(Request::Usr1),
        worker_does: Reaction::Obey(Command::ReopenLogs),
    },
    Row {
        name: "HUP",
        master: "Reload: open the log files again, read the configuration and the environment again, boot new workers beside \
                 the old ones, and let these finish once all of the new are ready. What cannot boot is given up, and the old \
                 workers go on. A second one begins anew.",
        worker: "Nothing.",
        signal: Signal::SIGHUP,
        request: Some(Request::Hup),
        worker_does: Reaction::Nothing,
    },
    Row {
        name: "USR2",
        master: "Upgrade: start a new master beside this one, with the same sockets. QUIT ends the one that is not wanted any \
                 more.",
        worker: "Nothing.",
        signal: Signal::SIGUSR2,
        request: Some(Request::Usr2),
        worker_does: Reaction::Nothing,
    },
    Row {
        name: "WINCH",
        master: "With `daemon`: stop the workers gracefully and keep the master; HUP brings them back. Else nothing.",
        worker: "Nothing.",
        signal: Signal::SIGWINCH,
        request: Some(Request::Winch),
        worker_does: Reaction::Nothing,
    },
    Row {
        name: "CHLD",
        master: "Collect what ended and replace workers.",
        worker: "What the application wants.",
        signal: Signal::SIGCHLD,
        request: None,
        worker_does: Reaction::Default,
    },
    Row {
        name: "ABRT",
        master: "Dies.",
        worker: "Writes the Python stack of every thread to the error log and dies: sent by the master to \
                 a silent worker.",
        signal: Signal::SIGABRT,
        request: None,
        worker_does: Reaction::Default,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_kernel_and_appear_once() {
        for row in table() {
            assert_eq!(row.signal.as_str(), format!("SIG{}", row.name));
            assert_eq!(table().iter().filter(|other| other.signal == row.signal).count(), 1);
            if let Some(request) = row.request {
                assert_eq!(request.name(), row.name.to_lowercase());
            }
        }
    }
}
