//! Reading command lines.

#![allow(dead_code, reason = "no test program uses all of it")]

use std::{collections::BTreeMap, ffi::OsString};

use rgunicorn_settings::{Address, Bind, NoConfigFiles, Parsed, Settings, SettingsError, from_command_line};

/// What a command line, split at white space, means in this environment.
pub(crate) fn read(line: &str, env: &[(&str, &str)]) -> Result<Parsed, SettingsError> {
    read_words(&line.split_whitespace().collect::<Vec<_>>(), env)
}

/// What the words of a command line mean in this environment.
pub(crate) fn read_words(words: &[&str], env: &[(&str, &str)]) -> Result<Parsed, SettingsError> {
    let env: BTreeMap<String, String> =
        env.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    from_command_line("rgunicorn", words.iter().map(OsString::from).collect(), &env, &mut NoConfigFiles)
}

/// The settings that a command line gives.
pub(crate) fn settings(line: &str, env: &[(&str, &str)]) -> Settings {
    match read(line, env) {
        Ok(Parsed::Run(settings)) => *settings,
        other => panic!("`{line}` gives {other:?}"),
    }
}

/// Exit status and text.
pub(crate) fn refusal(line: &str, env: &[(&str, &str)]) -> (u8, String) {
    match read(line, env) {
        Err(error) => (error.exit_code(), error.to_string()),
        Ok(_) => panic!("`{line}` is accepted"),
    }
}

/// A TCP port for which no protocol was named.
pub(crate) fn tcp(host: &str, port: u16) -> Bind {
    Bind { address: Address::Tcp { host: host.to_owned(), port }, protocol: None }
}

/// A unix socket for which no protocol was named.
pub(crate) fn unix(path: &str) -> Bind {
    Bind { address: Address::Unix(path.into()), protocol: None }
}
