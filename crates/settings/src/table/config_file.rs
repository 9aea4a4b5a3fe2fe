//! The configuration file.

use super::settings;
use crate::values::ConfigLocation;

settings! {
    section ConfigFile, "Config file" {
        /// Read settings from this file: a path, perhaps with `file:` before it, or `python:MODULE`.
        ///
        /// The file is Python, as gunicorn's: names at its top level are settings, and functions with the names of hooks
        /// are called at the moments that they are named for. Without the option it is `rgunicorn.conf.py`, or else
        /// `gunicorn.conf.py`, in the directory that the command is started in, if there is one.
        config ["-c", "--config"] "CONFIG", since "0.1": Option<ConfigLocation> = "";
    }
}
