//! Reloading by itself when code changes, for development.

use std::path::PathBuf;

use super::settings;
use crate::values::{FilePattern, ReloadEngine};

settings! {
    section Reloading, "Reloading for development" {
        /// Replace the workers whenever a file of the code changes.
        ///
        /// For development. A change that breaks the code shows its traceback, and the next change is waited for.
        /// Unless `timeout` is set, there is none, so that a debugger may halt a worker.
        reload ["--reload"] "", since "0.1": bool = "";

        /// How changes are noticed.
        ///
        /// `inotify` has Linux tell at once. `poll` compares the times of all files once a second: for network file
        /// systems and directories that a virtual machine shares, where nobody tells. `auto` is `inotify` where there is
        /// one.
        reload_engine ["--reload-engine"] "ENGINE", since "0.1": ReloadEngine = "auto";

        /// Watch this file as well; may be repeated.
        ///
        /// For what is no Python module, such as templates and configuration. It may be a directory, with all that is
        /// in it, or a pattern with `*`, `?` and `**`, for which files are looked up again as they appear.
        reload_extra_files ["--reload-extra-file"] "FILE", since "0.1": Vec<PathBuf> = "";

        /// Watch the code below this directory, in place of `chdir`; may be repeated.
        ///
        /// Modules that the application has loaded from elsewhere are watched too, but for those of the Python
        /// installation.
        reload_dirs ["--reload-dir"] "DIR", since "0.1": Vec<PathBuf> = "";

        /// Watch files whose names or paths match this pattern, too; may be repeated.
        ///
        /// As in `*.html`. Watched are `*.py` and the configuration file anyway.
        reload_includes ["--reload-include"] "PATTERN", since "0.1": Vec<FilePattern> = "";

        /// Do not watch files and directories that match this pattern; may be repeated.
        ///
        /// Never watched are names that begin with a dot, `__pycache__`, `node_modules` and virtual environments.
        reload_excludes ["--reload-exclude"] "PATTERN", since "0.1": Vec<FilePattern> = "";
    }
}
