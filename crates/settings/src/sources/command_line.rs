//! The command line: clap splits it by the table, our types read the values.
//!
//! Clap is handed texts only, so that a bad value is reported in the same words whichever source it came from.
//! Unlike gunicorn, an option may not be abbreviated: a new option would change what the abbreviation means.

use std::ffi::OsString;

use clap::{
    Arg, ArgAction, ArgMatches, Command,
    error::{ContextKind, ContextValue, ErrorKind},
};

use super::{Given, Origin, suggestion};
use crate::{
    error::SettingsError,
    table::{self, Row},
    values::Shape,
};

/// What a command line asks for.
pub(crate) enum Outcome<T> {
    /// To run.
    Run(T),
    /// `--help`.
    Help,
    /// `--version`.
    Version,
}

/// Reads the arguments, which do not include the program's name.
pub(super) fn read(
    program: &str,
    args: Vec<OsString>,
    origin: &Origin,
) -> Result<Outcome<Vec<Given>>, SettingsError> {
    let args = std::iter::once(OsString::from(program)).chain(join_choices(args));
    match command().try_get_matches_from(args) {
        Ok(mut matches) => Ok(Outcome::Run(given(&mut matches, origin))),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp => Ok(Outcome::Help),
            ErrorKind::DisplayVersion => Ok(Outcome::Version),
            _ => Err(translated(&error)),
        },
    }
}

/// Writes an option whose value may be missing and the word behind it as one, if that is one of the option's choices:
/// in `--proxy-protocol v2 app` it is, in `--proxy-protocol app` it is the application.
fn join_choices(args: Vec<OsString>) -> Vec<OsString> {
    let mut joined: Vec<OsString> = Vec::with_capacity(args.len());
    let mut choices: &[&str] = &[];
    let mut options = true;
    for arg in args {
        let text = arg.to_str().unwrap_or_default();
        if choices.contains(&text)
            && let Some(option) = joined.last_mut()
        {
            option.push("=");
            option.push(&arg);
            choices = &[];
            continue;
        }
        options &= text != "--";
        let row = table::rows().find(|row| row.bare.is_some() && row.options().any(|flag| flag == text));
        choices = row.filter(|_| options).map_or(&[], |row| row.choices);
        joined.push(arg);
    }
    joined
}

fn command() -> Command {
    Command::new("rgunicorn")
        // The texts of `--help` and `--version` are ours; clap only says that they were asked for.
        .version("-")
        .args_override_self(true)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .arg(Arg::new("help").short('h').long("help").action(ArgAction::Help))
        .arg(Arg::new("version").short('v').long("version").action(ArgAction::Version))
        .args(table::rows().filter(|row| row.spelling().is_some()).map(argument))
        .args(table::rows().filter_map(opposite))
}

fn argument(row: &'static Row) -> Arg {
    let action = match row.shape {
        Shape::Switch => ArgAction::SetTrue,
        Shape::One => ArgAction::Set,
        Shape::Many => ArgAction::Append,
    };
    // A value may be `-` or `-1`; anything else that starts with a dash is an option.
    let mut arg = Arg::new(row.key).action(action).allow_negative_numbers(row.shape != Shape::Switch);
    for flag in row.options() {
        arg = match (flag.strip_prefix("--"), arg.get_long()) {
            (Some(long), None) => arg.long(long),
            (Some(long), Some(_)) => arg.alias(long),
            (None, _) => arg.short(flag.chars().nth(1)),
        };
    }
    match row.bare {
        Some(bare) => arg.num_args(0..=1).require_equals(true).default_missing_value(bare),
        None => arg,
    }
}

/// The option that says the opposite; the last of the two counts.
fn opposite(row: &'static Row) -> Option<Arg> {
    let flag = row.negation()?;
    Some(Arg::new(flag).long(flag.trim_start_matches('-')).action(ArgAction::SetTrue).overrides_with(row.key))
}

fn given(matches: &mut ArgMatches, origin: &Origin) -> Vec<Given> {
    let mut source = Vec::new();
    for row in table::rows().filter(|row| row.spelling().is_some()) {
        let texts = match row.shape {
            _ if row.negation().is_some_and(|flag| matches.get_flag(flag)) => vec!["off".to_owned()],
            Shape::Switch if matches.get_flag(row.key) => vec!["true".to_owned()],
            Shape::Switch => continue,
            Shape::One | Shape::Many => match matches.remove_many::<String>(row.key) {
                Some(texts) => texts.collect(),
                None => continue,
            },
        };
        source.push(Given { key: row.key, texts, origin: origin.clone() });
    }
    source
}

/// Clap's error in our words.
fn translated(error: &clap::Error) -> SettingsError {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        _ => String::new(),
    };
    let argument = context(ContextKind::InvalidArg);
    match error.kind() {
        ErrorKind::UnknownArgument if argument.starts_with('-') => {
            let remedy = suggestion::for_option(&argument);
            SettingsError::UnknownOption { option: argument, remedy }
        }
        ErrorKind::UnknownArgument => SettingsError::ExtraArgument { argument },
        ErrorKind::InvalidValue => match row_of(&argument) {
            Some(row) => SettingsError::MissingValue { option: first_word(&argument), metavar: row.metavar },
            None => other(error),
        },
        ErrorKind::TooManyValues => {
            let option = first_word(&argument);
            SettingsError::UnexpectedValue { option, value: context(ContextKind::InvalidValue) }
        }
        ErrorKind::InvalidUtf8 => {
            SettingsError::CommandLine { text: "an argument is not valid UTF-8".to_owned() }
        }
        _ => other(error),
    }
}

/// Clap names an option as in its usage line: `--bind <bind>`, `-w <workers>`.
fn row_of(argument: &str) -> Option<&'static Row> {
    let option = first_word(argument);
    table::rows().find(|row| row.flags.contains(&option.as_str()))
}

fn first_word(text: &str) -> String {
    text.split([' ', '=']).next().unwrap_or_default().to_owned()
}

fn other(error: &clap::Error) -> SettingsError {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    SettingsError::CommandLine { text: line.strip_prefix("error: ").unwrap_or(line).to_owned() }
}
