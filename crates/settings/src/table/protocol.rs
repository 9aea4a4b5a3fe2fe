//! HTTP, whichever the worker class.

use super::settings;
use crate::values::{ByteRate, RequestLimit, RequestPath, RootPath, Seconds, Timeout, WireProtocol};

settings! {
    section Protocol, "HTTP" {
        /// How long an idle connection is kept open for another request.
        ///
        /// `0` closes every connection after its response. Behind a proxy that keeps connections open itself, choose
        /// more than the proxy does, so that it is never the server that closes first.
        keepalive ["--keep-alive"] "SECONDS", since "0.1": Seconds = "2";

        /// How many requests a connection may bring before it is closed.
        ///
        /// The last of them is answered with `Connection: close`. `0` allows any number. A number makes clients
        /// connect anew now and then, so that new workers get their share of connections that stay open.
        keepalive_requests ["--keep-alive-requests"] "NUMBER", since "0.1": RequestLimit = "0";

        /// How long a client may take to send the head of a request.
        ///
        /// From the acceptance of a new connection, or the first byte of a later request, to the empty line that ends
        /// the header fields, however the bytes trickle in; a header of the PROXY protocol counts into it. Then the
        /// answer is 408, or none if nothing came, and the connection is closed.
        header_timeout ["--header-timeout"] "SECONDS", since "0.1": Timeout = "30";

        /// How long the server waits for more of a request body.
        ///
        /// A client that sends nothing for this long is answered 408, if the response has not begun, and the
        /// connection is closed. For one that sends a little now and then, see `min_body_rate`.
        body_timeout ["--body-timeout"] "SECONDS", since "0.1": Timeout = "30";

        /// How many bytes of a request body earn their sender another second.
        ///
        /// A sender begins with the seconds of `body_timeout`. Those in which the server waits for it are taken away,
        /// and so many bytes bring one back, up to `body_timeout`: a body that goes on arriving slower than this ends
        /// as one that stopped. Time in which the application does not read costs the sender nothing. `0` turns the
        /// check off, so that every byte brings all of `body_timeout` back; `1k` is 1024. Clients that take responses have to
        /// be as quick: see `write_timeout`.
        min_body_rate ["--min-body-rate"] "BYTES", since "0.1": ByteRate = "240";

        /// How long a client may take nothing of a response that waits for it.
        ///
        /// Then the connection is reset, and the application is told as of any client that left. A client counts as taking
        /// nothing if it took less than `min_body_rate` bytes for each of these seconds.
        write_timeout ["--write-timeout"] "SECONDS", since "0.1": Timeout = "30";

        /// What is spoken on listening sockets that do not say it themselves.
        ///
        /// `http` is HTTP/1.1. `uwsgi` is the binary protocol of nginx's `uwsgi_pass`, taken only from the peers of
        /// `uwsgi_allow_ips`. One socket can differ: `--bind uwsgi://unix:/run/site.sock --bind :8000`.
        protocol ["--protocol"] "PROTOCOL", since "0.1": WireProtocol = "http";

        /// Whether files that a WSGI application returns in a `wsgi.file_wrapper`, and static files, are sent by the
        /// kernel.
        ///
        /// Off, they are read and written like any other response: for file systems whose `sendfile(2)` is broken, such
        /// as some that virtual machines share. Where the variable `SENDFILE` is set, it gives the default.
        sendfile ["--sendfile", "--no-sendfile"] "", since "0.1", platform "SENDFILE" gives "{}": bool = "true";

        /// The path under which a proxy has mounted the application, as in `/app`.
        ///
        /// WSGI applications see it as `SCRIPT_NAME`, and `PATH_INFO` without it if the path begins with it. ASGI
        /// applications see it as `root_path`, and a `path` that always begins with it. So it does not matter whether
        /// the proxy removes the path from requests. Where the variable `SCRIPT_NAME` is set, in the environment or
        /// by `--env`, it gives the default.
        root_path ["--root-path"] "PATH", since "0.1", platform "SCRIPT_NAME" gives "{}": RootPath = "";

        /// A path that the server answers itself, for load balancers and orchestrators.
        ///
        /// 200 `ready` while the worker serves, 503 `leaving` while the server drains (`drain_delay`) or the worker stops,
        /// with `Cache-Control: no-store`. The application does not see such requests. Without it, every path is the
        /// application's.
        readiness_path ["--readiness-path"] "PATH", since "0.1": Option<RequestPath> = "";
    }
}
