//! Environment variables: `RGUNICORN_<KEY>` for every setting, and the few that platforms set for any server.
//!
//! An empty variable is as good as none: compose files and unit files pass on variables that nobody has set.

use std::{collections::BTreeMap, ffi::OsString};

use super::{Given, Origin};
use crate::{
    error::SettingsError,
    table::{self, Row},
    values::Shape,
};

/// Where variables are looked up.
pub trait Environment {
    /// The variable's value, if it is set.
    fn variable(&self, name: &str) -> Option<OsString>;
}

/// The variables of this process.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn variable(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name)
    }
}

impl Environment for BTreeMap<String, String> {
    fn variable(&self, name: &str) -> Option<OsString> {
        self.get(name).map(OsString::from)
    }
}

/// What the variables say that hosting platforms set.
pub(super) fn platform(env: &dyn Environment) -> Result<Vec<Given>, SettingsError> {
    let mut source = Vec::new();
    for row in table::rows() {
        let Some(platform) = &row.platform else { continue };
        if let Some(text) = text(env, platform.variable)? {
            let texts = vec![platform.value(&text)];
            source.push(Given { key: row.key, texts, origin: Origin::Platform(platform.variable) });
        }
    }
    Ok(source)
}

/// What the setting `raw_env` says: gunicorn takes `SCRIPT_NAME` from the environment that the application will have.
pub(super) fn of_application(raw_env: Option<&Given>) -> Vec<Given> {
    const VARIABLE: &str = "SCRIPT_NAME";
    let row = table::rows().find(|row| row.platform.as_ref().is_some_and(|it| it.variable == VARIABLE));
    let pairs = raw_env.into_iter().flat_map(|given| &given.texts).rev();
    let text = pairs.filter_map(|pair| pair.strip_prefix(VARIABLE)?.strip_prefix('=')).next();
    let given = |row: &Row, text: &str| Given {
        key: row.key,
        texts: vec![text.to_owned()],
        origin: Origin::Platform(VARIABLE),
    };
    row.zip(text).map(|(row, text)| given(row, text)).into_iter().collect()
}

/// What our own variables say.
pub(super) fn ours(env: &dyn Environment) -> Result<Vec<Given>, SettingsError> {
    let mut source = Vec::new();
    for row in table::rows() {
        for variable in row.variables() {
            if let Some(text) = text(env, &variable)? {
                let texts = split(row, text);
                // A list of nothing but separators says nothing.
                if !texts.is_empty() {
                    source.push(Given { key: row.key, texts, origin: Origin::Environment(variable) });
                }
                break;
            }
        }
    }
    Ok(source)
}

/// The variable's text; one that is empty is as good as none.
pub(super) fn text(env: &dyn Environment, name: &str) -> Result<Option<String>, SettingsError> {
    let Some(value) = env.variable(name) else { return Ok(None) };
    let text = value.into_string().map_err(|value| SettingsError::NotUtf8 {
        text: value.to_string_lossy().into_owned(),
        place: format!("the variable `{name}`"),
    })?;
    Ok((!text.is_empty()).then_some(text))
}

/// A list is separated by commas or white space.
fn split(row: &Row, text: String) -> Vec<String> {
    match row.shape {
        Shape::Switch | Shape::One => vec![text],
        Shape::Many => {
            text.split([',', ' ', '\t', '\n']).filter(|item| !item.is_empty()).map(str::to_owned).collect()
        }
    }
}
