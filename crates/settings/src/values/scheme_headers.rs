//! Header fields by which a trusted proxy says that its client came over TLS.

use std::{collections::HashSet, fmt, str::FromStr};

use super::{Field, Kind, Refusal, Shape, ValueError, is_field_name};
use crate::sources::Value;

/// Names of header fields, in upper case, each with the value that means `https`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemeHeaders(pub Vec<(String, String)>);

impl FromStr for SchemeHeaders {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let remedy = "write `NAME=VALUE` pairs separated by commas, as in `X-FORWARDED-PROTO=https`";
        let mut seen = HashSet::new();
        let pair = |item: &str| {
            let (name, value) = item
                .split_once('=')
                .ok_or_else(|| ValueError::new(format!("`{item}` has no `=`"), remedy))?;
            if !is_field_name(name) {
                return Err(ValueError::new(format!("`{name}` is not the name of a header field"), remedy));
            }
            if value.is_empty() || value.chars().any(char::is_control) {
                return Err(ValueError::new(format!("`{name}` has no value that a header can have"), remedy));
            }
            let name = name.to_ascii_uppercase();
            if !seen.insert(name.clone()) {
                return Err(ValueError::new(format!("`{name}` is given twice"), remedy));
            }
            Ok((name, value.to_owned()))
        };
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        items.map(pair).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for SchemeHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs: Vec<_> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        f.write_str(&pairs.join(","))
    }
}

/// Shown as the dictionary that gunicorn's configuration has, which is what makes it no plain text.
impl Field for SchemeHeaders {
    const SHAPE: Shape = Shape::One;
    const CHOICES: &'static [&'static str] = &[];
    const KIND: Kind = Kind::Pairs;

    fn from_texts(texts: &[String]) -> Result<Self, Refusal> {
        let text = texts.last().map_or("", String::as_str);
        text.parse().map_err(|error| Refusal { text: text.to_owned(), error })
    }

    fn show(&self) -> String {
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "\\'"));
        let pairs: Vec<_> =
            self.0.iter().map(|(name, value)| format!("{}: {}", quoted(name), quoted(value))).collect();
        format!("{{{}}}", pairs.join(", "))
    }

    fn value(&self) -> Value {
        Value::Pairs(self.0.iter().map(|(name, value)| (name.clone(), Value::Text(value.clone()))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        text.parse::<SchemeHeaders>().unwrap_err().problem
    }

    #[test]
    fn pairs_are_read_and_shown_as_a_dictionary() {
        let headers: SchemeHeaders = "x-forwarded-proto=https, X-Forwarded-Ssl=on".parse().unwrap();
        assert_eq!(headers.to_string(), "X-FORWARDED-PROTO=https,X-FORWARDED-SSL=on");
        assert_eq!(headers.show(), "{'X-FORWARDED-PROTO': 'https', 'X-FORWARDED-SSL': 'on'}");
        assert_eq!("".parse(), Ok(SchemeHeaders(vec![])));
    }

    #[test]
    fn what_is_no_pair_is_refused() {
        assert_eq!(refusal("X-FORWARDED-PROTO"), "`X-FORWARDED-PROTO` has no `=`");
        assert_eq!(refusal("X Y=on"), "`X Y` is not the name of a header field");
        assert_eq!(refusal("X-SSL="), "`X-SSL` has no value that a header can have");
        assert_eq!(refusal("X-SSL=a\r\nb"), "`X-SSL` has no value that a header can have");
        assert_eq!(refusal("X-SSL=on,x-ssl=1"), "`X-SSL` is given twice");
    }
}
