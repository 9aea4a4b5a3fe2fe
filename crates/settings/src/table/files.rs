//! Files that are served without the application.

use super::settings;
use crate::values::StaticPath;

settings! {
    section Files, "Static files" {
        /// Serve the files of a directory under a path, as in `/static=public/static`; may be repeated.
        ///
        /// `/static/css/a.css` is then `public/static/css/a.css`: what follows the prefix is looked up in the directory,
        /// as by nginx's `alias`. The application is not asked, not even for files that do not exist (404). Served are
        /// regular files below the directory, those whose names begin with a dot too; a symbolic link that is absolute, or
        /// leads out of it, is not followed. A directory gives its `index.html`. Ranges, conditional requests and files that lie there
        /// compressed (`a.css.br`, `a.css.gz`) are understood. The longest prefix counts. A relative directory starts in
        /// `chdir`; one that does not exist is an error at the start.
        static_path ["--static-path"] "PREFIX=DIRECTORY", since "0.1": Vec<StaticPath> = "";
    }
}
