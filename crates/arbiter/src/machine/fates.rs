//! Every line that is logged about one worker, as data.

use std::{borrow::Cow, fmt};

use super::{
    event::{Millis, Pid, Wear},
    notices::{Level, Seconds},
};

const HELD: &str = "A request went beyond `request_timeout` and was answered, but the application has not returned from it; \
                    the stacks show where it is.";

/// What a line says about one worker. The first four are written by the process itself.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are the blanks of the sentences below")]
pub enum Fate {
    /// It begins.
    Booting,
    /// It ends in good order.
    Exiting,
    /// It begins, and will fork workers instead of serving.
    TemplateBooting,
    /// It ends in good order, and was no worker.
    TemplateExiting,
    /// It was silent for too long.
    Timeout,
    /// It is silent and has not answered this request.
    Unfinished { line: String, since: Millis },
    /// It died while it worked on this request.
    DiedWorking { line: String, since: Millis },
    /// It is silent because somebody stopped it.
    Suspended,
    /// It is silent and never finished its boot.
    HungAtBoot { since: Millis },
    /// It is silent and has no request.
    HungIdle,
    /// It is silent, or should have stopped, and works on a request that was given up.
    Held,
    /// Another takes its place, for this reason, before it leaves.
    Worn { wear: Wear },
    /// It went beyond the time it was given to stop.
    StopOverdue { allowed: Millis },
    /// It should have stopped and has no request to finish.
    Lingers,
    /// It ended in good order, though the master did not ask it to.
    LeftUnasked,
    /// It ended with a status.
    ExitedWithCode { code: i32 },
    /// A signal ended it.
    WasSent { signal: Cow<'static, str> },
    /// A SIGKILL of the master ended it.
    WasKilled,
    /// A SIGKILL of somebody else ended it.
    PerhapsOutOfMemory,
}

impl Fate {
    /// The level, and what an operator should make of the line.
    pub(super) fn about(&self) -> (Level, &'static str) {
        use Level::{Critical, Error, Info, Warning};
        match self {
            Self::Booting => (Info, "A worker was forked and begins to load the application."),
            Self::Exiting => (Info, "A worker leaves in good order."),
            Self::TemplateBooting => {
                (Info, "The process that loads the application for `preload_app` was forked; workers follow.")
            }
            Self::TemplateExiting => {
                (Info, "The process that workers were forked from leaves in good order.")
            }
            Self::Timeout => (
                Critical,
                "A worker gave no sign of life for `timeout`; its Python stacks follow, then it is \
                 replaced. Raise `timeout` if requests may take that long.",
            ),
            Self::Unfinished { .. } => {
                (Error, "A request that the worker has not answered, probably the culprit.")
            }
            Self::DiedWorking { .. } => {
                (Error, "A request that the worker had not answered when it died, probably the culprit.")
            }
            Self::Suspended => {
                (Error, "Something keeps the worker from running: SIGSTOP, a debugger, a frozen container.")
            }
            Self::HungAtBoot { .. } => (
                Error,
                "The worker hung while it loaded or started the application; the stacks show where. If it \
                 is only slow, raise `boot_timeout`.",
            ),
            Self::HungIdle => (Error, "The worker hung outside of any request; the stacks show where."),
            Self::Held => (Error, HELD),
            Self::Worn { wear } => worn(*wear),
            Self::StopOverdue { .. } => (
                Warning,
                "A worker did not stop in time: its Python stacks follow, then it is killed. Raise `graceful_timeout` if its \
                 requests may take that long.",
            ),
            Self::Lingers => (
                Warning,
                "A worker should have stopped and has nothing to finish. Threads of the application that are not \
                 daemon threads keep a process alive; so does an `atexit` function, or a client that reads slowly.",
            ),
            Self::LeftUnasked => {
                (Info, "A worker ended by itself, or somebody asked it directly; another takes its place.")
            }
            Self::ExitedWithCode { .. } => {
                (Error, "A worker ended with an error status; what the application printed comes before.")
            }
            Self::WasSent { signal } if signal == "SIGTERM" => (Info, "SIGTERM ended a worker."),
            Self::WasSent { .. } => (
                Warning,
                "A signal ended a worker. SIGABRT is the master's, to one that is silent or overdue. After SIGSEGV, SIGBUS or SIGILL the stack above names the \
                 native code that crashed.",
            ),
            Self::WasKilled => (Warning, "The master killed a worker that ignored everything else."),
            Self::PerhapsOutOfMemory => (
                Error,
                "Somebody killed a worker, often the kernel for want of memory; its log (`dmesg`) says so.",
            ),
        }
    }

    /// Writes the line about the worker `pid`.
    pub(super) fn fmt(&self, pid: Pid, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Booting => write!(out, "Booting worker with pid: {pid}"),
            Self::Exiting => write!(out, "Worker exiting (pid: {pid})"),
            Self::TemplateBooting => write!(out, "Booting template with pid: {pid}"),
            Self::TemplateExiting => write!(out, "Template exiting (pid: {pid})"),
            Self::Timeout => write!(out, "WORKER TIMEOUT (pid:{pid})"),
            Self::Unfinished { line, since } => {
                write!(out, "Worker (pid:{pid}) has worked for {} on: {line}", Seconds(*since))
            }
            Self::DiedWorking { line, since } => {
                write!(out, "Worker (pid:{pid}) died after {} of work on: {line}", Seconds(*since))
            }
            Self::Suspended => write!(out, "Worker (pid:{pid}) is stopped by a signal or a debugger"),
            Self::HungAtBoot { since } => {
                let since = Seconds(*since);
                write!(
                    out,
                    "Worker (pid:{pid}) has not booted for {since}: the application hangs while it loads or starts"
                )
            }
            Self::HungIdle => write!(out, "Worker (pid:{pid}) hangs outside of any request"),
            Self::Held => write!(out, "Worker (pid:{pid}) has not returned from a request that was given up"),
            Self::Worn { wear } => write!(out, "Autorestarting worker (pid:{pid}): {}", reason(*wear)),
            Self::StopOverdue { allowed } => {
                write!(out, "Worker (pid:{pid}) did not stop within {}", Seconds(*allowed))
            }
            Self::Lingers => write!(
                out,
                "Worker (pid:{pid}) has no request left: a thread, an exit handler or a slow client holds it"
            ),
            Self::LeftUnasked => write!(out, "Worker (pid:{pid}) left without being asked: replacing it"),
            Self::ExitedWithCode { code } => write!(out, "Worker (pid:{pid}) exited with code {code}."),
            Self::WasSent { signal } => write!(out, "Worker (pid:{pid}) was sent {signal}!"),
            Self::WasKilled => write!(out, "Worker (pid:{pid}) was sent SIGKILL!"),
            Self::PerhapsOutOfMemory => {
                write!(out, "Worker (pid:{pid}) was sent SIGKILL! Perhaps out of memory?")
            }
        }
    }

    /// One of each, in the order of a worker's life, with example values.
    pub(super) fn examples() -> [Self; 23] {
        let text = str::to_owned;
        [
            Self::TemplateBooting,
            Self::Booting,
            Self::Timeout,
            Self::Unfinished { line: text("GET /slow HTTP/1.1"), since: 31_000 },
            Self::DiedWorking { line: text("GET /crash HTTP/1.1"), since: 500 },
            Self::Suspended,
            Self::HungAtBoot { since: 30_000 },
            Self::HungIdle,
            Self::Held,
            Self::Worn { wear: Wear::Requests },
            Self::Worn { wear: Wear::Memory(600 << 20) },
            Self::Worn { wear: Wear::Lifetime },
            Self::Worn { wear: Wear::Stuck },
            Self::StopOverdue { allowed: 30_000 },
            Self::Lingers,
            Self::LeftUnasked,
            Self::ExitedWithCode { code: 3 },
            Self::WasSent { signal: Cow::Borrowed("SIGSEGV") },
            Self::WasSent { signal: Cow::Borrowed("SIGTERM") },
            Self::WasKilled,
            Self::PerhapsOutOfMemory,
            Self::Exiting,
            Self::TemplateExiting,
        ]
    }
}

fn worn(wear: Wear) -> (Level, &'static str) {
    match wear {
        Wear::Stuck => (
            Level::Warning,
            "A request does not return, although its time is over (`request_timeout`). The worker's other requests \
             finish; another takes its place first.",
        ),
        Wear::Requests | Wear::Memory(_) | Wear::Lifetime => (
            Level::Info,
            "A worker reached `max_requests`, `max_worker_memory` or `max_worker_lifetime`. It serves until another is \
             ready, then it finishes and leaves.",
        ),
    }
}

fn reason(wear: Wear) -> Cow<'static, str> {
    match wear {
        Wear::Requests => Cow::Borrowed("it has answered as many requests as it should"),
        Wear::Memory(bytes) => Cow::Owned(format!("it occupies {} MiB of memory", bytes >> 20)),
        Wear::Lifetime => Cow::Borrowed("it has lived for as long as it should"),
        Wear::Stuck => Cow::Borrowed("a request does not return"),
    }
}
