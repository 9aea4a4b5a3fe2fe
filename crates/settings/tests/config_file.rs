//! Configuration files and variables with arguments: which is read, and which wins.

mod common;

use std::{collections::BTreeMap, ffi::OsString, fs};

use common::{refusal, settings, tcp};
use rgunicorn_settings::{
    ConfigFiles, ConfigLocation, NoConfigFiles, Origin, Parsed, Settings, SettingsError, Value, WorkerCount,
    from_command_line, from_values,
};

/// Files whose evaluation gives these values.
struct Says(Vec<(String, Value)>);

impl ConfigFiles for Says {
    fn read(&mut self, location: &ConfigLocation) -> Result<Vec<(String, Value)>, String> {
        match location {
            ConfigLocation::Module(name) if name == "broken" => {
                Err("cannot import the config module `broken`\nTraceback ...".to_owned())
            }
            _ => Ok(self.0.clone()),
        }
    }
}

fn says(values: &[(&str, Value)]) -> Says {
    Says(values.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn variables(env: &[(&str, &str)]) -> BTreeMap<String, String> {
    env.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn read(line: &str, env: &[(&str, &str)], files: &mut Says) -> Result<Settings, SettingsError> {
    let args = line.split_whitespace().map(OsString::from).collect();
    match from_command_line("rgunicorn", args, &variables(env), files)? {
        Parsed::Run(settings) => Ok(*settings),
        Parsed::Print(text) => panic!("`{line}` prints {text}"),
    }
}

fn workers(line: &str, env: &[(&str, &str)], files: &mut Says) -> (WorkerCount, Origin) {
    let settings = read(line, env, files).expect("the settings are right");
    (settings.workers.workers, settings.origin("workers").expect("it is a key").clone())
}

#[test]
fn the_file_stands_between_the_platform_and_our_variables() {
    let mut files = says(&[("workers", Value::Number(3.0))]);
    let platform = ("WEB_CONCURRENCY", "2");
    let file = Origin::File("python:site".to_owned());
    assert_eq!(workers("-c python:site app", &[platform], &mut files), (WorkerCount(3), file));
    assert_eq!(
        workers("-c python:site app", &[platform, ("RGUNICORN_WORKERS", "4")], &mut files),
        (WorkerCount(4), Origin::Environment("RGUNICORN_WORKERS".to_owned()))
    );
}

#[test]
fn variables_with_arguments_stand_between_the_others_and_the_command_line() {
    let mut files = says(&[]);
    let ours = ("RGUNICORN_WORKERS", "4");
    let gunicorns = ("GUNICORN_CMD_ARGS", "-w 5 --log-level debug");
    let more = ("RGUNICORN_CMD_ARGS", "--workers=6");
    assert_eq!(
        workers("app", &[ours, gunicorns], &mut files),
        (WorkerCount(5), Origin::Arguments("GUNICORN_CMD_ARGS"))
    );
    assert_eq!(
        workers("app", &[ours, gunicorns, more], &mut files),
        (WorkerCount(6), Origin::Arguments("RGUNICORN_CMD_ARGS"))
    );
    assert_eq!(
        workers("app -w 7", &[ours, gunicorns, more], &mut files),
        (WorkerCount(7), Origin::CommandLine)
    );
}

#[test]
fn variables_with_arguments_are_split_as_by_a_shell() {
    let s =
        settings("", &[("GUNICORN_CMD_ARGS", "--access-logformat '%(h)s \"x y\"' -b :80 -b :81 mod:app")]);
    assert_eq!(s.logging.access_log_format, "%(h)s \"x y\"");
    assert_eq!(s.network.bind, [tcp("0.0.0.0", 80), tcp("0.0.0.0", 81)]);
    assert_eq!(s.application.app.unwrap().module, "mod");
    for (args, status, text) in [
        (
            "--worker 3",
            2,
            "in the variable `GUNICORN_CMD_ARGS`: unknown option `--worker`: did you mean `--workers`? \
             (`--help` lists the options)",
        ),
        (
            "-w '3",
            2,
            "in the variable `GUNICORN_CMD_ARGS`: a quotation mark is not closed (`--help` lists the options)",
        ),
        (
            "--version",
            2,
            "in the variable `GUNICORN_CMD_ARGS`: `--version` is for the command line only \
             (`--help` lists the options)",
        ),
        (
            "-w x",
            1,
            "invalid value `x` for `--workers` in the variable `GUNICORN_CMD_ARGS` (setting `workers`): \
             it is not a whole number (give a whole number from 1 to 1000)",
        ),
    ] {
        assert_eq!(refusal("app", &[("GUNICORN_CMD_ARGS", args)]), (status, text.to_owned()));
    }
}

#[test]
fn the_strongest_source_names_the_file() {
    let named = |line, env: &[(&str, &str)]| {
        let settings = read(line, env, &mut says(&[])).unwrap();
        (
            settings.config_file.config.as_ref().unwrap().to_string(),
            settings.origin("config").unwrap().to_string(),
        )
    };
    let pair = |name: &str, origin: &str| (name.to_owned(), origin.to_owned());
    let ours = ("RGUNICORN_CONFIG", "python:a");
    let args = ("GUNICORN_CMD_ARGS", "-c python:b");
    let more = ("RGUNICORN_CMD_ARGS", "-c python:c");
    assert_eq!(named("app", &[ours]), pair("python:a", "environment variable RGUNICORN_CONFIG"));
    assert_eq!(named("app", &[ours, args]), pair("python:b", "environment variable GUNICORN_CMD_ARGS"));
    assert_eq!(
        named("app", &[ours, args, more]),
        pair("python:c", "environment variable RGUNICORN_CMD_ARGS")
    );
    assert_eq!(named("app -c python:d", &[ours, args, more]), pair("python:d", "command line"));
}

#[test]
fn a_file_is_named_by_a_path_that_is_made_absolute() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("site.conf");
    fs::write(&path, "").unwrap();
    for line in [format!("app -c {}", path.display()), format!("app -c file:{}", path.display())] {
        let settings = read(&line, &[], &mut says(&[("wsgi_app", text("other"))])).unwrap();
        assert_eq!(settings.config_file.config, Some(ConfigLocation::File(path.clone())));
        assert_eq!(settings.application.app.unwrap().module, "app", "the argument wins");
    }
    let settings = read("app -c Cargo.toml", &[], &mut says(&[])).unwrap();
    let absolute = std::env::current_dir().unwrap().join("Cargo.toml");
    assert_eq!(settings.config_file.config, Some(ConfigLocation::File(absolute)));
}

#[test]
fn a_file_that_cannot_be_used_is_an_error() {
    for (line, env, text) in [
        (
            "app -c nowhere.py",
            [].as_slice(),
            "cannot read the config file `nowhere.py` of `--config` (setting `config`): \
             it does not exist (create it or name another one)",
        ),
        (
            "app",
            &[("RGUNICORN_CONFIG", "src")],
            "cannot read the config file `src` of the variable `RGUNICORN_CONFIG` (option `--config`, setting `config`): \
             it is a directory (name the file in it)",
        ),
        ("app -c python:broken", &[], "cannot import the config module `broken`\nTraceback ..."),
        (
            "app -c python:a-b",
            &[],
            "invalid value `python:a-b` for `--config` (setting `config`): `a-b` is not the name of a module \
             (write a path such as `gunicorn.conf.py`, or `python:MODULE`)",
        ),
    ] {
        let error = read(line, env, &mut says(&[])).unwrap_err();
        assert_eq!(error.to_string(), text);
    }
}

#[test]
fn a_file_gives_the_application_and_everything_else() {
    let mut files = says(&[
        ("wsgi_app", text("mysite.wsgi")),
        ("bind", text("127.0.0.1:80, unix:x.sock")),
        ("raw_env", Value::List(vec![text("A=1"), text("SCRIPT_NAME=/app")])),
        ("timeout", Value::Number(120.0)),
        ("preload_app", Value::Flag(true)),
        ("accesslog", Value::Nothing),
        ("app", Value::Other("Flask".to_owned())),
        ("config", Value::Other("Config".to_owned())),
    ]);
    let s = read("-c python:site", &[], &mut files).unwrap();
    assert_eq!(s.application.app.as_ref().unwrap().module, "mysite.wsgi");
    assert_eq!(s.network.bind.len(), 2);
    assert_eq!(s.protocol.root_path.0, "/app", "from raw_env, as in gunicorn");
    assert!(s.workers.preload_app);
    assert!(s.print_config().contains("# config file python:site\n"));
}

#[test]
fn what_is_wrong_in_a_file_names_file_and_key() {
    for (key, value, text) in [
        (
            "worker",
            Value::Number(3.0),
            "unknown setting `worker` in the config file `python:site`: did you mean `workers`?",
        ),
        (
            "threads",
            Value::Number(4.0),
            "unknown setting `threads` in the config file `python:site`: \
             workers have one thread each; leave it out and set `workers`",
        ),
        (
            "workers",
            text("many"),
            "invalid value `many` for `workers` in the config file `python:site` (option `--workers`): \
             it is not a whole number (give a whole number from 1 to 1000)",
        ),
        (
            "workers",
            Value::List(vec![]),
            "wrong type for `workers` in the config file `python:site`: it is a list (write a number)",
        ),
        (
            "secure_scheme_headers",
            text("x"),
            "invalid value `x` for `secure_scheme_headers` in the config file `python:site`: `x` has no `=` \
             (write `NAME=VALUE` pairs separated by commas, as in `X-FORWARDED-PROTO=https`)",
        ),
        (
            "config",
            text("other.py"),
            "unknown setting `config` in the config file `python:site`: \
             a config file names no other one; give it with `--config`, or call this one something else",
        ),
    ] {
        let error = read("-c python:site app", &[], &mut says(&[(key, value)])).unwrap_err();
        assert_eq!((error.to_string().as_str(), error.exit_code()), (text, 1));
    }
}

#[test]
fn help_does_not_look_at_the_file() {
    let args = vec!["--help".into(), "-c".into(), "nowhere.py".into()];
    let parsed = from_command_line(
        "rgunicorn",
        args,
        &variables(&[("GUNICORN_CMD_ARGS", "--bad")]),
        &mut NoConfigFiles,
    );
    assert!(matches!(parsed, Ok(Parsed::Print(_))));
}

#[test]
fn a_call_may_name_a_file_and_wins_over_it() {
    let mut files = says(&[("workers", Value::Number(3.0)), ("backlog", Value::Number(7.0))]);
    let values =
        [("config".to_owned(), text("python:site")), ("workers".to_owned(), Value::Number(2.0))].to_vec();
    let s = from_values(&values, &variables(&[]), &mut files).unwrap();
    assert_eq!((s.workers.workers, s.network.backlog.0), (WorkerCount(2), 7));
}
