//! Options of gunicorn, uvicorn, uWSGI, granian and hypercorn, and what they are here.
//!
//! A test keeps this table and the table of settings apart: an option that becomes ours leaves this one.

/// Options that are spelled differently here: as written there, what to write here.
const RENAMED: &[(&str, &str)] = &[
    ("--access-log", "write `--access-logfile -` to log requests"),
    ("--app-dir", "write `--chdir DIR` or `--pythonpath DIR`"),
    ("--callable", "name the object after the module, as in `module:app`"),
    ("--daemonize", "write `--daemon --error-logfile FILE`"),
    ("--factory", "write the call after the module, as in `module:create_app()`"),
    ("--harakiri", "write `--timeout SECONDS`"),
    ("--host", "write `--bind HOST:PORT`"),
    ("--http", "write `--bind HOST:PORT`; HTTP is what is always spoken"),
    ("--http-keepalive", "write `--keep-alive SECONDS`"),
    ("--http-socket", "write `--bind HOST:PORT`"),
    ("--interface", "write `--worker-class sync` for WSGI or `--worker-class asgi`"),
    ("--limit-concurrency", "write `--worker-connections NUMBER`"),
    ("--listen", "write `--backlog NUMBER`"),
    ("--logto", "write `--error-logfile FILE`"),
    ("--master", "leave it out; there always is a master process"),
    ("--module", "write the module without an option, as in `rgunicorn mysite.wsgi`"),
    ("--no-access-log", "leave it out; requests are logged only with `--access-logfile`"),
    ("--pid-file", "write `--pid FILE`"),
    ("--pidfile", "write `--pid FILE`"),
    ("--port", "write `--bind HOST:PORT`"),
    ("--processes", "write `--workers NUMBER`"),
    ("--shutdown-timeout", "write `--graceful-timeout SECONDS`"),
    ("--socket", "write `--bind unix:PATH`, and let the proxy speak HTTP to it"),
    ("--timeout-graceful-shutdown", "write `--graceful-timeout SECONDS`"),
    ("--timeout-keep-alive", "write `--keep-alive SECONDS`"),
    ("--uds", "write `--bind unix:PATH`"),
    ("--worker-reload-mercy", "write `--graceful-timeout SECONDS`"),
    ("--workers-kill-timeout", "write `--graceful-timeout SECONDS`"),
    ("--working-dir", "write `--chdir DIR`"),
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
    "--casefold-http-method",
    "--cert-reqs",
    "--certfile",
    "--ciphers",
    "--config",
    "--control-socket",
    "--dirty-app",
    "--disable-redirect-access-to-syslog",
    "--do-handshake-on-connect",
    "--dogstatsd-tags",
    "--enable-backlog-metric",
    "--enable-stdio-inheritance",
    "--forwarded-allow-ips",
    "--forwarder-headers",
    "--group",
    "--header-map",
    "--http-parser",
    "--http-protocols",
    "--http2-cleartext",
    "--initgroups",
    "--keyfile",
    "--limit-request-field_size",
    "--limit-request-fields",
    "--limit-request-line",
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
    "--no-sendfile",
    "--paste",
    "--paste-global",
    "--permit-obsolete-folding",
    "--permit-unconventional-http-method",
    "--permit-unconventional-http-version",
    "--preload",
    "--protocol",
    "--proxy-allow-from",
    "--proxy-protocol",
    "--reload",
    "--reload-engine",
    "--reload-extra-file",
    "--reuse-port",
    "--root-path",
    "--spew",
    "--ssl-version",
    "--statsd-host",
    "--statsd-prefix",
    "--strip-header-spaces",
    "--suppress-ragged-eofs",
    "--threads",
    "--umask",
    "--user",
    "--uwsgi-allow-from",
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
    fn the_two_tables_do_not_overlap() {
        for (there, _) in RENAMED {
            assert!(!ABSENT.contains(there), "{there}");
        }
    }
}
