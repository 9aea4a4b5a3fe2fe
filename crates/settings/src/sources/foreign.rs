//! Options of uvicorn, uWSGI, granian and hypercorn, and what they are here.
//!
//! What is not listed here may still look like an option of ours, and be suggested: that is why some are listed that there
//! is nothing to say about.
//!
//! A test keeps this table and the table of settings apart: an option that becomes ours leaves this one.

use super::absent;

/// Options that are spelled differently here: as written there, what to write here.
const RENAMED: &[(&str, &str)] = &[
    (
        "--abstract-socket",
        "write `--bind uwsgi://unix:@NAME` for the uwsgi protocol, or `--bind unix:@NAME` for HTTP",
    ),
    ("--access-log", "write `--access-logfile -` to log requests"),
    ("--access-log-fmt", "write `--access-logformat FORMAT`"),
    ("--access-logger", "write `--access-logfile FILE`"),
    ("--add-gid", "write `--initgroups`"),
    ("--app-dir", "write `--chdir DIR` or `--pythonpath DIR`"),
    ("--auto-procname", "leave it out; processes are named after the application, or `--name NAME`"),
    ("--backpressure", "write `--worker-connections NUMBER`"),
    ("--blocking-threads", "leave it out; a worker has one thread; see `--workers`"),
    ("--brutal-reload-on-fd", "leave it out; reload by `HUP`"),
    ("--buffer-size", "write `--limit-request-line BYTES` and `--limit-request-field_size BYTES`"),
    ("--callable", "name the object after the module, as in `module:app`"),
    ("--cheap", "leave it out; the number of workers does not follow the load"),
    ("--cheaper", "leave it out; the number of workers does not follow the load"),
    ("--cheaper-algo", "leave it out; the number of workers does not follow the load"),
    ("--cheaper-initial", "leave it out; the number of workers does not follow the load"),
    ("--cheaper-step", "leave it out; the number of workers does not follow the load"),
    ("--check-static", "write `--static-path PREFIX=DIRECTORY`"),
    ("--chmod", "write `--socket-mode MODE`"),
    ("--chmod-socket", "write `--socket-mode MODE`"),
    ("--chown-socket", "write `--socket-owner USER:GROUP`"),
    ("--close-on-exec", "leave it out; descriptors of the server are never inherited"),
    ("--daemonize", "write `--daemon --error-logfile FILE`"),
    ("--date-header", "leave it out; responses have a `Date`"),
    ("--debug", "write `--log-level debug`"),
    ("--die-on-term", "leave it out; `TERM` stops the server"),
    ("--disable-logging", "leave it out; requests are logged only with `--access-logfile`"),
    ("--emperor", "leave it out; let systemd run one server for each site"),
    ("--enable-proxy-protocol", "write `--proxy-protocol`"),
    ("--enable-threads", "leave it out; threads of the application always run"),
    ("--env-file", "write `--env NAME=VALUE`, or read the file in that of `--config FILE`"),
    ("--env-files", "write `--env NAME=VALUE`, or read the file in that of `--config FILE`"),
    ("--evil-reload-on-as", "write `--max-worker-memory BYTES`, which is resident memory, as in `512m`"),
    ("--evil-reload-on-rss", "write `--max-worker-memory BYTES`, as in `512m`"),
    ("--factory", "write the call after the module, as in `module:create_app()`"),
    ("--fd", "write `--bind fd://N`"),
    (
        "--fs-brutal-reload",
        "send `HUP` to the master; for development, write `--reload --reload-extra-file FILE`",
    ),
    ("--fs-reload", "send `HUP` to the master; for development, write `--reload --reload-extra-file FILE`"),
    ("--gid", "write `--group GROUP`"),
    (
        "--h11-max-incomplete-event-size",
        "write `--limit-request-line BYTES` and `--limit-request-field_size BYTES`",
    ),
    (
        "--h11-max-incomplete-size",
        "write `--limit-request-line BYTES` and `--limit-request-field_size BYTES`",
    ),
    ("--harakiri", "write `--request-timeout SECONDS`"),
    ("--harakiri-graceful-timeout", "write `--request-timeout SECONDS` and `--graceful-timeout SECONDS`"),
    ("--harakiri-verbose", "leave it out; the stack of a request that takes too long is always logged"),
    ("--header", "leave it out; let the application or the proxy set header fields of responses"),
    ("--home", "leave it out; install rgunicorn into the virtual environment and start it from there"),
    ("--host", "write `--bind HOST:PORT`"),
    (
        "--http",
        "write `--bind HOST:PORT` for an address; a choice of HTTP parsers or versions there is not, leave it out",
    ),
    ("--http-buffer-size", "write `--limit-request-line BYTES` and `--limit-request-field_size BYTES`"),
    ("--http-enable-proxy-protocol", "write `--proxy-protocol`"),
    ("--http-harakiri", "write `--request-timeout SECONDS`"),
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
    ("--immediate-gid", "write `--group GROUP`"),
    ("--immediate-uid", "write `--user USER`"),
    ("--ini", "write the settings into a file of Python for `--config FILE`"),
    ("--insecure-bind", "write `--bind ADDRESS`"),
    ("--interface", "write `--worker-class sync` for WSGI or `--worker-class asgi`"),
    ("--json", "write the settings into a file of Python for `--config FILE`"),
    ("--keep-alive-max-requests", "write `--keep-alive-requests NUMBER`"),
    ("--lazy", "leave it out; every worker loads the application itself unless `--preload` is given"),
    ("--lazy-apps", "leave it out; every worker loads the application itself unless `--preload` is given"),
    ("--limit-concurrency", "write `--worker-connections NUMBER`"),
    ("--limit-max-requests", "write `--max-requests NUMBER`"),
    ("--limit-max-requests-jitter", "write `--max-requests-jitter NUMBER`"),
    ("--limit-post", "write `--limit-request-body BYTES`"),
    ("--listen", "write `--backlog NUMBER`"),
    ("--log-format", "write `--access-logformat FORMAT`"),
    ("--log-x-forwarded-for", "write `--proxy-headers`; the access log then has the address of the client"),
    ("--logformat", "write `--access-logformat FORMAT`"),
    ("--logto", "write `--error-logfile FILE`"),
    ("--manage-script-name", "write `--root-path PATH`"),
    ("--master", "leave it out; there always is a master process"),
    ("--max-fd", "write `--worker-connections NUMBER`"),
    ("--max-requests-delta", "write `--max-requests-jitter NUMBER`"),
    ("--max-worker-lifetime-delta", "write `--max-worker-lifetime-jitter SECONDS`"),
    ("--min-worker-lifetime", "leave it out; workers that fail at the start are retried with growing pauses"),
    ("--module", "write the module without an option, as in `rgunicorn mysite.wsgi`"),
    ("--mount", "write the application without an option, and `--root-path PATH` for where it is mounted"),
    ("--need-app", "leave it out; a server whose application does not load does not start"),
    ("--no-access-log", "leave it out; requests are logged only with `--access-logfile`"),
    ("--no-date-header", "leave it out; responses have a `Date`"),
    ("--no-http1-keep-alive", "write `--keep-alive 0`"),
    ("--no-http1-pipeline-flush", "leave it out; responses to pipelined requests are sent as they are made"),
    (
        "--no-reload-ignore-worker-failure",
        "leave it out; `--reload` waits for the next change when the code does not load",
    ),
    ("--no-respawn-failed-workers", "leave it out; a worker that ends is always replaced"),
    ("--no-server-header", "leave it out; the application may set `Server` itself"),
    ("--no-use-colors", "leave it out; the log has no colours"),
    ("--no-ws", "leave it out; this version has no websockets"),
    ("--pid-file", "write `--pid FILE`"),
    ("--pidfile", "write `--pid FILE`"),
    ("--port", "write `--bind HOST:PORT`"),
    ("--post-buffering", "leave it out; large bodies always go to a temporary file"),
    ("--pp", "write `--pythonpath DIR`"),
    ("--process-name", "write `--name NAME`"),
    ("--processes", "write `--workers NUMBER`"),
    ("--procname", "write `--name NAME`"),
    ("--procname-append", "write `--name NAME`"),
    ("--procname-master", "write `--name NAME`"),
    ("--procname-prefix", "write `--name NAME`"),
    ("--procname-prefix-spaced", "write `--name NAME`"),
    ("--py-auto-reload", "write `--reload`"),
    ("--py-auto-reload-ignore", "write `--reload-exclude PATTERN`"),
    ("--py-autoreload", "write `--reload`"),
    ("--pyhome", "leave it out; install rgunicorn into the virtual environment and start it from there"),
    ("--python-auto-reload", "write `--reload`"),
    ("--python-autoreload", "write `--reload`"),
    ("--python-path", "write `--pythonpath DIR`"),
    ("--quic-bind", "leave it out; let a proxy speak HTTP/3"),
    ("--read-timeout", "write `--body-timeout SECONDS`"),
    ("--reload-delay", "leave it out; changes that come together are one reload"),
    ("--reload-ignore-dirs", "write `--reload-exclude DIR`"),
    ("--reload-ignore-paths", "write `--reload-exclude PATH`"),
    ("--reload-ignore-patterns", "write `--reload-exclude PATTERN`, which is not a regular expression"),
    (
        "--reload-ignore-worker-failure",
        "leave it out; `--reload` waits for the next change when the code does not load",
    ),
    ("--reload-mercy", "write `--graceful-timeout SECONDS`"),
    ("--reload-on-as", "write `--max-worker-memory BYTES`, which is resident memory, as in `512m`"),
    ("--reload-on-fd", "leave it out; reload by `HUP`"),
    ("--reload-on-rss", "write `--max-worker-memory BYTES`, as in `512m`"),
    ("--reload-paths", "write `--reload-dir DIR`"),
    (
        "--reload-tick",
        "leave it out; changes are noticed at once, or once a second with `--reload-engine poll`",
    ),
    ("--reset-contextvars", "leave it out; every request has a fresh context"),
    ("--respawn-failed-workers", "leave it out; a worker that ends is always replaced"),
    (
        "--respawn-interval",
        "leave it out; workers are replaced when their successor is ready, without a pause",
    ),
    ("--rss-sample-interval", "leave it out; the memory of workers is looked at once a second"),
    ("--rss-samples", "leave it out; the memory of workers is looked at once a second"),
    ("--runtime-mode", "leave it out; a worker has one thread; see `--workers`"),
    ("--runtime-threads", "leave it out; a worker has one thread; see `--workers`"),
    ("--safe-pidfile", "write `--pid FILE`"),
    ("--server-header", "leave it out; responses have a `Server` unless the application sets one"),
    ("--set", "write `--env NAME=VALUE` for a variable; a setting is an option"),
    ("--shared-socket", "write `--bind ADDRESS`; all workers share its socket"),
    ("--show-config", "write `--print-config`"),
    ("--shutdown-timeout", "write `--graceful-timeout SECONDS`"),
    ("--single-interpreter", "leave it out; there is one interpreter"),
    ("--socket", "write `--bind uwsgi://ADDRESS` for the uwsgi protocol, or `--bind ADDRESS` for HTTP"),
    ("--socket-timeout", "write `--body-timeout SECONDS` and `--write-timeout SECONDS`"),
    ("--ssl-ca-certs", "leave it out; let a proxy end TLS"),
    ("--ssl-cert-reqs", "leave it out; let a proxy end TLS"),
    ("--ssl-certfile", "leave it out; let a proxy end TLS"),
    ("--ssl-certificate", "leave it out; let a proxy end TLS"),
    ("--ssl-ciphers", "leave it out; let a proxy end TLS"),
    ("--ssl-keyfile", "leave it out; let a proxy end TLS"),
    ("--ssl-keyfile-password", "leave it out; let a proxy end TLS"),
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
    ("--strict", "leave it out; an option that there is not is always an error"),
    ("--thunder-lock", "leave it out; the kernel wakes one worker for a connection"),
    ("--timeout-graceful-shutdown", "write `--graceful-timeout SECONDS`"),
    ("--timeout-keep-alive", "write `--keep-alive SECONDS`"),
    ("--timeout-worker-healthcheck", "write `--timeout SECONDS`"),
    ("--touch-chain-reload", "write `--reload-strategy rolling` and send `HUP` to the master"),
    ("--touch-logreopen", "leave it out; send `USR1` to the master"),
    ("--touch-logrotate", "leave it out; rotate logs by logrotate and send `USR1` to the master"),
    (
        "--touch-reload",
        "send `HUP` to the master; for development, write `--reload --reload-extra-file FILE`",
    ),
    (
        "--touch-workers-reload",
        "send `HUP` to the master; for development, write `--reload --reload-extra-file FILE`",
    ),
    ("--uds", "write `--bind unix:PATH`"),
    ("--uds-permissions", "write `--socket-mode MODE`"),
    ("--uid", "write `--user USER`"),
    ("--url-path-prefix", "write `--root-path PATH`"),
    ("--use-colors", "leave it out; the log has no colours"),
    ("--uwsgi", "write `--bind uwsgi://ADDRESS`"),
    ("--uwsgi-socket", "write `--bind uwsgi://ADDRESS`"),
    ("--vacuum", "leave it out; socket and pid files are always removed at the end"),
    ("--venv", "leave it out; install rgunicorn into the virtual environment and start it from there"),
    ("--virtualenv", "leave it out; install rgunicorn into the virtual environment and start it from there"),
    ("--websocket-ping-interval", "leave it out; this version has no websockets"),
    ("--worker-exec", "leave it out; see `--preload`"),
    ("--worker-reload-mercy", "write `--graceful-timeout SECONDS`"),
    ("--workers-kill-timeout", "write `--graceful-timeout SECONDS`"),
    ("--workers-lifetime", "write `--max-worker-lifetime SECONDS`"),
    ("--workers-max-rss", "write `--max-worker-memory BYTES`, as in `512m`"),
    ("--working-dir", "write `--chdir DIR`"),
    ("--ws", "leave it out; this version has no websockets"),
    ("--ws-max-queue", "leave it out; this version has no websockets"),
    ("--ws-max-size", "leave it out; this version has no websockets"),
    ("--ws-per-message-deflate", "leave it out; this version has no websockets"),
    ("--ws-ping-interval", "leave it out; this version has no websockets"),
    ("--ws-ping-timeout", "leave it out; this version has no websockets"),
    ("--wsgi", "write the module without an option, as in `rgunicorn mysite.wsgi`"),
    ("--wsgi-file", "write the module without an option, as in `rgunicorn mysite.wsgi`"),
    ("--xml", "write the settings into a file of Python for `--config FILE`"),
    ("--yaml", "write the settings into a file of Python for `--config FILE`"),
];

/// uWSGI's options for code that is run at certain moments begin with these.
const HOOKS: &[&str] = &["--hook-", "--exec-", "--call-"];

/// What to do about another server's option.
pub(super) fn hint(option: &str) -> Option<String> {
    let renamed = RENAMED.iter().find(|(there, _)| *there == option).map(|(_, here)| *here);
    if let Some(advice) = renamed.or_else(|| absent::by_option(option)) {
        return Some(advice.to_owned());
    }
    let hook = HOOKS.iter().any(|prefix| option.starts_with(prefix));
    hook.then(|| "write a function with the name of a hook into the file of `--config FILE`".to_owned())
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
        assert!(RENAMED.is_sorted_by(|a, b| a.0 < b.0));
        for option in absent::options() {
            assert!(RENAMED.iter().all(|(there, _)| *there != option), "{option}");
        }
    }

    #[test]
    fn a_hook_is_a_function_of_the_config_file() {
        assert!(hint("--hook-post-fork").unwrap().contains("--config"));
        assert_eq!(hint("--frobnicate"), None);
    }
}
