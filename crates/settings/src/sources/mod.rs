//! Where settings come from, and which source wins: default < platform < config file < environment <
//! `GUNICORN_CMD_ARGS` < `RGUNICORN_CMD_ARGS` < command line.
//!
//! A source gives texts for keys and nothing else; it knows no types. [`Merged`] keeps, for every row, the texts of
//! the strongest source that has any.

mod absent;
mod advice;
mod arguments;
mod checks;
mod command_line;
mod config_file;
mod environment;
mod foreign;
mod python;
mod suggestion;

use std::fmt;

pub use config_file::{ConfigFiles, NoConfigFiles};
pub use environment::{Environment, ProcessEnvironment};
pub use python::Value;

use crate::{
    error::SettingsError,
    settings::Settings,
    table::{self, Row},
    values::{Field, Refusal, WorkerClass},
};
pub(crate) use command_line::Outcome;

/// Where a value came from, the weakest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// A variable that hosting platforms set for any server, such as `PORT`.
    Platform(&'static str),
    /// The configuration file, as it was named.
    File(String),
    /// One of our own environment variables.
    Environment(String),
    /// An option in a variable that holds a part of a command line.
    Arguments(&'static str),
    /// An option or argument.
    CommandLine,
    /// An argument of `rgunicorn.run()`.
    Call,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Platform(variable) => write!(f, "environment variable {variable}"),
            Self::File(location) => write!(f, "config file {location}"),
            Self::Environment(variable) => write!(f, "environment variable {variable}"),
            Self::Arguments(variable) => write!(f, "environment variable {variable}"),
            Self::CommandLine => f.write_str("command line"),
            Self::Call => f.write_str("argument of run()"),
        }
    }
}

impl Origin {
    /// Where a name stands that only Python's sources can have, with a space before it.
    fn inside(&self) -> String {
        match self {
            Self::File(location) => format!(" in the config file `{location}`"),
            _ => String::new(),
        }
    }

    /// The option or variable that gives a value, and its key.
    fn naming(&self, option: &str, key: &str) -> String {
        match self {
            Self::Platform(variable) => {
                format!("the variable `{variable}` (option `{option}`, setting `{key}`)")
            }
            Self::Environment(variable) => {
                format!("the variable `{variable}` (option `{option}`, setting `{key}`)")
            }
            Self::Arguments(variable) => {
                format!("`{option}` in the variable `{variable}` (setting `{key}`)")
            }
            Self::File(location) => format!("`{key}` in the config file `{location}` (option `{option}`)"),
            Self::Call => format!("`{key}` (option `{option}`)"),
            Self::Default | Self::CommandLine => format!("`{option}` (setting `{key}`)"),
        }
    }

    /// The same for a setting without an option.
    fn naming_key(&self, key: &str) -> String {
        match self {
            Self::Platform(variable) => format!("the variable `{variable}` (setting `{key}`)"),
            Self::Environment(variable) => format!("the variable `{variable}` (setting `{key}`)"),
            Self::File(location) => format!("`{key}` in the config file `{location}`"),
            Self::Call | Self::Default | Self::CommandLine | Self::Arguments(_) => format!("`{key}`"),
        }
    }
}

/// What one source says about one row.
#[derive(Clone)]
pub(crate) struct Given {
    pub(crate) key: &'static str,
    pub(crate) texts: Vec<String>,
    pub(crate) origin: Origin,
}

impl Given {
    /// The typed value.
    fn value<T: Field>(&self, row: &'static Row) -> Result<T, SettingsError> {
        T::from_texts(&self.texts).map_err(|refusal| bad_value(row, refusal, &self.origin))
    }
}

/// What the strongest source says about each row, in the order of the table.
pub(crate) struct Merged(Vec<Given>);

impl Merged {
    /// What holds when nobody says anything.
    pub(crate) fn defaults() -> Self {
        let default = |row: &Row| Given { key: row.key, texts: row.default_texts(), origin: Origin::Default };
        Self(table::rows().map(default).collect())
    }

    /// Adds a source that is stronger than all before.
    pub(crate) fn add(mut self, source: Vec<Given>) -> Self {
        for given in source {
            let held = self.0.iter_mut().find(|held| held.key == given.key);
            *held.expect("sources give keys of the table") = given;
        }
        self
    }

    /// What holds for a row.
    fn given(&self, row: &Row) -> &Given {
        self.0.iter().find(|given| given.key == row.key).expect("every row has a default")
    }

    /// The typed value of a row.
    pub(crate) fn read<T: Field>(&self, row: Option<&'static Row>) -> Result<T, SettingsError> {
        let row = row.expect("a section reads as many values as it has rows");
        self.given(row).value(row)
    }

    /// The class that `worker_class` names if other servers' names are not to be taken for ours.
    fn literal_class(&self) -> Result<WorkerClass, SettingsError> {
        let row = table::find("worker_class").expect("a row of the table");
        let given = self.given(row);
        let text = given.texts.last().map_or("", String::as_str);
        WorkerClass::literal(text)
            .map_err(|error| bad_value(row, Refusal { text: text.to_owned(), error }, &given.origin))
    }

    /// Which source won, for every row.
    pub(crate) fn origins(&self) -> Vec<(&'static str, Origin)> {
        self.0.iter().map(|given| (given.key, given.origin.clone())).collect()
    }
}

/// Names the setting by option and key, whatever gave the value.
fn bad_value(row: &Row, refusal: Refusal, origin: &Origin) -> SettingsError {
    let place = match row.spelling() {
        Some(option) => origin.naming(option, row.key),
        None => origin.naming_key(row.key),
    };
    let text = match (origin, &row.platform) {
        (Origin::Platform(_), Some(platform)) => platform.text(&refusal.text).to_owned(),
        _ => refusal.text,
    };
    SettingsError::BadValue { text, place, error: Box::new(refusal.error), origin: origin.clone() }
}

/// What settings are read from beside the strongest source.
pub(crate) struct Surroundings<'a> {
    pub(crate) env: &'a dyn Environment,
    pub(crate) files: &'a mut dyn ConfigFiles,
}

/// The settings of a command line and its surroundings, or the text that was asked for instead.
pub(crate) fn settings_of(
    program: &str,
    args: Vec<std::ffi::OsString>,
    surroundings: Surroundings<'_>,
) -> Result<Outcome<Settings>, SettingsError> {
    let given = match command_line::read(program, args, &Origin::CommandLine)? {
        Outcome::Run(given) => given,
        Outcome::Help => return Ok(Outcome::Help),
        Outcome::Version => return Ok(Outcome::Version),
    };
    let settings = resolved(given, config_file::implicit(), surroundings)?;
    if settings.application.app.is_none() {
        return Err(SettingsError::NoApplication);
    }
    Ok(Outcome::Run(settings))
}

/// The settings of a call from Python and its surroundings. A program that embeds the server reads no file that nobody
/// has named.
pub(crate) fn settings_of_call(
    values: &[(String, Value)],
    surroundings: Surroundings<'_>,
) -> Result<Settings, SettingsError> {
    let given = python::read(values, &Origin::Call)?;
    resolved(given, None, surroundings)
}

/// The settings of the strongest source, over all the others.
fn resolved(
    strongest: Vec<Given>,
    implicit: Option<Given>,
    surroundings: Surroundings<'_>,
) -> Result<Settings, SettingsError> {
    let Surroundings { env, files } = surroundings;
    let mut sources = vec![environment::ours(env)?];
    sources.extend(arguments::read(env)?);
    sources.push(strongest);
    let last =
        |sources: &[Vec<Given>], key: &str| sources.iter().flatten().rfind(|given| given.key == key).cloned();
    if let Some(named) = last(&sources, "config").or(implicit) {
        let mut file = config_file::read(&named, files)?;
        file.push(named);
        sources.insert(0, file);
    }
    let raw_env = environment::of_application(last(&sources, "raw_env").as_ref());
    let weakest = Merged::defaults().add(environment::platform(env)?).add(raw_env);
    let merged = sources.into_iter().fold(weakest, Merged::add);
    let mut settings = Settings::resolve(&merged)?;
    if settings.workers.foreign_workers {
        settings.workers.worker_class = merged.literal_class()?;
    }
    let mut settings = checks::checked(settings)?;
    settings.advise(advice::advice(&settings));
    Ok(settings)
}
