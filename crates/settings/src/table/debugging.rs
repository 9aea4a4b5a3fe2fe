//! Looking without serving.

use super::settings;

settings! {
    section Debugging, "Debugging" {
        /// Check the settings and load the application, then exit: 0 if all is well, else 1.
        check_config ["--check-config"] "", since "0.1": bool = "";

        /// Print every setting and where it comes from, then do what `--check-config` does.
        print_config ["--print-config"] "", since "0.1": bool = "";
    }
}
