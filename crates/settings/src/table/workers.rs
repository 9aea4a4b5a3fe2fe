//! The worker processes and how the master treats them.

use super::settings;
use crate::values::{Count, Seconds, Watchdog, WorkerClass, WorkerCount};

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
        /// by `sync`; the log says which. The names of uvicorn's worker classes mean `asgi`.
        worker_class ["-k", "--worker-class"] "CLASS", since "0.1": WorkerClass = "auto";

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
    }
}
