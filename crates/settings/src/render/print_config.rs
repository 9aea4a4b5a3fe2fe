//! `--print-config`: every setting in gunicorn's layout, and where it comes from.

use crate::settings::Settings;

impl Settings {
    /// The text of `--print-config`: a line for each setting, sorted by key.
    #[must_use]
    pub fn print_config(&self) -> String {
        let entries = self.entries();
        let width = entries.iter().map(|(key, _)| key.len()).max().unwrap_or_default();
        let lines = entries.iter().map(|(key, value)| {
            let origin = self.origin(key).map(ToString::to_string).unwrap_or_default();
            format!("{key:width$} = {value}  # {origin}\n")
        });
        lines.collect()
    }
}
