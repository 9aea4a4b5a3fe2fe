//! What can be wrong with the settings, in the operator's words.

use std::path::PathBuf;

use crate::{sources::Origin, values::ValueError};

/// Why there are no settings to run with.
///
/// Every text names what is wrong and ends with what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The command line has an option that there is not.
    #[error("unknown option `{option}`: {remedy}")]
    UnknownOption {
        /// As written, without its value.
        option: String,
        /// What to write instead, as far as we can tell.
        remedy: String,
    },
    /// An option that takes a value stands alone.
    #[error("`{option}` needs a value (write `{option} {metavar}`; `--help` says what it means)")]
    MissingValue {
        /// The option.
        option: String,
        /// What stands for the value in help texts.
        metavar: &'static str,
    },
    /// A switch was given a value.
    #[error("`{option}` takes no value but was given `{value}` (write just `{option}`)")]
    UnexpectedValue {
        /// The option.
        option: String,
        /// What it was given.
        value: String,
    },
    /// There are two positional arguments.
    #[error("unexpected argument `{argument}`: one application is served (write `--help` for the options)")]
    ExtraArgument {
        /// The second one.
        argument: String,
    },
    /// An argument or a variable is not text.
    #[error("`{text}` in {place} is not valid UTF-8 (write it in UTF-8)")]
    NotUtf8 {
        /// The text, as far as it can be shown.
        text: String,
        /// Where it stands.
        place: String,
    },
    /// The command line cannot be understood for another reason.
    #[error("{text} (`--help` lists the options)")]
    CommandLine {
        /// What the parser says.
        text: String,
    },
    /// A value is not one of those that its setting takes.
    #[error("invalid value `{text}` for {place}: {error}")]
    BadValue {
        /// The value as given.
        text: String,
        /// The option and key, and the variable if it came from one.
        place: String,
        /// Why, and what to write instead.
        error: Box<ValueError>,
        /// Where the value came from.
        origin: Origin,
    },
    /// Something is wrong with a variable that holds a part of a command line.
    #[error("in the variable `{variable}`: {error}")]
    InArguments {
        /// The variable.
        variable: &'static str,
        /// What.
        error: Box<Self>,
    },
    /// A key given to `run()`, or a name in a configuration file, is not a setting.
    #[error("unknown setting `{key}`{place}: {remedy}")]
    UnknownSetting {
        /// The key.
        key: String,
        /// Where it stands, with a space before it; empty for an argument of `run()`.
        place: String,
        /// What to write instead, as far as we can tell.
        remedy: String,
    },
    /// A Python value is of a type that its setting does not take.
    #[error("wrong type for `{key}`{place}: it is {found} (write {wanted})")]
    WrongType {
        /// The key.
        key: &'static str,
        /// Where it stands, with a space before it; empty for an argument of `run()`.
        place: String,
        /// What it is.
        found: String,
        /// What it should be.
        wanted: &'static str,
    },
    /// The configuration file cannot be used.
    #[error("cannot read the config file `{}` of {place}: {problem} ({remedy})", path.display())]
    BadConfigFile {
        /// The file as written.
        path: PathBuf,
        /// The option or variable that names it.
        place: String,
        /// Why not.
        problem: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The configuration file cannot be evaluated.
    #[error("{text}")]
    ConfigFile {
        /// What its evaluation says.
        text: String,
    },
    /// No application was named.
    #[error(
        "no application module specified (name it as in `rgunicorn mysite.wsgi` or `rgunicorn mysite.asgi:application`, or set `RGUNICORN_APP`)"
    )]
    NoApplication,
    /// The directory to change to cannot be used.
    #[error("cannot change to the directory `{}` of `--chdir` (setting `chdir`): {problem} ({remedy})", path.display())]
    BadDirectory {
        /// The directory as written.
        path: PathBuf,
        /// Why not.
        problem: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A directory of static files cannot be used.
    #[error("cannot serve `{prefix}` from the directory `{}` of `--static-path` (setting `static_path`): {problem} ({remedy})", path.display())]
    BadStaticPath {
        /// The path that its files are served under.
        prefix: String,
        /// The directory.
        path: PathBuf,
        /// Why not.
        problem: String,
        /// What to do.
        remedy: &'static str,
    },
    /// Two directories of static files are served under one path.
    #[error("the path `{prefix}` is given twice to `--static-path` (setting `static_path`); leave one out")]
    StaticPathTwice {
        /// The path.
        prefix: String,
    },
    /// One address is given twice.
    #[error("the address `{address}` is given twice to `--bind` (setting `bind`); leave one out")]
    BindTwice {
        /// The address.
        address: String,
    },
}

impl SettingsError {
    /// The exit status for it: 2 when the command line is not understood, as everywhere, otherwise 1.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::UnknownOption { .. }
            | Self::MissingValue { .. }
            | Self::UnexpectedValue { .. }
            | Self::ExtraArgument { .. }
            | Self::CommandLine { .. }
            | Self::BadValue { origin: Origin::CommandLine, .. } => 2,
            Self::InArguments { error, .. } => error.exit_code(),
            Self::NotUtf8 { .. }
            | Self::WrongType { .. }
            | Self::BadConfigFile { .. }
            | Self::ConfigFile { .. }
            | Self::BadValue { .. }
            | Self::UnknownSetting { .. }
            | Self::NoApplication
            | Self::BadDirectory { .. }
            | Self::BadStaticPath { .. }
            | Self::StaticPathTwice { .. }
            | Self::BindTwice { .. } => 1,
        }
    }
}
