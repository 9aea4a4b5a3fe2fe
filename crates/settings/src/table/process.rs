//! The master process.

use std::path::PathBuf;

use super::settings;

settings! {
    section Process, "Server process" {
        /// Run in the background.
        ///
        /// The command returns when the workers are ready, or with the error and its exit status if they are not.
        daemon ["-D", "--daemon"] "", since "0.1": bool = "";

        /// Write the master's process number to this file, and remove the file at the end.
        pidfile ["-p", "--pid"] "FILE", since "0.1": Option<PathBuf> = "";
    }
}
