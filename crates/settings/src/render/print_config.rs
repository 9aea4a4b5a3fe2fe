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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::{NoConfigFiles, Parsed, from_command_line};

    #[test]
    fn every_setting_has_a_line_that_says_where_it_comes_from() {
        let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let env = BTreeMap::from([variable("RGUNICORN_TIMEOUT", "5"), variable("PORT", "80")]);
        let args = ["mod:app", "-w3", "--daemon"].map(Into::into).to_vec();
        let Parsed::Run(settings) = from_command_line("rgunicorn", args, &env, &mut NoConfigFiles).unwrap()
        else {
            panic!("printed")
        };
        let text = settings.print_config();
        for line in [
            "bind                               = ['0.0.0.0:80']  # environment variable PORT",
            "daemon                             = True  # command line",
            "keepalive                          = 2  # default",
            "pidfile                            = None  # default",
            "pythonpath                         = ''  # default",
            "timeout                            = 5  # environment variable RGUNICORN_TIMEOUT",
            "workers                            = 3  # command line",
            "wsgi_app                           = mod:app  # command line",
        ] {
            assert!(text.lines().any(|printed| printed == line), "{line} is not in\n{text}");
        }
        assert!(text.lines().is_sorted());
    }
}
