//! HTTP, whichever the worker class.

use super::settings;
use crate::values::Seconds;

settings! {
    section Protocol, "HTTP" {
        /// How long an idle connection is kept open for another request.
        ///
        /// `0` closes every connection after its response. Behind a proxy that keeps connections open itself, choose
        /// more than the proxy does, so that it is never the server that closes first.
        keepalive ["--keep-alive"] "SECONDS", since "0.1": Seconds = "2";
    }
}
