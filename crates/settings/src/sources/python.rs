//! Settings as Python values: the arguments of `rgunicorn.run()`, and the names of a configuration file.

use super::{Given, Origin, suggestion};
use crate::{
    error::SettingsError,
    table::{self, Row},
    values::{Kind, Shape},
};

/// A Python value, as far as settings have any.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `None`: as if the setting had not been named; an empty list says as much.
    Nothing,
    /// `str`, or anything whose text is meant, such as a path.
    Text(String),
    /// `int` or `float`.
    Number(f64),
    /// `bool`.
    Flag(bool),
    /// `list` or `tuple`.
    List(Vec<Self>),
    /// `dict`: a list of `NAME=VALUE`.
    Pairs(Vec<(String, Self)>),
    /// Something that no setting is: the name of its type.
    Other(String),
}

impl Value {
    /// The value as it would be written on the command line.
    fn texts(&self) -> Vec<String> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Text(text) | Self::Other(text) => vec![text.clone()],
            Self::Number(number) => vec![number.to_string()],
            Self::Flag(true) => vec!["True".to_owned()],
            Self::Flag(false) => vec!["False".to_owned()],
            Self::List(items) => items.iter().flat_map(Self::texts).collect(),
            Self::Pairs(pairs) => {
                pairs.iter().map(|(name, value)| format!("{name}={}", value.texts().join(","))).collect()
            }
        }
    }

    /// What it is, as the end of a sentence.
    fn describe(&self) -> String {
        match self {
            Self::Nothing => "`None`".to_owned(),
            Self::Text(_) => "a text".to_owned(),
            Self::Number(_) => "a number".to_owned(),
            Self::Flag(true) => "`True`".to_owned(),
            Self::Flag(false) => "`False`".to_owned(),
            Self::List(_) => "a list".to_owned(),
            Self::Pairs(_) => "a dictionary".to_owned(),
            Self::Other(kind) => format!("of the type `{kind}`"),
        }
    }
}

/// What the values say, which all come from one place.
pub(super) fn read(values: &[(String, Value)], origin: &Origin) -> Result<Vec<Given>, SettingsError> {
    let mut source = Vec::new();
    for (key, value) in values {
        let Some(row) = table::find(key) else {
            let (place, remedy) = (origin.inside(), suggestion::for_key(key));
            return Err(SettingsError::UnknownSetting { key: key.clone(), place, remedy });
        };
        if let Some(wrong) = misfit(row, value) {
            return Err(SettingsError::WrongType {
                key: row.key,
                place: origin.inside(),
                found: wrong.describe(),
                wanted: wanted(row),
            });
        }
        let texts = texts(row, value);
        if !texts.is_empty() {
            source.push(Given { key: row.key, texts, origin: origin.clone() });
        }
    }
    Ok(source)
}

/// The value as the command line would give it.
fn texts(row: &Row, value: &Value) -> Vec<String> {
    match (row.shape, value) {
        (_, Value::Nothing) => Vec::new(),
        (_, Value::Number(number)) if row.kind == Kind::Octal => vec![octal(*number)],
        // One text for a list is a list with commas, as in gunicorn.
        (Shape::Many, Value::Text(text)) => {
            text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
        }
        // A list for one value is what the value's own separator makes of it: `pythonpath=["a", "b"]`.
        (Shape::One | Shape::Switch, Value::List(_) | Value::Pairs(_)) => vec![value.texts().join(",")],
        _ => value.texts(),
    }
}

/// An integer as it reads in Python; what is none is refused as a number.
fn octal(number: f64) -> String {
    let whole = number >= 0.0 && number.fract() == 0.0 && number < f64::from(u32::MAX);
    if whole { format!("0o{:o}", number as u32) } else { number.to_string() }
}

/// The value, or the item in it, that is of a type that the setting does not take. What is of the right type may still
/// be wrong.
fn misfit<'a>(row: &Row, value: &'a Value) -> Option<&'a Value> {
    let number = matches!(row.kind, Kind::Number | Kind::Octal);
    let fits = match value {
        Value::Nothing | Value::Text(_) => true,
        Value::Number(_) => number || row.shape == Shape::Switch,
        Value::Flag(_) => row.shape == Shape::Switch || row.choices.contains(&"off"),
        Value::List(items) => {
            let taken = |item: &Value| matches!(item, Value::Text(_)) || (number && is_number(item));
            let list = row.shape == Shape::Many || matches!(row.kind, Kind::List | Kind::Pairs);
            match items.iter().find(|item| !taken(item)) {
                Some(wrong) if list => return Some(wrong),
                _ => list,
            }
        }
        Value::Pairs(pairs) => {
            let plain = |value: &Value| matches!(value, Value::Text(_) | Value::Number(_) | Value::Flag(_));
            match pairs.iter().find(|(_, value)| !plain(value)) {
                Some((_, wrong)) if row.kind == Kind::Pairs => return Some(wrong),
                _ => row.kind == Kind::Pairs,
            }
        }
        Value::Other(_) => false,
    };
    (!fits).then_some(value)
}

fn is_number(value: &Value) -> bool {
    matches!(value, Value::Number(_))
}

/// What the setting takes, as the end of a sentence.
fn wanted(row: &Row) -> &'static str {
    match (row.shape, row.kind) {
        (Shape::Switch, _) => "`True` or `False`",
        (Shape::Many, Kind::Pairs) | (_, Kind::Pairs) => "a dictionary",
        (Shape::Many, _) | (_, Kind::List) => "a list of texts",
        (_, Kind::Number) => "a number",
        (_, Kind::Octal) => "an octal number such as `0o022`",
        (_, Kind::Text) if row.choices.is_empty() => "a text",
        (_, Kind::Text) => "one of its words",
    }
}
