//! The worker processes and how the master treats them.

use std::{path::PathBuf, time::Duration};

use super::settings;
use crate::values::{
    Count, Jitter, MemoryLimit, ReloadStrategy, RequestLimit, RequestPath, Seconds, Watchdog, WorkerClass,
    WorkerCount,
};

/// The least that a worker is given to boot when nobody says how much.
const SHORTEST_BOOT: Duration = Duration::from_secs(60);

settings! {
    section Workers, "Worker processes" {
        /// The number of worker processes.
        ///
        /// Two to four for each processor core is a good start. `TTIN` and `TTOU` change the number while the server
        /// runs. Where the variable `WEB_CONCURRENCY` is set, it gives the default.
        workers ["-w", "--workers"] "NUMBER", since "0.1", platform "WEB_CONCURRENCY" gives "{}": WorkerCount = "1";

        /// How a worker serves: WSGI or ASGI, or as the application wants it.
        ///
        /// `sync` calls a WSGI application, `asgi` an ASGI application on an event loop. `auto` looks at the
        /// application: a coroutine function, or an object whose `__call__` is one, is served by `asgi`, anything else
        /// by `sync`; the log says which. A class written as `package.module.Class` serves by gunicorn's worker interface.
        /// The names of uvicorn's worker classes mean `asgi`, unless `foreign_workers` is set.
        worker_class ["-k", "--worker-class"] "CLASS", since "0.1": WorkerClass = "auto";

        /// Take the names of other servers' worker classes literally.
        ///
        /// `-k uvicorn.workers.UvicornWorker` then runs uvicorn's own worker, which has to be installed, and not `asgi`.
        foreign_workers ["--foreign-workers"] "", since "0.1": bool = "";

        /// Load the application once, in a process that workers are forked from.
        ///
        /// Workers start sooner and share the memory of what was loaded. That process is not the master, so a reload
        /// (`HUP`) loads the code anew. What the application opens while it is loaded (connections, threads) is not the
        /// worker's: open it in `post_fork`, or at the first request.
        preload_app ["--preload"] "", since "0.1": bool = "";

        /// How many connections one worker holds open at once.
        ///
        /// A worker that holds as many leaves new ones to the others, and to the queue of the listening socket.
        worker_connections ["--worker-connections"] "NUMBER", since "0.1": Count = "1000";

        /// Replace a worker that has been silent for this long.
        ///
        /// The worker's Python stack and the request that it is busy with are logged first. `0` turns the watchdog
        /// off. An `asgi` worker is silent when its event loop does not run, whatever a single request takes; a `sync`
        /// worker while it is in the application.
        timeout ["-t", "--timeout"] "SECONDS", since "0.1": Watchdog = "30";

        /// How long a worker may take to finish its requests when it is told to stop.
        ///
        /// Workers that are still there afterwards are killed.
        graceful_timeout ["--graceful-timeout"] "SECONDS", since "0.1": Seconds = "30";

        /// How long a worker may take to load the application and to become ready.
        ///
        /// Counted from the fork to the end of the lifespan's start-up and of `warmup`. Afterwards the worker is killed,
        /// and its Python stack is logged. `0` sets no limit. Without a value it is the larger of `timeout` and 60
        /// seconds, and no limit if `timeout` is `0`.
        boot_timeout ["--boot-timeout"] "SECONDS", since "0.1": Option<Watchdog> = "";

        /// How long a request may take in the application.
        ///
        /// From the moment the request is complete enough to be handed to the application, to the end of its response.
        /// `asgi` cancels the request's task. `sync` raises `rgunicorn.RequestTimeout` in its thread; a worker whose
        /// thread does not return is replaced. The stack is logged, and the answer is 504 if the response has not
        /// begun, else the connection is closed. `0` sets no limit.
        request_timeout ["--request-timeout"] "SECONDS", since "0.1": Watchdog = "0";

        /// Replace a worker after this many requests.
        ///
        /// For applications that leak memory. The replacement is ready before the worker leaves, and only few workers
        /// are replaced at once. `0` never replaces one.
        max_requests ["--max-requests"] "NUMBER", since "0.1": RequestLimit = "0";

        /// Add up to this many requests to `max_requests`, for every worker a number of its own.
        ///
        /// So workers that were started together are not due together.
        max_requests_jitter ["--max-requests-jitter"] "NUMBER", since "0.1": Jitter = "0";

        /// Replace a worker after this time.
        ///
        /// Like `max_requests`, by the clock. `0` never replaces one.
        max_worker_lifetime ["--max-worker-lifetime"] "SECONDS", since "0.1": Watchdog = "0";

        /// Add up to this long to `max_worker_lifetime`, for every worker a time of its own.
        max_worker_lifetime_jitter ["--max-worker-lifetime-jitter"] "SECONDS", since "0.1": Seconds = "0";

        /// Replace a worker that uses more memory than this, such as `512m` or `1g`.
        ///
        /// Looked at once a second is its resident memory (RSS), which includes what it shares with others. Like
        /// `max_requests`, without failing a request. `0` never replaces one.
        max_worker_memory ["--max-worker-memory"] "BYTES", since "0.1": MemoryLimit = "0";

        /// How a reload (`HUP`) brings in the new workers.
        ///
        /// `all` starts all of them beside the old ones and lets the old ones go when all are ready. `rolling` replaces
        /// one after the other, for machines without the memory for both. Whichever: if the new code does not boot, the
        /// old workers go on serving.
        reload_strategy ["--reload-strategy"] "STRATEGY", since "0.1": ReloadStrategy = "all";

        /// Request this path of the application before a worker counts as ready; may be repeated.
        ///
        /// What an application imports or connects to at its first request is then there before a client waits. The
        /// worker asks itself, with `Host: localhost` and the user agent `rgunicorn-warmup`, and the access log does not
        /// show it. An answer of 400 or more, or none within `boot_timeout`, is a failure to boot.
        warmup ["--warmup"] "PATH", since "0.1": Vec<RequestPath> = "";

        /// How long to go on serving after `TERM`, before the listening sockets are closed.
        ///
        /// `readiness_path` answers 503 meanwhile, so that a load balancer has time to look elsewhere. A second `TERM`, or
        /// `INT` or `QUIT`, cuts it short.
        drain_delay ["--drain-delay"] "SECONDS", since "0.1": Seconds = "0";

        /// Accepted for gunicorn's sake.
        ///
        /// gunicorn's workers show in a file there that they are alive, which can block on a slow disk. Here they do it
        /// in memory, so there is nothing to choose.
        worker_tmp_dir ["--worker-tmp-dir"] "DIR", since "0.1": Option<PathBuf> = "";
    }
}

impl Workers {
    /// How long a worker may take to boot; `None` for as long as it likes.
    #[must_use]
    pub fn boot_limit(&self) -> Option<Duration> {
        match self.boot_timeout {
            Some(Watchdog(limit)) => limit,
            None => self.timeout.0.map(|timeout| timeout.max(SHORTEST_BOOT)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_may_take_a_minute_unless_told_otherwise() {
        let seconds = Duration::from_secs;
        let limit = |boot_timeout, timeout| {
            let timeout = Watchdog(timeout);
            Workers { boot_timeout, timeout, ..Workers::default() }.boot_limit()
        };
        assert_eq!(limit(None, Some(seconds(30))), Some(seconds(60)));
        assert_eq!(limit(None, Some(seconds(120))), Some(seconds(120)));
        assert_eq!(limit(None, None), None, "without a watchdog");
        assert_eq!(limit(Some(Watchdog(None)), Some(seconds(30))), None);
        assert_eq!(limit(Some(Watchdog(Some(seconds(5)))), Some(seconds(30))), Some(seconds(5)));
    }
}
