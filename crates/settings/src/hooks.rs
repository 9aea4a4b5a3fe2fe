//! The hooks: functions of a configuration file that are called at moments in the life of the server, under gunicorn's
//! names and with its arguments.
//!
//! This is the list that the reference page and the host go by; who calls a hook, and when exactly, is the host's and the
//! arbiter's business.

use std::fmt::Write as _;

/// One hook.
#[derive(Debug, Clone, Copy)]
pub struct Hook {
    /// The name of the function, or of a text that says where it is (`package.module.function`).
    pub name: &'static str,
    /// What it is called with.
    pub arguments: &'static [&'static str],
    /// How many arguments at the end it may do without.
    pub optional: usize,
    /// The process that calls it.
    pub process: Process,
    /// When it is called.
    pub moment: &'static str,
    /// What becomes of an exception in it, beside a traceback in the error log.
    pub failure: &'static str,
}

/// Who calls a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Process {
    /// The master.
    Master,
    /// A worker.
    Worker,
    /// The process that is about to become the new master.
    NextMaster,
}

const STARTS_NOT: &str = "The server does not start: exit status 1.";
const CANNOT_BOOT: &str = "The worker cannot boot: exit status 3.";
const NOTHING: &str = "Nothing else.";

/// All hooks, in the order in which a server comes to them.
pub const HOOKS: &[Hook] = &[
    Hook {
        name: "on_starting",
        arguments: &["server"],
        optional: 0,
        process: Process::Master,
        moment: "Before the sockets are opened.",
        failure: STARTS_NOT,
    },
    Hook {
        name: "nworkers_changed",
        arguments: &["server", "new_value", "old_value"],
        optional: 0,
        process: Process::Master,
        moment: "The number of workers to keep was set; the first time `old_value` is `None`.",
        failure: NOTHING,
    },
    Hook {
        name: "when_ready",
        arguments: &["server"],
        optional: 0,
        process: Process::Master,
        moment: "The sockets are open, and no worker was started yet.",
        failure: STARTS_NOT,
    },
    Hook {
        name: "pre_fork",
        arguments: &["server", "worker"],
        optional: 0,
        process: Process::Master,
        moment: "A worker is about to be started.",
        failure: NOTHING,
    },
    Hook {
        name: "post_fork",
        arguments: &["server", "worker"],
        optional: 0,
        process: Process::Worker,
        moment: "The worker has started; the application is not loaded yet, and privileges are not dropped.",
        failure: CANNOT_BOOT,
    },
    Hook {
        name: "post_worker_init",
        arguments: &["worker"],
        optional: 0,
        process: Process::Worker,
        moment: "The application is loaded.",
        failure: CANNOT_BOOT,
    },
    Hook {
        name: "pre_request",
        arguments: &["worker", "req"],
        optional: 0,
        process: Process::Worker,
        moment: "A request is about to be given to the application.",
        failure: "The request is answered 500.",
    },
    Hook {
        name: "post_request",
        arguments: &["worker", "req", "environ", "resp"],
        optional: 2,
        process: Process::Worker,
        moment: "A request was answered.",
        failure: NOTHING,
    },
    Hook {
        name: "worker_int",
        arguments: &["worker"],
        optional: 0,
        process: Process::Worker,
        moment: "The worker was told to leave at once (`INT`, `QUIT`).",
        failure: NOTHING,
    },
    Hook {
        name: "worker_abort",
        arguments: &["worker"],
        optional: 0,
        process: Process::Worker,
        moment: "The worker was silent for `timeout` and is about to be killed (`ABRT`).",
        failure: NOTHING,
    },
    Hook {
        name: "worker_exit",
        arguments: &["server", "worker"],
        optional: 0,
        process: Process::Worker,
        moment: "The worker is about to end.",
        failure: NOTHING,
    },
    Hook {
        name: "child_exit",
        arguments: &["server", "worker"],
        optional: 0,
        process: Process::Master,
        moment: "A worker has ended and was reaped.",
        failure: NOTHING,
    },
    Hook {
        name: "on_reload",
        arguments: &["server"],
        optional: 0,
        process: Process::Master,
        moment: "A reload (`HUP`) has read the configuration again; no new worker was started yet.",
        failure: "The reload is given up.",
    },
    Hook {
        name: "pre_exec",
        arguments: &["server"],
        optional: 0,
        process: Process::NextMaster,
        moment: "An upgrade (`USR2`) is about to start the new server.",
        failure: NOTHING,
    },
    Hook {
        name: "on_exit",
        arguments: &["server"],
        optional: 0,
        process: Process::Master,
        moment: "The workers are gone and the server ends.",
        failure: NOTHING,
    },
    Hook {
        name: "ssl_context",
        arguments: &["config", "default_ssl_context_factory"],
        optional: 0,
        process: Process::Worker,
        moment: "Never yet: TLS is not available.",
        failure: NOTHING,
    },
];

impl Process {
    fn name(self) -> &'static str {
        match self {
            Self::Master => "the master",
            Self::Worker => "the worker",
            Self::NextMaster => "the new master",
        }
    }
}

impl Hook {
    /// The function as it is called: `name(arguments)`, with brackets around what it may do without.
    #[must_use]
    pub fn signature(&self) -> String {
        let needed = self.arguments.len() - self.optional;
        let (needed, optional) = self.arguments.split_at(needed);
        let optional: String = optional.iter().map(|argument| format!("[, {argument}")).collect();
        format!("{}({}{optional}{})", self.name, needed.join(", "), "]".repeat(self.optional))
    }
}

/// A table of all hooks, in Markdown.
#[must_use]
pub fn hooks_markdown() -> String {
    let mut text = "| Function | Called by | When | If it raises |\n| --- | --- | --- | --- |\n".to_owned();
    for hook in HOOKS {
        let (by, moment, failure) = (hook.process.name(), hook.moment, hook.failure);
        // Writing into a string cannot fail.
        let _ = writeln!(text, "| `{}` | {by} | {moment} | {failure} |", hook.signature());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table;

    #[test]
    fn no_hook_is_called_like_a_setting() {
        for hook in HOOKS {
            assert!(table::find(hook.name).is_none(), "{}", hook.name);
            assert_eq!(HOOKS.iter().filter(|other| other.name == hook.name).count(), 1, "{}", hook.name);
        }
    }

    #[test]
    fn a_signature_shows_what_a_function_may_do_without() {
        let signature = |name| HOOKS.iter().find(|hook| hook.name == name).unwrap().signature();
        assert_eq!(signature("pre_fork"), "pre_fork(server, worker)");
        assert_eq!(signature("post_request"), "post_request(worker, req[, environ[, resp]])");
    }

    #[test]
    fn every_hook_has_a_row() {
        assert_eq!(hooks_markdown().lines().count(), 2 + 16);
    }
}
