//! The master process.

use std::path::PathBuf;

use super::settings;
use crate::values::{Account, Umask};

settings! {
    section Process, "Server process" {
        /// Run in the background.
        ///
        /// The command returns when the workers are ready, or with the error and its exit status if they are not.
        daemon ["-D", "--daemon"] "", since "0.1": bool = "";

        /// Write the master's process number to this file, and remove the file at the end.
        pidfile ["-p", "--pid"] "FILE", since "0.1": Option<PathBuf> = "";

        /// Run the workers as this user, by name or number.
        ///
        /// The master stays what it is, so that it can bind ports below 1024 and reopen logs; it has to be root. Log
        /// files and unix sockets become the user's.
        user ["-u", "--user"] "USER", since "0.1": Option<Account> = "";

        /// Run the workers as this group, by name or number.
        ///
        /// Without it, it is the group of `user`. Workers leave all other groups of the master, unless neither is set.
        group ["-g", "--group"] "GROUP", since "0.1": Option<Account> = "";

        /// Have the workers join all groups that `user` is a member of.
        initgroups ["--initgroups"] "", since "0.1": bool = "";

        /// Permissions that unix sockets, and files of the workers, are not created with.
        ///
        /// Octal with a leading `0` (`022`), else decimal, or hexadecimal with `0x`, as in gunicorn. `0` lets everybody on
        /// the machine connect, and leaves the umask of the workers as it is. `socket_mode` goes before it for sockets.
        umask ["-m", "--umask"] "MASK", since "0.1": Umask = "0";

        /// The name of the processes, as `ps` and `top` show it.
        ///
        /// They are called `rgunicorn: master [NAME]` and `rgunicorn: worker [NAME]`. Without it, the name is that of the
        /// application.
        proc_name ["-n", "--name"] "NAME", since "0.1": Option<String> = "";

        /// Keep standard output and standard error of a daemon open.
        ///
        /// `--daemon` otherwise points them to `/dev/null` once the server has started.
        enable_stdio_inheritance ["-R", "--enable-stdio-inheritance"] "", since "0.1": bool = "";
    }
}
