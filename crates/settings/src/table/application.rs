//! What is served, and the surroundings in which it is loaded.

use std::path::PathBuf;

use super::settings;
use crate::values::{AppSpec, EnvPair, SearchPath};

settings! {
    section Application, "Application" {
        /// The application: a module, perhaps with the object to take from it.
        ///
        /// `mysite.wsgi` takes `application` from the module, `mysite:app` another object, `mysite:site.app` an
        /// attribute of one, and `mysite:create_app('production')` calls a factory with literal arguments.
        app as "wsgi_app" also "app" [] "APP_MODULE", since "0.1": Option<AppSpec> = "";

        /// Change to this directory before the application is loaded.
        ///
        /// Relative paths of other settings start there. The directory is put at the head of Python's search path.
        chdir ["--chdir"] "DIR", since "0.1": PathBuf = ".";

        /// Directories to add to Python's search path, separated by commas.
        pythonpath ["--pythonpath"] "DIRS", since "0.1": SearchPath = "";

        /// Set a variable in the environment of the application; may be repeated.
        ///
        /// The variables are set before the application is loaded, and seen by every worker.
        raw_env ["-e", "--env"] "NAME=VALUE", since "0.1": Vec<EnvPair> = "";
    }
}
