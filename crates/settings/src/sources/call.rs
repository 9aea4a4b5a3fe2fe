//! `rgunicorn.run(app, workers=3, bind=["..."])`: settings as Python values.

use super::{Given, Origin, suggestion};
use crate::{error::SettingsError, table, values::Shape};

/// A Python value, as far as settings have any.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `None`: as if the setting had not been named; an empty list says as much.
    Nothing,
    /// `str`, or anything whose `str()` is meant, such as a path.
    Text(String),
    /// `int` or `float`.
    Number(f64),
    /// `bool`.
    Flag(bool),
    /// `list` or `tuple`.
    List(Vec<Self>),
    /// `dict`: a list of `NAME=VALUE`.
    Pairs(Vec<(String, Self)>),
}

impl Value {
    /// The value as it would be written on the command line.
    fn texts(&self) -> Vec<String> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Text(text) => vec![text.clone()],
            Self::Number(number) => vec![number.to_string()],
            Self::Flag(true) => vec!["True".to_owned()],
            Self::Flag(false) => vec!["False".to_owned()],
            Self::List(items) => items.iter().flat_map(Self::texts).collect(),
            Self::Pairs(pairs) => {
                pairs.iter().map(|(name, value)| format!("{name}={}", value.texts().join(","))).collect()
            }
        }
    }
}

/// What the call says.
pub(super) fn read(values: &[(String, Value)]) -> Result<Vec<Given>, SettingsError> {
    let mut source = Vec::new();
    for (key, value) in values {
        let Some(row) = table::find(key) else {
            return Err(SettingsError::UnknownSetting { key: key.clone(), remedy: suggestion::for_key(key) });
        };
        let texts = match (row.shape, value) {
            (_, Value::Nothing) => continue,
            (_, Value::Number(number)) if row.octal && *number >= 0.0 && number.fract() == 0.0 => {
                vec![format!("0o{:o}", *number as u64)]
            }
            // One text for a list is a list with commas, as in gunicorn.
            (Shape::Many, Value::Text(text)) => {
                text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
            }
            // A list for one value is what the value's own separator makes of it: `pythonpath=["a", "b"]`.
            (Shape::One | Shape::Switch, Value::List(_) | Value::Pairs(_)) => vec![value.texts().join(",")],
            _ => value.texts(),
        };
        if texts.is_empty() {
            continue;
        }
        source.push(Given { key: row.key, texts, origin: Origin::Call });
    }
    Ok(source)
}
