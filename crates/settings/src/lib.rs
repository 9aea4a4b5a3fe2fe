//! What can be configured.
//!
//! Every setting is one row of a table (`table/*.rs`): documentation, field, options, type, default. From it come the
//! typed [`Settings`], the command line, the environment variables, `--help`, `--print-config`, the reference page
//! and the man page. A value is read by one function of its type (`values/*.rs`), which is the whole validation; what
//! has passed is used without another look. Sources (`sources/*.rs`) give texts, and the strongest one that says
//! something wins: default, platform variable, config file, environment, command line. [`Settings::origin`] remembers
//! which.
//!
//! The crate reads the command line and the environment that it is handed, has config files evaluated by the
//! [`ConfigFiles`] that it is handed, and looks at the files and directories that settings name; it writes nothing, and
//! prints nothing.

mod error;
mod hooks;
mod render;
mod settings;
mod sources;
mod table;
mod values;

use std::ffi::OsString;

pub use error::SettingsError;
pub use hooks::{HOOKS, Hook, Process as HookProcess, hooks_markdown};
pub use render::{help_text, man_page, reference_markdown, version_text};
pub use settings::Settings;
pub use sources::{ConfigFiles, Environment, NoConfigFiles, Origin, ProcessEnvironment, Value};
pub use table::{
    Application, Asgi, ConfigFile, Debugging, Files, Limits, Logging, Network, Process, Protocol, Proxies,
    Reloading, Workers, setting_names,
};
pub use values::{
    Account, Address, AppSpec, AppTarget, Backlog, Bind, ByteLimit, ByteRate, ConfigLocation, Count,
    Destination, EnvPair, EventLoop, FieldLimit, FieldNames, FileMode, FilePattern, HeaderMap, Jitter, Level,
    LifespanMode, LineLimit, MemoryLimit, Networks, Owner, ProxyHeaders, ProxyProtocol, ReloadEngine,
    ReloadStrategy, RequestLimit, RequestPath, RootPath, SchemeHeaders, SearchPath, Seconds, StaticPath,
    Timeout, Umask, ValueError, Watchdog, WireProtocol, WorkerClass, WorkerCount,
};

/// What a command line asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Parsed {
    /// To run with these settings.
    Run(Box<Settings>),
    /// To print a text and leave: `--help`, `--version`.
    Print(String),
}

/// Reads a command line, without the program's name, over the environment and a configuration file.
///
/// Without `--config` the file is one that exists in the working directory by its usual name, if any.
///
/// # Errors
/// If one of them cannot be understood, or no application is named. The error's text is for the operator as it stands.
pub fn from_command_line(
    program: &str,
    args: Vec<OsString>,
    env: &dyn Environment,
    files: &mut dyn ConfigFiles,
) -> Result<Parsed, SettingsError> {
    Ok(match sources::settings_of(program, args, sources::Surroundings { env, files })? {
        sources::Outcome::Run(settings) => Parsed::Run(Box::new(settings)),
        sources::Outcome::Help => Parsed::Print(help_text(program)),
        sources::Outcome::Version => Parsed::Print(version_text(program)),
    })
}

/// Reads the arguments of `rgunicorn.run()`, which stand above the environment, and above the configuration file if one
/// of the two names one. The application may be missing.
///
/// # Errors
/// If a key is not a setting, or a value is not one of those that it takes.
pub fn from_values(
    values: &[(String, Value)],
    env: &dyn Environment,
    files: &mut dyn ConfigFiles,
) -> Result<Settings, SettingsError> {
    sources::settings_of_call(values, sources::Surroundings { env, files })
}
