//! Header fields that a trusted proxy may set variables of the WSGI environment with.

use std::{fmt, str::FromStr};

use super::{Kind, Newtype, ValueError, is_field_name};

/// Names of header fields in upper case; `*` stands for every name. The default is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldNames {
    every: bool,
    names: Vec<String>,
}

impl FieldNames {
    /// Whether the name, in any case, is one of them.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.every || self.names.iter().any(|known| known.eq_ignore_ascii_case(name))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.every && self.names.is_empty()
    }
}

impl FromStr for FieldNames {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let mut fields = Self::default();
        for item in text.split([',', ' ', '\t', '\n']).filter(|item| !item.is_empty()) {
            if item == "*" {
                fields.every = true;
            } else if is_field_name(item) {
                fields.names.push(item.to_ascii_uppercase());
            } else {
                let problem = format!("`{item}` is not the name of a header field");
                let remedy = "write names separated by commas, as in `SCRIPT_NAME,REMOTE_USER`";
                return Err(ValueError::new(problem, remedy));
            }
        }
        Ok(fields)
    }
}

impl fmt::Display for FieldNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let every = self.every.then_some("*");
        f.write_str(
            &every.into_iter().chain(self.names.iter().map(String::as_str)).collect::<Vec<_>>().join(","),
        )
    }
}

impl Newtype for FieldNames {
    const KIND: Kind = Kind::List;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_in_any_case() {
        let names: FieldNames = "Script_Name, REMOTE_USER".parse().unwrap();
        assert_eq!(names.to_string(), "SCRIPT_NAME,REMOTE_USER");
        assert!(names.contains("script_name") && names.contains("REMOTE_USER"));
        assert!(!names.contains("script-name") && !names.contains("PATH_INFO"));
        assert!("".parse::<FieldNames>().unwrap().is_empty());
        assert!("*".parse::<FieldNames>().unwrap().contains("X_ANYTHING"));
    }

    #[test]
    fn what_cannot_be_a_name_is_refused() {
        for item in ["A:B", "A;B", "A=B", "Ä"] {
            assert_eq!(
                item.parse::<FieldNames>().unwrap_err().to_string(),
                format!(
                    "`{item}` is not the name of a header field \
                     (write names separated by commas, as in `SCRIPT_NAME,REMOTE_USER`)"
                )
            );
        }
    }
}
