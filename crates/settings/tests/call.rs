//! `rgunicorn.run()`: settings as Python values.

use std::collections::BTreeMap;

use rgunicorn_settings::{
    FileMode, NoConfigFiles, Origin, ProxyHeaders, ProxyProtocol, Settings, SettingsError, Umask, Value,
    WorkerCount, from_values,
};

fn read(values: &[(&str, Value)], env: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let env: BTreeMap<String, String> =
        env.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    let values: Vec<_> = values.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    from_values(&values, &env, &mut NoConfigFiles)
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

#[test]
fn every_kind_of_value_is_taken() {
    let bind = Value::List(vec![text("127.0.0.1:80"), text("unix:x.sock")]);
    let settings = read(
        &[
            ("app", text("mod:app")),
            ("workers", Value::Number(3.0)),
            ("keepalive", Value::Number(0.5)),
            ("bind", bind),
            ("daemon", Value::Flag(true)),
            ("accesslog", Value::Nothing),
            ("pythonpath", Value::List(vec![text("a"), text("b")])),
        ],
        &[],
    )
    .unwrap();
    assert_eq!(settings.application.app.as_ref().unwrap().to_string(), "mod:app");
    assert_eq!(settings.workers.workers, WorkerCount(3));
    assert_eq!(settings.origin("workers"), Some(&Origin::Call));
    assert_eq!(settings.protocol.keepalive.0.as_millis(), 500);
    assert_eq!(settings.network.bind.len(), 2);
    assert!(settings.process.daemon);
    assert_eq!(settings.logging.accesslog, None);
    assert_eq!(settings.origin("accesslog"), Some(&Origin::Default));
    assert_eq!(settings.application.pythonpath.0.len(), 2);
}

#[test]
fn the_application_may_be_an_object() {
    assert_eq!(read(&[], &[]).unwrap().application.app, None);
}

#[test]
fn a_call_stands_above_the_environment() {
    let env = [("RGUNICORN_WORKERS", "5"), ("RGUNICORN_BACKLOG", "7")];
    let settings = read(&[("workers", Value::Number(2.0))], &env).unwrap();
    assert_eq!(settings.workers.workers, WorkerCount(2));
    assert_eq!(settings.network.backlog.0, 7);
}

#[test]
fn one_text_for_a_list_has_commas() {
    let settings = read(&[("bind", text("127.0.0.1:80, unix:x.sock"))], &[]).unwrap();
    assert_eq!(settings.network.bind[1], "unix:x.sock".parse().unwrap());
    let settings = read(&[("bind", Value::List(vec![]))], &[]).unwrap();
    assert_eq!(settings.origin("bind"), Some(&Origin::Default), "an empty list says nothing");
}

#[test]
fn a_key_that_there_is_not_has_a_suggestion() {
    for (key, remedy) in [
        ("worker", "did you mean `workers`?"),
        ("keep_alive", "did you mean `keepalive`?"),
        ("frobnicate", "`rgunicorn --help` lists the settings"),
    ] {
        let error = read(&[(key, Value::Flag(true))], &[]).unwrap_err();
        assert_eq!(error.to_string(), format!("unknown setting `{key}`: {remedy}"));
        assert_eq!(error.exit_code(), 1);
    }
}

#[test]
fn a_bad_value_names_key_and_option() {
    let error = read(&[("workers", Value::Number(0.0))], &[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid value `0` for `workers` (option `--workers`): it is below 1 (give a whole number from 1 to 1000)"
    );
    assert_eq!(error.exit_code(), 1);
    assert!(read(&[("workers", Value::Number(f64::NAN))], &[]).is_err());
}

#[test]
fn a_value_of_a_type_that_the_setting_does_not_take_is_refused() {
    let object = || Value::Other("Path".to_owned());
    for (key, value, text) in [
        ("workers", Value::Flag(true), "wrong type for `workers`: it is `True` (write a number)"),
        ("accesslog", Value::Flag(true), "wrong type for `accesslog`: it is `True` (write a text)"),
        ("pidfile", Value::Number(1.0), "wrong type for `pidfile`: it is a number (write a text)"),
        (
            "timeout",
            Value::List(vec![Value::Number(1.0)]),
            "wrong type for `timeout`: it is a list (write a number)",
        ),
        ("bind", Value::Number(80.0), "wrong type for `bind`: it is a number (write a list of texts)"),
        (
            "bind",
            Value::List(vec![text(":80"), Value::Number(80.0)]),
            "wrong type for `bind`: it is a number (write a list of texts)",
        ),
        ("bind", Value::Pairs(vec![]), "wrong type for `bind`: it is a dictionary (write a list of texts)"),
        ("raw_env", object(), "wrong type for `raw_env`: it is of the type `Path` (write a dictionary)"),
        (
            "raw_env",
            Value::Pairs(vec![("A".to_owned(), Value::Nothing)]),
            "wrong type for `raw_env`: it is `None` (write a dictionary)",
        ),
        ("daemon", object(), "wrong type for `daemon`: it is of the type `Path` (write `True` or `False`)"),
        (
            "worker_class",
            object(),
            "wrong type for `worker_class`: it is of the type `Path` (write one of its words)",
        ),
        (
            "umask",
            Value::Flag(false),
            "wrong type for `umask`: it is `False` (write an octal number such as `0o022`)",
        ),
    ] {
        let error = read(&[(key, value)], &[]).unwrap_err();
        assert_eq!((error.to_string().as_str(), error.exit_code()), (text, 1));
    }
}

#[test]
fn an_integer_is_the_mode_that_python_shows_for_it() {
    let settings = read(
        &[("socket_mode", Value::Number(f64::from(0o660))), ("umask", Value::Number(f64::from(0o27)))],
        &[],
    )
    .unwrap();
    assert_eq!(settings.network.socket_mode, Some(FileMode(0o660)));
    assert_eq!(settings.process.umask, Umask(0o27));
    let error = read(&[("socket_mode", Value::Number(660.0))], &[]).unwrap_err();
    assert!(
        error.to_string().ends_with(
            "it is more than octal 777 (write three octal digits as in `660`; in Python, `0o660`)"
        )
    );
    assert!(read(&[("umask", Value::Number(0.5))], &[]).is_err());
}

#[test]
fn a_dictionary_gives_pairs() {
    let headers = Value::Pairs(vec![
        ("X-Forwarded-Proto".to_owned(), text("https")),
        ("X-TLS".to_owned(), Value::Number(1.0)),
    ]);
    let env = Value::Pairs(vec![("A".to_owned(), text("1")), ("B".to_owned(), text("2"))]);
    let settings = read(&[("secure_scheme_headers", headers), ("raw_env", env)], &[]).unwrap();
    assert_eq!(settings.proxies.secure_scheme_headers.to_string(), "X-FORWARDED-PROTO=https,X-TLS=1");
    assert_eq!(settings.application.raw_env.len(), 2);
    let nobody = read(&[("secure_scheme_headers", Value::Pairs(vec![]))], &[]).unwrap();
    assert!(nobody.proxies.secure_scheme_headers.0.is_empty(), "no field means https");
    let error = read(&[("secure_scheme_headers", text("X-TLS"))], &[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid value `X-TLS` for `secure_scheme_headers`: `X-TLS` has no `=` \
         (write `NAME=VALUE` pairs separated by commas, as in `X-FORWARDED-PROTO=https`)"
    );
}

#[test]
fn python_truth_values_are_modes() {
    let of = |key: &str, flag| read(&[(key, Value::Flag(flag))], &[]).unwrap();
    assert_eq!(of("proxy_headers", true).proxies.proxy_headers, ProxyHeaders::On);
    assert_eq!(of("proxy_headers", false).proxies.proxy_headers, ProxyHeaders::Off);
    assert_eq!(of("proxy_protocol", true).proxies.proxy_protocol, ProxyProtocol::Auto);
    assert!(!of("sendfile", false).protocol.sendfile);
}

#[test]
fn an_empty_list_of_networks_is_nobody() {
    let settings = read(&[("forwarded_allow_ips", Value::List(vec![]))], &[]).unwrap();
    assert!(settings.proxies.forwarded_allow_ips.is_nobody());
    let list = Value::List(vec![text("10.0.0.0/8"), text("::1")]);
    let settings = read(&[("forwarded_allow_ips", list)], &[]).unwrap();
    assert_eq!(settings.proxies.forwarded_allow_ips.to_string(), "10.0.0.0/8,::1");
}
