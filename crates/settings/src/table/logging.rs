//! The two logs.

use super::settings;
use crate::values::{Destination, Level};

settings! {
    section Logging, "Logging" {
        /// The least severe kind of record that goes to the error log.
        loglevel ["--log-level"] "LEVEL", since "0.1": Level = "info";

        /// The file that errors and the server's own messages go to; `-` is standard error.
        errorlog ["--error-logfile", "--log-file"] "FILE", since "0.1": Destination = "-";

        /// The file that requests are logged to; `-` is standard output. Without it, requests are not logged.
        accesslog ["--access-logfile"] "FILE", since "0.1": Option<Destination> = "";

        /// The format of a line of the access log.
        ///
        /// `%(h)s` remote address, `%(l)s` always `-`, `%(u)s` user of basic authentication, `%(t)s` time, `%(r)s`
        /// request line, `%(m)s` method, `%(U)s` path, `%(q)s` query string, `%(H)s` protocol, `%(s)s` status,
        /// `%(B)s` and `%(b)s` length of the response body (0 for none), `%(f)s` referer, `%(a)s` user agent,
        /// `%(T)s` time taken in seconds, `%(M)s` in milliseconds, `%(D)s` in microseconds, `%(L)s` in
        /// seconds with a fraction, `%(p)s` process, `%({name}i)s` request header, `%({name}o)s` response header,
        /// `%({name}e)s` variable of the WSGI environment. What is missing is written `-`.
        access_log_format ["--access-logformat"] "FORMAT", since "0.1": String =
            "%(h)s %(l)s %(u)s %(t)s \"%(r)s\" %(s)s %(b)s \"%(f)s\" \"%(a)s\"";
    }
}
