//! Where connections come from.

use super::settings;
use crate::values::{Backlog, Bind, FileMode, Owner};

settings! {
    section Network, "Network" {
        /// Accept connections on this address; may be repeated.
        ///
        /// `HOST`, `HOST:PORT`, `:PORT` (every v4 interface), `[V6]:PORT`, `unix:PATH`, `unix:@NAME` (Linux's abstract
        /// sockets, which have no file) or `fd://N` (a listening socket that the process was started with). Without a port
        /// it is 8000; port 0 lets the kernel choose one, which the log then names. Where the variable `PORT` is set, as
        /// hosting platforms do, the default is that port on every v4 interface. Sockets from systemd take the place of
        /// all of these.
        bind ["-b", "--bind"] "ADDRESS", since "0.1", platform "PORT" gives "0.0.0.0:{}": Vec<Bind> = "127.0.0.1:8000";

        /// How many connections the kernel queues for each address until a worker accepts them.
        ///
        /// The kernel has a limit of its own (`net.core.somaxconn` on Linux) and quietly uses the smaller number.
        backlog ["--backlog"] "NUMBER", since "0.1": Backlog = "2048";

        /// Give every worker a listening socket of its own on each TCP port (`SO_REUSEPORT`).
        ///
        /// The kernel then spreads connections over the workers by a hash of the addresses, whether a worker is busy or
        /// not, and what waits for a worker that is killed is lost. With shared sockets, the default, a free worker takes
        /// what a busy one leaves. Takes effect for addresses that are newly bound; not together with `preload_app`.
        reuse_port ["--reuse-port"] "", since "0.1": bool = "";

        /// The permissions of unix sockets, in octal as for chmod.
        ///
        /// Whoever may write to the socket may connect. Without it they are what `umask` leaves of `777`.
        socket_mode ["--socket-mode"] "MODE", since "0.1": Option<FileMode> = "";

        /// The owner of unix sockets, as for chown: `USER`, `USER:GROUP` or `:GROUP`, by name or number.
        ///
        /// Without it, `user` and `group`.
        socket_owner ["--socket-owner"] "USER[:GROUP]", since "0.1": Option<Owner> = "";
    }
}
