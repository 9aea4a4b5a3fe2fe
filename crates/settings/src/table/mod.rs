//! The table: every setting is one row, and a row is all there is to write for a setting.
//!
//! [`settings!`] turns a section of rows into the struct its consumers are handed, and into the [`Row`]s from which
//! the command line, the environment, `--help`, the reference page and the man page are made. A new setting is a new
//! row and, at most, a new type in `values`.

mod application;
mod asgi;
mod config_file;
mod debugging;
mod files;
mod limits;
mod logging;
mod network;
mod process;
mod protocol;
mod proxies;
mod reloading;
mod workers;

pub use application::Application;
pub use asgi::Asgi;
pub use config_file::ConfigFile;
pub use debugging::Debugging;
pub use files::Files;
pub use limits::Limits;
pub use logging::Logging;
pub use network::Network;
pub use process::Process;
pub use protocol::Protocol;
pub use proxies::Proxies;
pub use reloading::Reloading;
pub use workers::Workers;

use crate::values::{Kind, Shape};

/// Rows that belong together, in the order in which they are documented.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) title: &'static str,
    pub(crate) rows: &'static [Row],
}

/// One setting, as everything but its typed value needs to know it.
#[derive(Debug)]
pub(crate) struct Row {
    /// The name in configuration files, in `--print-config` and in `run()`.
    pub(crate) key: &'static str,
    /// Other names for the same.
    pub(crate) aliases: &'static [&'static str],
    /// Options of the command line, short before long. One that begins with `--no-` says the opposite of the others.
    pub(crate) flags: &'static [&'static str],
    /// What stands for the value in help texts; empty for a switch.
    pub(crate) metavar: &'static str,
    /// The version that brought it.
    pub(crate) since: &'static str,
    /// The value when nothing is said; empty for "none".
    pub(crate) default: &'static str,
    /// A variable set by hosting platforms that gives another default.
    pub(crate) platform: Option<Platform>,
    /// The paragraphs of its description; the first one is the short help.
    pub(crate) doc: &'static str,
    pub(crate) shape: Shape,
    pub(crate) choices: &'static [&'static str],
    /// What the option means that stands without a value, where it may.
    pub(crate) bare: Option<&'static str>,
    /// What it is to Python.
    pub(crate) kind: Kind,
}

/// The key that the positional argument gives.
const POSITIONAL: &str = "wsgi_app";

/// What an option begins with that says the opposite.
const NEGATION: &str = "--no-";

/// A variable that platforms set for any server, and how it reads as a value.
#[derive(Debug)]
pub(crate) struct Platform {
    pub(crate) variable: &'static str,
    /// The value, with `{}` where the variable's text goes.
    pub(crate) template: &'static str,
}

/// All sections.
pub(crate) const SECTIONS: [&Section; 13] = [
    &Application::SECTION,
    &ConfigFile::SECTION,
    &Network::SECTION,
    &Workers::SECTION,
    &Protocol::SECTION,
    &Limits::SECTION,
    &Proxies::SECTION,
    &Files::SECTION,
    &Asgi::SECTION,
    &Logging::SECTION,
    &Process::SECTION,
    &Reloading::SECTION,
    &Debugging::SECTION,
];

/// All rows.
pub(crate) fn rows() -> impl Iterator<Item = &'static Row> {
    SECTIONS.into_iter().flat_map(|section| section.rows)
}

/// The row with this key or alias.
pub(crate) fn find(key: &str) -> Option<&'static Row> {
    rows().find(|row| row.key == key || row.aliases.contains(&key))
}

/// The names that settings have in configuration files, and the other names for them.
pub fn setting_names() -> impl Iterator<Item = &'static str> {
    rows().flat_map(|row| row.aliases.iter().copied().chain([row.key]))
}

impl Row {
    /// Whether it is the positional argument.
    pub(crate) fn is_positional(&self) -> bool {
        self.key == POSITIONAL
    }

    /// The long option, or failing that the first. For a positional argument, its name in the usage line; for what the
    /// command line cannot give, nothing.
    pub(crate) fn spelling(&self) -> Option<&'static str> {
        let long = self.options().find(|flag| flag.starts_with("--")).or_else(|| self.options().next());
        long.or_else(|| self.is_positional().then_some(self.metavar))
    }

    /// The options that give a value.
    pub(crate) fn options(&self) -> impl Iterator<Item = &'static str> {
        self.flags.iter().copied().filter(|flag| !flag.starts_with(NEGATION))
    }

    /// The option that says the opposite.
    pub(crate) fn negation(&self) -> Option<&'static str> {
        self.flags.iter().copied().find(|flag| flag.starts_with(NEGATION))
    }

    /// What stands behind an option in help texts: the value with a space before it, or nothing.
    pub(crate) fn operand(&self, flag: &str) -> String {
        match self.metavar {
            "" => String::new(),
            _ if flag.starts_with(NEGATION) => String::new(),
            metavar if self.bare.is_some() => format!(" [{metavar}]"),
            metavar => format!(" {metavar}"),
        }
    }

    /// Whether it is a switch that is on when nothing is said.
    pub(crate) fn is_on_by_default(&self) -> bool {
        self.shape == Shape::Switch && self.default == "true"
    }

    /// The environment variables that give it, the most specific first.
    pub(crate) fn variables(&self) -> impl Iterator<Item = String> {
        self.aliases.iter().chain([&self.key]).map(|key| format!("RGUNICORN_{}", key.to_ascii_uppercase()))
    }

    /// The default as a source would give it.
    pub(crate) fn default_texts(&self) -> Vec<String> {
        if self.default.is_empty() { Vec::new() } else { vec![self.default.to_owned()] }
    }

    /// The paragraphs of the description, each as one line.
    pub(crate) fn paragraphs(&self) -> impl Iterator<Item = String> {
        self.doc.split("\n\n").map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

impl Platform {
    /// The value that the variable's text stands for.
    pub(crate) fn value(&self, text: &str) -> String {
        self.template.replace("{}", text)
    }

    /// The variable's text that this value was made of.
    pub(crate) fn text<'a>(&self, value: &'a str) -> &'a str {
        let (before, after) = self.template.split_once("{}").unwrap_or_default();
        value.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)).unwrap_or(value)
    }
}

/// Declares one section of the table; see the module's text and any file beside it.
///
/// A row reads: documentation, field, then optionally its key if that differs (`as`) and other names (`also`), its
/// options, what stands for the value, the version, optionally a platform's variable, the type, the default.
macro_rules! settings {
    (section $Section:ident, $title:literal {
        $(
            $(#[doc = $doc:literal])+
            $field:ident $(as $key:literal)? $(also $alias:literal)? [$($flag:literal),*] $metavar:literal,
            since $since:literal $(, platform $variable:literal gives $template:literal)?
            : $kind:ty = $default:literal;
        )+
    }) => {
        #[doc = concat!("The section \"", $title, "\".")]
        #[derive(Debug, Clone, PartialEq)]
        pub struct $Section {
            $( $(#[doc = $doc])+ pub $field: $kind, )+
        }

        impl $Section {
            pub(crate) const SECTION: $crate::table::Section = $crate::table::Section {
                title: $title,
                rows: &[ $( $crate::table::Row {
                    key: $crate::table::first(&[$($key,)? stringify!($field)]),
                    aliases: &[$($alias)?],
                    flags: &[$($flag),*],
                    metavar: $metavar,
                    since: $since,
                    default: $default,
                    platform: $crate::table::settings!(@platform $($variable, $template)?),
                    doc: concat!($($doc, "\n"),+),
                    shape: <$kind as $crate::values::Field>::SHAPE,
                    choices: <$kind as $crate::values::Field>::CHOICES,
                    bare: <$kind as $crate::values::Field>::BARE,
                    kind: <$kind as $crate::values::Field>::KIND,
                } ),+ ],
            };

            /// The typed values of the section.
            pub(crate) fn resolve(merged: &$crate::sources::Merged) -> Result<Self, $crate::SettingsError> {
                let mut rows = Self::SECTION.rows.iter();
                Ok(Self { $( $field: merged.read(rows.next())?, )+ })
            }

            /// The values as `--print-config` shows them and as Python has them, in the order of the rows.
            pub(crate) fn show(&self) -> Vec<(String, $crate::Value)> {
                use $crate::values::Field;
                vec![$( (Field::show(&self.$field), Field::value(&self.$field)) ),+]
            }
        }

        impl Default for $Section {
            fn default() -> Self {
                Self::resolve(&$crate::sources::Merged::defaults()).expect("a test reads every default")
            }
        }
    };
    (@platform) => { None };
    (@platform $variable:literal, $template:literal) => {
        Some($crate::table::Platform { variable: $variable, template: $template })
    };
}
pub(crate) use settings;

/// The first of several names.
pub(crate) const fn first(names: &[&'static str]) -> &'static str {
    names[0]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::Settings;

    fn assert_unique(names: impl Iterator<Item = String>) {
        let mut seen = BTreeSet::new();
        for name in names {
            assert!(seen.insert(name.clone()), "`{name}` is taken twice");
        }
    }

    #[test]
    fn no_name_is_taken_twice() {
        assert_unique(
            rows().flat_map(|row| row.aliases.iter().chain([&row.key])).map(|&name| name.to_owned()),
        );
        let reserved = ["-h", "--help", "-v", "--version"];
        assert_unique(rows().flat_map(|row| row.flags).chain(&reserved).map(|&flag| flag.to_owned()));
        let platforms =
            rows().filter_map(|row| row.platform.as_ref()).map(|platform| platform.variable.to_owned());
        assert_unique(rows().flat_map(Row::variables).chain(platforms));
    }

    #[test]
    fn every_default_is_a_value() {
        let settings = Settings::default();
        assert_eq!(settings.entries().len(), rows().count(), "a section is missing from the settings");
        for row in rows() {
            assert_eq!(settings.origin(row.key), Some(&crate::Origin::Default), "{}", row.key);
        }
    }

    #[test]
    fn every_choice_is_a_value() {
        for row in rows() {
            for choice in row.choices {
                let values = [(row.key.to_owned(), crate::Value::Text((*choice).to_owned()))];
                let env = std::collections::BTreeMap::new();
                let settings = crate::from_values(&values, &env, &mut crate::NoConfigFiles).unwrap();
                assert!(
                    settings.entries().contains(&(row.key, (*choice).to_owned())),
                    "{} {choice}",
                    row.key
                );
            }
        }
    }

    #[test]
    fn keys_and_options_are_spelled_alike() {
        let lower = |c: char| c.is_ascii_lowercase() || c == '_';
        for row in rows() {
            assert!(row.key.chars().all(lower), "{}", row.key);
            for flag in row.flags {
                let long =
                    flag.strip_prefix("--").is_some_and(|name| name.chars().all(|c| lower(c) || c == '-'));
                let short =
                    flag.len() == 2 && flag.starts_with('-') && flag.as_bytes()[1].is_ascii_alphabetic();
                assert!(long || short, "{flag}");
            }
            assert!(
                row.options().is_sorted_by_key(|flag| flag.starts_with("--")),
                "{}: short comes first",
                row.key
            );
        }
    }

    #[test]
    fn only_a_switch_takes_no_value() {
        for row in rows() {
            assert_eq!(row.metavar.is_empty(), row.shape == Shape::Switch, "{}", row.key);
        }
    }

    #[test]
    fn only_what_can_be_off_has_an_opposite() {
        for row in rows() {
            let off = row.shape == Shape::Switch || row.choices.contains(&"off");
            assert!(row.negation().is_none() || off, "{}", row.key);
            assert!(row.bare.is_none_or(|bare| row.choices.contains(&bare)), "{}", row.key);
        }
    }

    #[test]
    fn one_row_is_the_positional_argument() {
        assert_eq!(rows().filter(|row| row.is_positional()).count(), 1);
        assert!(find(POSITIONAL).unwrap().flags.is_empty());
    }

    #[test]
    fn every_row_is_documented_and_dated() {
        for row in rows() {
            let summary = row.paragraphs().next().unwrap_or_default();
            assert!(summary.len() > 10, "{} has no description", row.key);
            for paragraph in row.paragraphs() {
                assert!(paragraph.ends_with(['.', '!']), "{}: {paragraph}", row.key);
            }
            let numbers: Vec<_> = row.since.split('.').collect();
            assert!(
                numbers.len() == 2 && numbers.iter().all(|number| number.parse::<u32>().is_ok()),
                "{}",
                row.key
            );
        }
    }

    #[test]
    fn a_platform_variable_is_a_value_and_back() {
        let platform = Platform { variable: "PORT", template: "0.0.0.0:{}" };
        assert_eq!(platform.value("80"), "0.0.0.0:80");
        assert_eq!(platform.text("0.0.0.0:80"), "80");
    }
}
