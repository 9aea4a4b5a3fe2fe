//! Options of gunicorn, uvicorn, uWSGI, granian and hypercorn, and what they are here.
//!
//! What is not listed here may still look like an option of ours, and be suggested: that is why some are listed that there
//! is nothing to say about.
//!
//! A test keeps this table and the table of settings apart: an option that becomes ours leaves this one.

/// Options that are spelled differently here: as written there, what to write here.
const RENAMED: &[(&str, &str)] = &[
    ("--access-log", "write `--access-logfile -` to log requests"),
    ("--access-log-fmt", "write `--access-logformat FORMAT`"),
    ("--app-dir", "write `--chdir DIR` or `--pythonpath DIR`"),
    ("--backpressure", "write `--worker-connections NUMBER`"),
    ("--buffer-size", "write `--limit-request-line BYTES` and `--limit-request-field_size BYTES`"),
    ("--callable", "name the object after the module, as in `module:app`"),
    ("--check-static", "write `--static-path PREFIX=DIRECTORY`"),
    ("--daemonize", "write `--daemon --error-logfile FILE`"),
    ("--enable-proxy-protocol", "write `--proxy-protocol`"),
    ("--env-file", "write `--env NAME=VALUE`, or set the variables before the command"),
    ("--factory", "write the call after the module, as in `module:create_app()`"),
    ("--fd", "write `--bind ADDRESS`; inherited sockets are not available"),
    (
        "--h11-max-incomplete-event-size",
        "write `--limit-request-line BYTES` and `--limit-request-field_size BYTES`",
    ),
    (
        "--h11-max-incomplete-size",
        "write `--limit-request-line BYTES` and `--limit-request-field_size BYTES`",
    ),
    ("--harakiri", "write `--timeout SECONDS`"),
    ("--header", "leave it out; let the application or the proxy set header fields of responses"),
    ("--host", "write `--bind HOST:PORT`"),
    (
        "--http",
        "write `--bind HOST:PORT` for an address; a choice of HTTP parsers or versions there is not, leave it out",
    ),
    ("--http-buffer-size", "write `--limit-request-line BYTES` and `--limit-request-field_size BYTES`"),
    ("--http-enable-proxy-protocol", "write `--proxy-protocol`"),
    ("--http-headers-timeout", "write `--header-timeout SECONDS`"),
    ("--http-keepalive", "write `--keep-alive SECONDS`"),
    ("--http-socket", "write `--bind HOST:PORT`"),
    ("--http-timeout", "write `--body-timeout SECONDS` and `--write-timeout SECONDS`"),
    ("--http1-buffer-size", "write `--limit-request-line BYTES` and `--limit-request-field_size BYTES`"),
    (
        "--http1-header-read-timeout",
        "write `--header-timeout SECONDS`; it is no longer a number of milliseconds",
    ),
    ("--http1-keep-alive", "write `--keep-alive SECONDS`"),
    ("--http1-pipeline-flush", "leave it out; responses to pipelined requests are sent as they are made"),
    ("--interface", "write `--worker-class sync` for WSGI or `--worker-class asgi`"),
    ("--limit-concurrency", "write `--worker-connections NUMBER`"),
    (
        "--limit-max-requests",
        "leave it out; this version does not replace workers after a number of requests",
    ),
    ("--limit-post", "write `--limit-request-body BYTES`"),
    ("--listen", "write `--backlog NUMBER`"),
    ("--log-x-forwarded-for", "write `--proxy-headers`; the access log then has the address of the client"),
    ("--logto", "write `--error-logfile FILE`"),
    ("--manage-script-name", "write `--root-path PATH`"),
    ("--master", "leave it out; there always is a master process"),
    ("--max-fd", "write `--worker-connections NUMBER`"),
    ("--module", "write the module without an option, as in `rgunicorn mysite.wsgi`"),
    ("--mount", "write the application without an option, and `--root-path PATH` for where it is mounted"),
    ("--no-access-log", "leave it out; requests are logged only with `--access-logfile`"),
    ("--no-http1-keep-alive", "write `--keep-alive 0`"),
    ("--no-http1-pipeline-flush", "leave it out; responses to pipelined requests are sent as they are made"),
    ("--no-ws", "leave it out; this version has no websockets"),
    ("--pid-file", "write `--pid FILE`"),
    ("--pidfile", "write `--pid FILE`"),
    ("--port", "write `--bind HOST:PORT`"),
    ("--post-buffering", "leave it out; large bodies always go to a temporary file"),
    ("--processes", "write `--workers NUMBER`"),
    ("--read-timeout", "write `--body-timeout SECONDS`"),
    ("--shutdown-timeout", "write `--graceful-timeout SECONDS`"),
    ("--socket", "write `--bind uwsgi://ADDRESS` for the uwsgi protocol, or `--bind ADDRESS` for HTTP"),
    ("--socket-timeout", "write `--body-timeout SECONDS` and `--write-timeout SECONDS`"),
    ("--ssl-certfile", "leave it out; let a proxy end TLS"),
    ("--ssl-certificate", "leave it out; let a proxy end TLS"),
    ("--ssl-keyfile", "leave it out; let a proxy end TLS"),
    ("--static-expires", "leave it out; files of `--static-path` have `ETag` and `Last-Modified`"),
    ("--static-gzip", "leave it out; `--static-path` finds files that are compressed beside the others"),
    ("--static-gzip-all", "leave it out; `--static-path` finds files that are compressed beside the others"),
    ("--static-index", "leave it out; a directory of `--static-path` gives its `index.html`"),
    ("--static-map", "write `--static-path PREFIX=DIRECTORY`"),
    (
        "--static-map2",
        "write `--static-path PREFIX=DIRECTORY/PREFIX`; the prefix is not looked up in the directory",
    ),
    ("--static-path-dir-to-file", "leave it out; a directory of `--static-path` gives its `index.html`"),
    ("--static-path-expires", "leave it out; files of `--static-path` have `ETag` and `Last-Modified`"),
    ("--static-path-mount", "write `--static-path ROUTE=DIRECTORY`"),
    ("--static-path-route", "write `--static-path ROUTE=DIRECTORY`"),
    ("--timeout-graceful-shutdown", "write `--graceful-timeout SECONDS`"),
    ("--timeout-keep-alive", "write `--keep-alive SECONDS`"),
    ("--timeout-worker-healthcheck", "write `--timeout SECONDS`"),
    ("--uds", "write `--bind unix:PATH`"),
    ("--url-path-prefix", "write `--root-path PATH`"),
    ("--uwsgi", "write `--bind uwsgi://ADDRESS`"),
    ("--uwsgi-socket", "write `--bind uwsgi://ADDRESS`"),
    ("--worker-reload-mercy", "write `--graceful-timeout SECONDS`"),
    ("--workers-kill-timeout", "write `--graceful-timeout SECONDS`"),
    ("--working-dir", "write `--chdir DIR`"),
    ("--ws", "leave it out; this version has no websockets"),
    ("--wsgi", "write the module without an option, as in `rgunicorn mysite.wsgi`"),
    ("--wsgi-file", "write the module without an option, as in `rgunicorn mysite.wsgi`"),
];

/// gunicorn's options that there is no counterpart for.
const ABSENT: &[&str] = &[
    "-R",
    "-c",
    "-g",
    "-m",
    "-n",
    "-u",
    "--ca-certs",
    "--capture-output",
    "--cert-reqs",
    "--certfile",
    "--ciphers",
    "--config",
    "--control-socket",
    "--control-socket-mode",
    "--dirty-app",
    "--dirty-graceful-timeout",
    "--dirty-threads",
    "--dirty-timeout",
    "--dirty-workers",
    "--disable-redirect-access-to-syslog",
    "--do-handshake-on-connect",
    "--dogstatsd-tags",
    "--enable-backlog-metric",
    "--enable-stdio-inheritance",
    "--group",
    "--http-parser",
    "--http-protocols",
    "--http2-cleartext",
    "--initgroups",
    "--keyfile",
    "--log-config",
    "--log-config-json",
    "--log-syslog",
    "--log-syslog-facility",
    "--log-syslog-prefix",
    "--log-syslog-to",
    "--logger-class",
    "--max-requests",
    "--max-requests-jitter",
    "--name",
    "--no-control-socket",
    "--paste",
    "--paste-global",
    "--preload",
    "--reload",
    "--reload-engine",
    "--reload-extra-file",
    "--reuse-port",
    "--spew",
    "--ssl-version",
    "--statsd-host",
    "--statsd-prefix",
    "--suppress-ragged-eofs",
    "--threads",
    "--umask",
    "--user",
    "--websocket-max-message-size",
    "--worker-tmp-dir",
];

/// What to do about another server's option.
pub(super) fn hint(option: &str) -> Option<String> {
    let renamed = RENAMED.iter().find(|(there, _)| *there == option);
    if let Some((_, here)) = renamed {
        return Some((*here).to_owned());
    }
    ABSENT
        .contains(&option)
        .then(|| "gunicorn has it, this version of rgunicorn does not; leave it out".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table;

    #[test]
    fn no_option_of_ours_is_called_foreign() {
        for flag in table::rows().flat_map(|row| row.flags) {
            assert_eq!(hint(flag), None, "{flag}");
        }
    }

    #[test]
    fn what_is_suggested_exists() {
        let known: Vec<_> = table::rows().flat_map(|row| row.flags).collect();
        for (there, here) in RENAMED {
            for word in here.split(['`', ' ']).filter(|word| word.starts_with("--")) {
                assert!(known.contains(&&word), "{there} suggests {word}");
            }
        }
    }

    #[test]
    fn an_option_has_one_hint() {
        assert!(RENAMED.is_sorted_by(|a, b| a.0 < b.0) && ABSENT.is_sorted_by_key(|option| option.len() > 2));
    }

    #[test]
    fn the_two_tables_do_not_overlap() {
        for (there, _) in RENAMED {
            assert!(!ABSENT.contains(there), "{there}");
        }
    }
}
