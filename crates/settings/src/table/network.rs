//! Where connections come from.

use super::settings;
use crate::values::{Backlog, Bind};

settings! {
    section Network, "Network" {
        /// Accept connections on this address; may be repeated.
        ///
        /// `HOST`, `HOST:PORT`, `:PORT` (every v4 interface), `[V6]:PORT` or `unix:PATH`. Without a port it is 8000;
        /// port 0 lets the kernel choose one, which the log then names. Where the variable `PORT` is set, as hosting
        /// platforms do, the default is that port on every v4 interface.
        bind ["-b", "--bind"] "ADDRESS", since "0.1", platform "PORT" gives "0.0.0.0:{}": Vec<Bind> = "127.0.0.1:8000";

        /// How many connections the kernel queues for each address until a worker accepts them.
        ///
        /// The kernel has a limit of its own (`net.core.somaxconn` on Linux) and quietly uses the smaller number.
        backlog ["--backlog"] "NUMBER", since "0.1": Backlog = "2048";
    }
}
