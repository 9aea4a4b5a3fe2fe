//! gunicorn's settings that there are not: what an operator is told who brings one along.
//!
//! A setting of theirs that becomes one of ours leaves this table; a test says so.

/// A setting of gunicorn's: its name in a config file, its options, and what to do without it.
type Absent = (&'static str, &'static [&'static str], &'static str);

const TLS: &str = "TLS is not available; leave it out and let a proxy end TLS";
const HTTP2: &str = "HTTP/2 is not available; leave it out and let a proxy speak it";
const DIRTY: &str = "there are no dirty workers; leave it out";
const CONTROL: &str = "there is no control socket; leave it out and use signals";
const SYSLOG: &str =
    "there is no syslog; leave it out, log to standard error and let the system's journal collect it";
const STATSD: &str = "there is no statsd; leave it out";
const LOGGING: &str = "Python's logging is not used by the server; leave it out and see `errorlog`, `accesslog` and `access_log_format`";
const PASTE: &str =
    "PasteDeploy is not available; leave it out and write the application as `module:factory()`";

const ABSENT: &[Absent] = &[
    ("ca_certs", &["--ca-certs"], TLS),
    (
        "capture_output",
        &["--capture-output"],
        "what the application prints stays on the standard streams; leave it out",
    ),
    ("cert_reqs", &["--cert-reqs"], TLS),
    ("certfile", &["--certfile"], TLS),
    ("ciphers", &["--ciphers"], TLS),
    ("control_socket", &["--control-socket"], CONTROL),
    ("control_socket_disable", &["--no-control-socket"], CONTROL),
    ("control_socket_mode", &["--control-socket-mode"], CONTROL),
    ("default_proc_name", &[], "leave it out and set `proc_name`"),
    ("dirty_apps", &["--dirty-app"], DIRTY),
    ("dirty_graceful_timeout", &["--dirty-graceful-timeout"], DIRTY),
    ("dirty_post_fork", &[], DIRTY),
    ("dirty_threads", &["--dirty-threads"], DIRTY),
    ("dirty_timeout", &["--dirty-timeout"], DIRTY),
    ("dirty_worker_exit", &[], DIRTY),
    ("dirty_worker_init", &[], DIRTY),
    ("dirty_workers", &["--dirty-workers"], DIRTY),
    ("disable_redirect_access_to_syslog", &["--disable-redirect-access-to-syslog"], SYSLOG),
    ("do_handshake_on_connect", &["--do-handshake-on-connect"], TLS),
    ("dogstatsd_tags", &["--dogstatsd-tags"], STATSD),
    ("enable_backlog_metric", &["--enable-backlog-metric"], STATSD),
    ("http2_cleartext", &["--http2-cleartext"], HTTP2),
    ("http2_initial_window_size", &["--http2-initial-window-size"], HTTP2),
    ("http2_max_concurrent_streams", &["--http2-max-concurrent-streams"], HTTP2),
    ("http2_max_frame_size", &["--http2-max-frame-size"], HTTP2),
    ("http2_max_header_list_size", &["--http2-max-header-list-size"], HTTP2),
    ("http_parser", &["--http-parser"], "there is one parser; leave it out"),
    ("http_protocols", &["--http-protocols"], HTTP2),
    ("keyfile", &["--keyfile"], TLS),
    ("logconfig", &["--log-config"], LOGGING),
    ("logconfig_dict", &[], LOGGING),
    ("logconfig_json", &["--log-config-json"], LOGGING),
    ("logger_class", &["--logger-class"], LOGGING),
    ("on_dirty_starting", &[], DIRTY),
    ("paste", &["--paste", "--paster"], PASTE),
    ("raw_paste_global_conf", &["--paste-global"], PASTE),
    ("spew", &["--spew"], "lines are not traced; leave it out and use Python's `trace` module"),
    ("ssl_version", &["--ssl-version"], TLS),
    ("statsd_host", &["--statsd-host"], STATSD),
    ("statsd_prefix", &["--statsd-prefix"], STATSD),
    ("suppress_ragged_eofs", &["--suppress-ragged-eofs"], TLS),
    ("syslog", &["--log-syslog"], SYSLOG),
    ("syslog_addr", &["--log-syslog-to"], SYSLOG),
    ("syslog_facility", &["--log-syslog-facility"], SYSLOG),
    ("syslog_prefix", &["--log-syslog-prefix"], SYSLOG),
    ("threads", &["--threads"], "workers have one thread each; leave it out and set `workers`"),
    ("tmp_upload_dir", &[], "leave it out; gunicorn does not use it either"),
    (
        "websocket_max_message_size",
        &["--websocket-max-message-size"],
        "there are no websockets yet; leave it out",
    ),
];

/// What to do about an option of gunicorn's that there is not.
pub(super) fn by_option(option: &str) -> Option<&'static str> {
    ABSENT.iter().find(|(_, options, _)| options.contains(&option)).map(|(_, _, advice)| *advice)
}

/// What to do about a name of gunicorn's that there is not.
pub(super) fn by_key(key: &str) -> Option<&'static str> {
    ABSENT.iter().find(|(absent, _, _)| *absent == key).map(|(_, _, advice)| *advice)
}

/// All options in the table.
#[cfg(test)]
pub(super) fn options() -> impl Iterator<Item = &'static str> {
    ABSENT.iter().flat_map(|(_, options, _)| options.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table;

    #[test]
    fn nothing_of_ours_is_called_absent() {
        for row in table::rows() {
            for key in row.aliases.iter().chain([&row.key]) {
                assert_eq!(by_key(key), None, "{key}");
            }
            for flag in row.flags {
                assert_eq!(by_option(flag), None, "{flag}");
            }
        }
    }

    #[test]
    fn every_name_stands_once() {
        assert!(ABSENT.is_sorted_by(|a, b| a.0 < b.0));
        let mut seen = std::collections::BTreeSet::new();
        assert!(options().all(|option| seen.insert(option)));
    }

    #[test]
    fn what_is_advised_exists() {
        for (key, _, advice) in ABSENT {
            for word in advice.split('`').skip(1).step_by(2).filter(|word| !word.contains(['(', ':'])) {
                assert!(word == "trace" || table::find(word).is_some(), "{key} advises {word}");
            }
        }
    }
}
