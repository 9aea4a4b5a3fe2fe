//! `GUNICORN_CMD_ARGS` and `RGUNICORN_CMD_ARGS`: more of a command line, in variables.

use super::{Environment, Given, Origin, Outcome, command_line, environment};
use crate::error::SettingsError;

/// The variables, the weakest first.
const VARIABLES: [&str; 2] = ["GUNICORN_CMD_ARGS", "RGUNICORN_CMD_ARGS"];

/// What the variables say, the weakest first.
pub(super) fn read(env: &dyn Environment) -> Result<Vec<Vec<Given>>, SettingsError> {
    let read = |variable| match environment::text(env, variable)? {
        Some(text) => {
            of_variable(variable, &text).map_err(|error| SettingsError::InArguments { variable, error })
        }
        None => Ok(Vec::new()),
    };
    VARIABLES.into_iter().map(read).collect()
}

fn of_variable(variable: &'static str, text: &str) -> Result<Vec<Given>, Box<SettingsError>> {
    let refuse = |text: &str| Box::new(SettingsError::CommandLine { text: text.to_owned() });
    let words = shlex::split(text).ok_or_else(|| refuse("a quotation mark is not closed"))?;
    let args = words.into_iter().map(Into::into).collect();
    match command_line::read("rgunicorn", args, &Origin::Arguments(variable))? {
        Outcome::Run(given) => Ok(given),
        Outcome::Help => Err(refuse("`--help` is for the command line only")),
        Outcome::Version => Err(refuse("`--version` is for the command line only")),
    }
}
