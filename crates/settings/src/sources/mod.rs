//! Where settings come from, and which source wins: default < platform < environment < command line.
//!
//! A source gives texts for keys and nothing else; it knows no types. [`Merged`] keeps, for every row, the texts of
//! the strongest source that has any. A configuration file will be one more source, between platform and environment.

mod absent;
mod call;
mod checks;
mod command_line;
mod environment;
mod foreign;
mod suggestion;

use std::fmt;

pub use call::Value;
pub use environment::{Environment, ProcessEnvironment};

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
    /// One of our own environment variables.
    Environment(String),
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
            Self::Environment(variable) => write!(f, "environment variable {variable}"),
            Self::CommandLine => f.write_str("command line"),
            Self::Call => f.write_str("argument of run()"),
        }
    }
}

/// What one source says about one row.
pub(crate) struct Given {
    pub(crate) key: &'static str,
    pub(crate) texts: Vec<String>,
    pub(crate) origin: Origin,
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

    /// The typed value of a row.
    pub(crate) fn read<T: Field>(&self, row: Option<&'static Row>) -> Result<T, SettingsError> {
        let row = row.expect("a section reads as many values as it has rows");
        let given = self.0.iter().find(|given| given.key == row.key).expect("every row has a default");
        T::from_texts(&given.texts).map_err(|refusal| bad_value(row, refusal, &given.origin))
    }

    /// The class that `worker_class` names if other servers' names are not to be taken for ours.
    fn literal_class(&self) -> Result<WorkerClass, SettingsError> {
        let row = table::find("worker_class").expect("a row of the table");
        let given = self.0.iter().find(|given| given.key == row.key).expect("every row has a default");
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
    let key = row.key;
    let option = row.spelling().map(|flag| format!("option `{flag}`, ")).unwrap_or_default();
    let place = match (origin, row.spelling()) {
        (Origin::Platform(variable), _) => format!("the variable `{variable}` ({option}setting `{key}`)"),
        (Origin::Environment(variable), _) => format!("the variable `{variable}` ({option}setting `{key}`)"),
        (Origin::Call, Some(flag)) => format!("`{key}` (option `{flag}`)"),
        (Origin::Default | Origin::CommandLine, Some(flag)) => format!("`{flag}` (setting `{key}`)"),
        (Origin::Call | Origin::Default | Origin::CommandLine, None) => format!("`{key}`"),
    };
    let text = match (origin, &row.platform) {
        (Origin::Platform(_), Some(platform)) => platform.text(&refusal.text).to_owned(),
        _ => refusal.text,
    };
    SettingsError::BadValue { text, place, error: refusal.error, origin: origin.clone() }
}

/// The settings of a command line and an environment, or the text that was asked for instead.
pub(crate) fn settings_of(
    program: &str,
    args: Vec<std::ffi::OsString>,
    env: &dyn Environment,
) -> Result<Outcome<Settings>, SettingsError> {
    let given = match command_line::read(program, args)? {
        Outcome::Run(given) => given,
        Outcome::Help => return Ok(Outcome::Help),
        Outcome::Version => return Ok(Outcome::Version),
    };
    let settings = resolved(given, env)?;
    if settings.application.app.is_none() {
        return Err(SettingsError::NoApplication);
    }
    Ok(Outcome::Run(settings))
}

/// The settings of a call from Python and an environment.
pub(crate) fn settings_of_call(
    values: &[(String, Value)],
    env: &dyn Environment,
) -> Result<Settings, SettingsError> {
    let given = call::read(values)?;
    resolved(given, env)
}

/// The settings of the strongest source, over the environment and the defaults.
fn resolved(given: Vec<Given>, env: &dyn Environment) -> Result<Settings, SettingsError> {
    let ours = environment::ours(env)?;
    let platform = environment::platform(env)?;
    let raw_env =
        environment::of_application(ours.iter().chain(&given).rfind(|given| given.key == "raw_env"));
    let merged = Merged::defaults().add(platform).add(raw_env).add(ours).add(given);
    let mut settings = Settings::resolve(&merged)?;
    if settings.workers.foreign_workers {
        settings.workers.worker_class = merged.literal_class()?;
    }
    checks::checked(settings)
}
