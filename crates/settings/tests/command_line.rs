//! The command line as operators write it: what it means, and what they are told when it means nothing.

mod common;

use std::{
    collections::BTreeMap, ffi::OsString, os::unix::ffi::OsStringExt as _, path::PathBuf, time::Duration,
};

use proptest::prelude::*;
use rgunicorn_settings::{
    AppTarget, Count, Destination, EventLoop, Level, LifespanMode, NoConfigFiles, Origin, Parsed, Seconds,
    Settings, Watchdog, WorkerClass, WorkerCount, from_command_line,
};

use common::{read, refusal, settings, tcp, unix};

#[test]
fn the_command_lines_of_the_readme_mean_what_they_say() {
    let s = settings("mysite.asgi:application -k asgi --workers 3", &[]);
    let app = s.application.app.unwrap();
    assert_eq!(app.module, "mysite.asgi");
    assert_eq!(app.attribute, Some(AppTarget::Attribute("application".to_owned())));
    assert_eq!((s.workers.worker_class, s.workers.workers), (WorkerClass::Asgi, WorkerCount(3)));

    let s =
        settings("mysite.asgi:application -k uvicorn.workers.UvicornWorker --timeout=120 --workers 3", &[]);
    assert_eq!(s.workers.worker_class, WorkerClass::Asgi);
    assert_eq!(s.workers.timeout, Watchdog(Some(Duration::from_secs(120))));

    let s = settings("mysite.asgi:application --daemon --pid x.pid --access-logfile ./access_log.log", &[]);
    assert!(s.process.daemon);
    assert_eq!(s.process.pidfile, Some(PathBuf::from("x.pid")));
    assert_eq!(s.logging.accesslog, Some(Destination::File("./access_log.log".into())));

    let s = settings("mysite.wsgi --chdir src --bind unix:/tmp/site.sock", &[]);
    assert_eq!(s.application.chdir, std::env::current_dir().unwrap().join("src"));
    assert_eq!(s.network.bind, [unix("/tmp/site.sock")]);
}

#[test]
fn options_are_written_as_for_gunicorn() {
    let s = settings(
        "-w4 -b :80 -b=[::1]:81 app -e A=1 --env B=2 -t 0 -D -p pid --log-file - --access-logfile=-",
        &[],
    );
    assert_eq!(s.workers.workers, WorkerCount(4));
    assert_eq!(s.network.bind, [tcp("0.0.0.0", 80), tcp("::1", 81)]);
    let names: Vec<_> = s.application.raw_env.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["A=1", "B=2"]);
    assert_eq!(s.workers.timeout, Watchdog(None));
    assert!(s.process.daemon);
    assert_eq!(s.logging.errorlog, Destination::Stderr);
    assert_eq!(s.logging.accesslog, Some(Destination::Stdout));
}

#[test]
fn a_worker_class_of_another_server_is_ours_unless_the_original_is_asked_for() {
    let class = |line: &str| settings(line, &[]).workers.worker_class;
    let foreign = |name: &str| WorkerClass::Foreign(name.to_owned());
    assert_eq!(class("app -k uvicorn.workers.UvicornWorker"), WorkerClass::Asgi);
    assert_eq!(
        class("app -k uvicorn.workers.UvicornWorker --foreign-workers"),
        foreign("uvicorn.workers.UvicornWorker")
    );
    assert_eq!(class("app -k aiohttp.GunicornWebWorker"), foreign("aiohttp.GunicornWebWorker"));
    assert_eq!(class("app -k asgi --foreign-workers"), WorkerClass::Asgi);
}

#[test]
fn a_setting_that_was_given_in_vain_is_named_with_the_reason() {
    for (line, advice) in [
        ("app", [].as_slice()),
        ("app --max-requests 100 --max-requests-jitter 10 --reload --reload-dir src", &[]),
        (
            "app --max-requests-jitter 10",
            &["the setting `max_requests_jitter` has no effect: `max_requests` is not set"],
        ),
        (
            "app -b unix:x.sock --reuse-port --initgroups",
            &[
                "the setting `initgroups` has no effect: `user` is not set",
                "the setting `reuse_port` has no effect: no address of `bind` is a TCP port",
            ],
        ),
        (
            "app --socket-mode 660 -b :80 -b unix:@site",
            &["the setting `socket_mode` has no effect: no address of `bind` is a unix socket"],
        ),
        ("app --reload-dir src", &["the setting `reload_dirs` has no effect: `reload` is not set"]),
        (
            "app -k sync --request-timeout 30",
            &["the setting `request_timeout` has no effect: `timeout` is not longer, and comes first"],
        ),
        ("app -k sync --request-timeout 20", &[]),
        ("app -k asgi --request-timeout 60", &[]),
    ] {
        assert_eq!(settings(line, &[]).advice(), advice, "{line}");
    }
}

#[test]
fn a_debugger_may_halt_a_worker_that_reloads_unless_a_timeout_is_asked_for() {
    let limits = |line: &str| {
        let workers = settings(line, &[]).workers;
        (workers.timeout.0.map(|limit| limit.as_secs()), workers.boot_limit().map(|limit| limit.as_secs()))
    };
    assert_eq!(limits("app"), (Some(30), Some(60)));
    assert_eq!(limits("app --reload"), (None, None));
    assert_eq!(limits("app --reload --timeout 9"), (Some(9), Some(60)));
    assert_eq!(limits("app --reload --boot-timeout 9"), (None, Some(9)));
}

#[test]
fn the_remaining_options_have_their_values() {
    let s = settings(
        "app --loop uvloop --lifespan off --log-level WARNING --keep-alive 75s --backlog 16 --pythonpath a,b \
         --worker-connections 5 --graceful-timeout 1.5 --check-config --print-config --error-logfile e.log",
        &[],
    );
    assert_eq!((s.asgi.event_loop, s.asgi.lifespan), (EventLoop::Uvloop, LifespanMode::Off));
    assert_eq!(s.logging.loglevel, Level::Warning);
    assert_eq!(s.protocol.keepalive, Seconds(Duration::from_secs(75)));
    assert_eq!(s.network.backlog.0, 16);
    assert_eq!(s.application.pythonpath.0, [PathBuf::from("a"), PathBuf::from("b")]);
    assert_eq!(s.workers.worker_connections, Count(5));
    assert_eq!(s.workers.graceful_timeout, Seconds(Duration::from_millis(1500)));
    assert!(s.debugging.check_config && s.debugging.print_config);
    assert_eq!(s.logging.errorlog, Destination::File("e.log".into()));
}

#[test]
fn nothing_said_means_gunicorns_defaults() {
    let s = settings("app", &[]);
    assert_eq!(s.network.bind, [tcp("127.0.0.1", 8000)]);
    assert_eq!(s.network.backlog.0, 2048);
    assert_eq!(s.workers.workers, WorkerCount(1));
    assert_eq!(s.workers.worker_connections, Count(1000));
    assert_eq!(s.workers.timeout, Watchdog(Some(Duration::from_secs(30))));
    assert_eq!(s.protocol.keepalive, Seconds(Duration::from_secs(2)));
    assert_eq!(s.asgi.disconnect_grace, Seconds(Duration::from_secs(3)));
    assert_eq!(s.logging.accesslog, None);
    assert_eq!(s.application.chdir, std::env::current_dir().unwrap());
}

#[test]
fn the_stronger_source_wins_and_is_remembered() {
    let platform = ("WEB_CONCURRENCY", "2");
    let ours = ("RGUNICORN_WORKERS", "3");
    let origin = |s: &Settings| s.origin("workers").cloned().unwrap();

    let s = settings("app", &[]);
    assert_eq!((s.workers.workers, origin(&s)), (WorkerCount(1), Origin::Default));
    let s = settings("app", &[platform]);
    assert_eq!((s.workers.workers, origin(&s)), (WorkerCount(2), Origin::Platform("WEB_CONCURRENCY")));
    let s = settings("app", &[platform, ours]);
    assert_eq!(
        (s.workers.workers, origin(&s)),
        (WorkerCount(3), Origin::Environment("RGUNICORN_WORKERS".to_owned()))
    );
    let s = settings("app -w 3 -w 4", &[platform, ours]);
    assert_eq!((s.workers.workers, origin(&s)), (WorkerCount(4), Origin::CommandLine));
    assert_eq!(s.origin("nothing"), None);
}

#[test]
fn variables_give_lists_and_switches_and_the_application() {
    let s = settings(
        "",
        &[
            ("RGUNICORN_APP", "mod"),
            ("RGUNICORN_BIND", ":80, :81 :82"),
            ("RGUNICORN_DAEMON", "true"),
            ("RGUNICORN_ACCESSLOG", "-"),
            ("RGUNICORN_TIMEOUT", ""),
        ],
    );
    assert_eq!(s.application.app.unwrap().module, "mod");
    assert_eq!(s.network.bind, [tcp("0.0.0.0", 80), tcp("0.0.0.0", 81), tcp("0.0.0.0", 82)]);
    assert!(s.process.daemon);
    assert_eq!(s.logging.accesslog, Some(Destination::Stdout));
    assert_eq!(s.workers.timeout, Watchdog(Some(Duration::from_secs(30))), "an empty variable is none");
    assert_eq!(settings("app", &[("PORT", "5000")]).network.bind, [tcp("0.0.0.0", 5000)]);
    assert_eq!(settings("app", &[("RGUNICORN_BIND", ", ")]).network.bind, [tcp("127.0.0.1", 8000)]);
    assert_eq!(settings("", &[("RGUNICORN_WSGI_APP", "mod")]).application.app.unwrap().module, "mod");
}

#[test]
fn help_and_version_are_printed() {
    for line in ["-h", "--help", "app --help"] {
        let Ok(Parsed::Print(text)) = read(line, &[]) else { panic!("{line}") };
        assert!(text.starts_with("Usage: rgunicorn [OPTIONS] APP_MODULE\n"));
    }
    for line in ["-v", "--version"] {
        let Ok(Parsed::Print(text)) = read(line, &[]) else { panic!("{line}") };
        assert_eq!(text, format!("rgunicorn (version {})\n", env!("CARGO_PKG_VERSION")));
    }
}

#[test]
fn an_option_that_there_is_not_has_a_suggestion() {
    for (line, text) in [
        (
            "--worker 3 app",
            "unknown option `--worker`: did you mean `--workers`? (`--help` lists the options)",
        ),
        (
            "app --worker=3",
            "unknown option `--worker`: did you mean `--workers`? (`--help` lists the options)",
        ),
        ("app --frobnicate", "unknown option `--frobnicate`: `--help` lists the options"),
        ("app -Z", "unknown option `-Z`: `--help` lists the options"),
        ("app --host 0.0.0.0", "unknown option `--host`: write `--bind HOST:PORT`"),
        ("app --port 80", "unknown option `--port`: write `--bind HOST:PORT`"),
        ("app --uds /tmp/x", "unknown option `--uds`: write `--bind unix:PATH`"),
        ("app --processes 4", "unknown option `--processes`: write `--workers NUMBER`"),
        ("app --timeout-keep-alive 5", "unknown option `--timeout-keep-alive`: write `--keep-alive SECONDS`"),
        (
            "--module mysite.wsgi",
            "unknown option `--module`: write the module without an option, as in `rgunicorn mysite.wsgi`",
        ),
        (
            "--threads 4 app",
            "unknown option `--threads`: workers have one thread each; leave it out and set `workers`",
        ),
    ] {
        assert_eq!(refusal(line, &[]), (2, text.to_owned()), "{line}");
    }
}

#[test]
fn a_command_line_that_is_cut_short_says_what_is_missing() {
    for (line, text) in [
        ("app -w", "`--workers` needs a value (write `--workers NUMBER`; `--help` says what it means)"),
        (
            "app --bind --daemon",
            "`--bind` needs a value (write `--bind ADDRESS`; `--help` says what it means)",
        ),
        ("app --daemon=yes", "`--daemon` takes no value but was given `yes` (write just `--daemon`)"),
        (
            "app other",
            "unexpected argument `other`: one application is served (write `--help` for the options)",
        ),
    ] {
        assert_eq!(refusal(line, &[]), (2, text.to_owned()), "{line}");
    }
    let args = vec![OsString::from_vec(vec![b'a', 0xff])];
    let error = from_command_line("rgunicorn", args, &BTreeMap::<String, String>::new(), &mut NoConfigFiles)
        .unwrap_err();
    assert_eq!(error.to_string(), "an argument is not valid UTF-8 (`--help` lists the options)");
}

#[test]
fn a_bad_value_names_setting_value_and_remedy() {
    for (line, text) in [
        (
            "app -w x",
            "invalid value `x` for `--workers` (setting `workers`): \
             it is not a whole number (give a whole number from 1 to 1000)",
        ),
        (
            "app --workers 0",
            "invalid value `0` for `--workers` (setting `workers`): \
             it is below 1 (give a whole number from 1 to 1000)",
        ),
        (
            "app -w -1",
            "invalid value `-1` for `--workers` (setting `workers`): \
             it is below 1 (give a whole number from 1 to 1000)",
        ),
        (
            "app -k gthread",
            "invalid value `gthread` for `--worker-class` (setting `worker_class`): this worker class is not available \
             (choose `sync` for WSGI, `asgi` for ASGI, or `auto` to let the application decide)",
        ),
        (
            "app --log-level loud",
            "invalid value `loud` for `--log-level` (setting `loglevel`): it is none of the choices \
             (choose `debug`, `info`, `warning`, `error` or `critical`)",
        ),
        (
            "app -e DEBUG",
            "invalid value `DEBUG` for `--env` (setting `raw_env`): it has no `=` (write `NAME=VALUE`)",
        ),
        (
            "app.py",
            "invalid value `app.py` for `APP_MODULE` (setting `wsgi_app`): \
             it is the name of a file, not of a module (write `app`)",
        ),
    ] {
        assert_eq!(refusal(line, &[]), (2, text.to_owned()), "{line}");
    }
}

#[test]
fn a_bad_value_in_a_variable_names_the_variable() {
    for (name, value, text) in [
        (
            "WEB_CONCURRENCY",
            "many",
            "invalid value `many` for the variable `WEB_CONCURRENCY` (option `--workers`, setting `workers`): \
             it is not a whole number (give a whole number from 1 to 1000)",
        ),
        (
            "PORT",
            "http",
            "invalid value `http` for the variable `PORT` (option `--bind`, setting `bind`): \
             `http` is not a port (give a number from 1 to 65535, or 0 to let the kernel choose)",
        ),
        (
            "RGUNICORN_DAEMON",
            "maybe",
            "invalid value `maybe` for the variable `RGUNICORN_DAEMON` (option `--daemon`, setting `daemon`): \
             it is neither yes nor no (write `true` or `false`)",
        ),
    ] {
        assert_eq!(refusal("app", &[(name, value)]), (1, text.to_owned()), "{name}");
    }
}

#[test]
fn what_does_not_fit_the_machine_is_refused() {
    for (line, text) in [
        (
            "",
            "no application module specified (name it as in `rgunicorn mysite.wsgi` or \
             `rgunicorn mysite.asgi:application`, or set `RGUNICORN_APP`)",
        ),
        (
            "app --chdir nowhere",
            "cannot change to the directory `nowhere` of `--chdir` (setting `chdir`): \
             it does not exist (create it or name another one)",
        ),
        (
            "app --chdir Cargo.toml",
            "cannot change to the directory `Cargo.toml` of `--chdir` (setting `chdir`): \
             it is not a directory (name the directory that the application is in)",
        ),
        (
            "app -b :80 -b 0.0.0.0:80",
            "the address `0.0.0.0:80` is given twice to `--bind` (setting `bind`); leave one out",
        ),
    ] {
        assert_eq!(refusal(line, &[]), (1, text.to_owned()), "{line}");
    }
    assert_eq!(settings("app -b :0 -b :0", &[]).network.bind.len(), 2, "the kernel chooses two ports");
}

/// Pieces from which a command line could be made by mistake.
fn piece() -> impl Strategy<Value = String> {
    let piece = [
        "app",
        "mod:app",
        "-w",
        "-w3",
        "--workers",
        "--workers=",
        "-b",
        ":80",
        "[",
        "unix:",
        "-",
        "--",
        "-D",
        "-Dw",
        "-1",
        "--bind=:0",
        "-e",
        "A=",
        "=",
        "-k",
        "asgi",
        "--access-logformat",
        "%(h)s",
        "--log-file",
        "--worker",
        "",
    ];
    prop_oneof![proptest::sample::select(piece.to_vec()).prop_map(str::to_owned), "\\PC{0,6}"]
}

proptest! {
    #[test]
    fn every_command_line_is_read_or_refused_with_a_text(pieces in proptest::collection::vec(piece(), 0..6)) {
        let args = pieces.iter().map(OsString::from).collect();
        match from_command_line("rgunicorn", args, &BTreeMap::<String, String>::new(), &mut NoConfigFiles) {
            Ok(Parsed::Run(settings)) => prop_assert!(settings.application.app.is_some()),
            Ok(Parsed::Print(text)) => prop_assert!(!text.is_empty()),
            Err(error) => {
                prop_assert!([1, 2].contains(&error.exit_code()));
                prop_assert!(!error.to_string().is_empty());
            }
        }
    }
}
