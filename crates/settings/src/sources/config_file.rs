//! The configuration file: which one, and what it says.
//!
//! Finding the file is done here, evaluating it is the host's business: see [`ConfigFiles`].

use std::{fs, io, path::Path};

use super::{Given, Origin, Value, python};
use crate::{error::SettingsError, table, values::ConfigLocation};

/// Who evaluates configuration files.
pub trait ConfigFiles {
    /// The settings in the file: its plain values under the names that they have there. Functions, modules and names that
    /// are its own business (in upper case, or with an underscore before them) are left out.
    ///
    /// # Errors
    /// If it cannot be evaluated. The text names the file, and is for the operator as it stands.
    fn read(&mut self, location: &ConfigLocation) -> Result<Vec<(String, Value)>, String>;
}

/// For where configuration files cannot be evaluated.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoConfigFiles;

impl ConfigFiles for NoConfigFiles {
    fn read(&mut self, location: &ConfigLocation) -> Result<Vec<(String, Value)>, String> {
        Err(format!("cannot read the config file `{location}`: there is no Python to evaluate it"))
    }
}

/// The key of the setting that names the file.
const KEY: &str = "config";

/// What is read when nobody names a file and it exists, the first before the second.
const IMPLICIT: [&str; 2] = ["rgunicorn.conf.py", "gunicorn.conf.py"];

/// The file that is read without being named.
pub(super) fn implicit() -> Option<Given> {
    let name = IMPLICIT.into_iter().find(|name| Path::new(name).is_file())?;
    Some(Given { key: KEY, texts: vec![name.to_owned()], origin: Origin::Default })
}

/// What the file says that the source names.
pub(super) fn read(named: &Given, files: &mut dyn ConfigFiles) -> Result<Vec<Given>, SettingsError> {
    let row = table::find(KEY).expect("a row of the table");
    let location: ConfigLocation = named.value(row)?;
    if let ConfigLocation::File(path) = &location {
        exists(path, &named.origin)?;
    }
    let values = files.read(&location).map_err(|text| SettingsError::ConfigFile { text })?;
    let origin = Origin::File(location.to_string());
    let values: Vec<_> = values.into_iter().filter(|(key, value)| !is_own(key, value)).collect();
    if let Some((key, _)) = values.iter().find(|(key, value)| key == KEY && *value != Value::Nothing) {
        let remedy =
            "a config file names no other one; give it with `--config`, or call this one something else";
        let (place, remedy) = (origin.inside(), remedy.to_owned());
        return Err(SettingsError::UnknownSetting { key: key.clone(), place, remedy });
    }
    python::read(&values, &origin)
}

/// Whether a name is the file's own business although a setting is called so: no gunicorn has it in a file, and an
/// `app` that was imported, or a `config` that was made, is no text.
fn is_own(key: &str, value: &Value) -> bool {
    matches!(value, Value::Other(_)) && matches!(key, "app" | KEY)
}

fn exists(path: &Path, origin: &Origin) -> Result<(), SettingsError> {
    let refuse = |problem: String, remedy| SettingsError::BadConfigFile {
        path: path.to_owned(),
        place: origin.naming("--config", KEY),
        problem,
        remedy,
    };
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(refuse("it is a directory".to_owned(), "name the file in it")),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(refuse("it does not exist".to_owned(), "create it or name another one"))
        }
        Err(error) => Err(refuse(error.to_string(), "name a file that this user may read")),
    }
}
