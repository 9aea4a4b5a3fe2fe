//! Which application is served: `module`, `module:object.attribute`, `module:factory('x', n=1)`.
//!
//! Only the shape is checked here. Importing, and reading the arguments of a factory, is Python's business.

use std::{fmt, str::FromStr};

use super::{Newtype, ValueError};

/// The application as the operator named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppSpec {
    /// The module to import, with dots.
    pub module: String,
    /// What to take from it; without it, the module's `application`.
    pub attribute: Option<AppTarget>,
}

/// What is taken from the application's module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppTarget {
    /// An object, or an attribute of an object: `app`, `site.app`.
    Attribute(String),
    /// The result of a call.
    Factory {
        /// The callable, perhaps with dots: `create_app`.
        function: String,
        /// The whole call as written, for Python's `ast`: `create_app('production', debug=False)`.
        call: String,
    },
}

impl FromStr for AppSpec {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let (module, target) = match text.split_once(':') {
            Some((module, target)) => (module.trim(), Some(target.trim())),
            None => (text.trim(), None),
        };
        check_module(module, target)?;
        let attribute = target.map(|target| read_target(module, target)).transpose()?;
        Ok(Self { module: module.to_owned(), attribute })
    }
}

fn check_module(module: &str, target: Option<&str>) -> Result<(), ValueError> {
    let suffix =
        target.filter(|target| !target.is_empty()).map(|target| format!(":{target}")).unwrap_or_default();
    let written = |module: &str| format!("write `{module}{suffix}`");
    if module.is_empty() {
        let suffix = if suffix.is_empty() { ":app" } else { &suffix };
        return Err(ValueError::new("it names no module", format!("write `module{suffix}`")));
    }
    if module.contains(['/', '\\']) {
        return Err(path_instead_of_module(module, &suffix));
    }
    if let Some(name) = module.strip_suffix(".py") {
        return Err(ValueError::new("it is the name of a file, not of a module", written(name)));
    }
    if module.split('.').any(str::is_empty) {
        let tidy: Vec<_> = module.split('.').filter(|part| !part.is_empty()).collect();
        let tidy = if tidy.is_empty() { "module".to_owned() } else { tidy.join(".") };
        return Err(ValueError::new(format!("`{module}` has a dot too many"), written(&tidy)));
    }
    if module.contains(|c: char| c.is_whitespace() || c.is_control() || "()[]{}'\",;=".contains(c)) {
        let problem = format!("`{module}` cannot be the name of a module");
        return Err(ValueError::new(problem, "write `module` or `module:app`"));
    }
    Ok(())
}

fn path_instead_of_module(module: &str, suffix: &str) -> ValueError {
    let path = module.replace('\\', "/");
    let path = path.trim_end_matches('/');
    let (directory, file) = path.rsplit_once('/').unwrap_or(("", path));
    let name = file.strip_suffix(".py").unwrap_or(file);
    let name = if name.is_empty() { "module" } else { name };
    let directory = if directory.is_empty() { "/" } else { directory };
    ValueError::new(
        "it is a path, not the name of a module",
        format!("write `{name}{suffix}` and name the directory with `--chdir {directory}`"),
    )
}

fn read_target(module: &str, target: &str) -> Result<AppTarget, ValueError> {
    if target.is_empty() {
        let remedy = format!("write `{module}` or `{module}:app`");
        return Err(ValueError::new("nothing follows the colon", remedy));
    }
    let Some((function, rest)) = target.split_once('(') else {
        check_attribute(module, target)?;
        return Ok(AppTarget::Attribute(target.to_owned()));
    };
    let function = function.trim_end();
    check_attribute(module, function)?;
    if !rest.ends_with(')') {
        let problem = format!("the call `{target}` is not closed");
        return Err(ValueError::new(problem, format!("end it with `)`, as in `{module}:{function}()`")));
    }
    Ok(AppTarget::Factory { function: function.to_owned(), call: target.to_owned() })
}

fn check_attribute(module: &str, path: &str) -> Result<(), ValueError> {
    if path.split('.').all(is_identifier) {
        return Ok(());
    }
    let remedy = format!("write `{module}:app`, `{module}:object.attribute` or `{module}:factory()`");
    Err(ValueError::new(format!("`{path}` is not the name of an object"), remedy))
}

/// Close to Python's rule, which no operator should meet: anything else fails at the import.
fn is_identifier(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c == '_' || c.is_alphabetic())
        && chars.all(|c| c == '_' || c.is_alphanumeric())
}

impl fmt::Display for AppSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.module)?;
        match &self.attribute {
            None => Ok(()),
            Some(target) => write!(f, ":{target}"),
        }
    }
}

impl fmt::Display for AppTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attribute(path) => f.write_str(path),
            Self::Factory { call, .. } => f.write_str(call),
        }
    }
}

impl Newtype for AppSpec {}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(text: &str) -> AppSpec {
        text.parse().unwrap()
    }

    fn refusal(text: &str) -> String {
        text.parse::<AppSpec>().unwrap_err().to_string()
    }

    #[test]
    fn a_module_alone_leaves_the_attribute_open() {
        assert_eq!(spec("mysite.wsgi"), AppSpec { module: "mysite.wsgi".to_owned(), attribute: None });
        assert_eq!(spec("my-site").module, "my-site", "importlib takes it, so do we");
    }

    #[test]
    fn an_attribute_may_have_dots() {
        assert_eq!(spec("mod:app").attribute, Some(AppTarget::Attribute("app".to_owned())));
        assert_eq!(spec("mod:obj.attr").attribute, Some(AppTarget::Attribute("obj.attr".to_owned())));
    }

    #[test]
    fn a_factory_keeps_the_text_of_its_call() {
        let Some(AppTarget::Factory { function, call }) = spec("mod:make('a:b', n=1)").attribute else {
            panic!("not a factory")
        };
        assert_eq!(function, "make");
        assert_eq!(call, "make('a:b', n=1)");
        assert!(matches!(spec("mod:make()").attribute, Some(AppTarget::Factory { .. })));
    }

    #[test]
    fn every_form_is_written_back_as_it_was() {
        for text in ["mod", "a.b.c", "mod:app", "mod:a.b", "mod:f()", "mod:f('x', n=1)", "módulo:aplicación"]
        {
            assert_eq!(spec(text).to_string(), text);
        }
    }

    #[test]
    fn a_malformed_name_says_what_to_write() {
        assert_eq!(refusal(":app"), "it names no module (write `module:app`)");
        assert_eq!(refusal(""), "it names no module (write `module:app`)");
        assert_eq!(refusal("mod:"), "nothing follows the colon (write `mod` or `mod:app`)");
        assert_eq!(refusal("app.py"), "it is the name of a file, not of a module (write `app`)");
        assert_eq!(refusal("app.py:main"), "it is the name of a file, not of a module (write `app:main`)");
        assert_eq!(
            refusal("dir/app"),
            "it is a path, not the name of a module (write `app` and name the directory with `--chdir dir`)"
        );
        assert_eq!(
            refusal("/srv/site/app.py:main"),
            "it is a path, not the name of a module (write `app:main` and name the directory with `--chdir /srv/site`)"
        );
        assert_eq!(refusal("a..b:app"), "`a..b` has a dot too many (write `a.b:app`)");
        assert_eq!(refusal("a b"), "`a b` cannot be the name of a module (write `module` or `module:app`)");
        assert_eq!(
            refusal("mod:1x"),
            "`1x` is not the name of an object (write `mod:app`, `mod:object.attribute` or `mod:factory()`)"
        );
        assert_eq!(
            refusal("mod:make("),
            "the call `make(` is not closed (end it with `)`, as in `mod:make()`)"
        );
    }
}
