//! What only ASGI applications notice.

use super::settings;
use crate::values::{EventLoop, LifespanMode, Seconds};

settings! {
    section Asgi, "ASGI" {
        /// The event loop of `asgi` workers.
        ///
        /// `auto` takes uvloop where it is installed, else asyncio.
        event_loop as "asgi_loop" ["--asgi-loop", "--loop"] "LOOP", since "0.1": EventLoop = "auto";

        /// Whether the application is told of start-up and shutdown (ASGI's lifespan protocol).
        ///
        /// `auto` serves an application that does not know the protocol without it; `on` makes a failure in it a
        /// failure to boot.
        lifespan as "asgi_lifespan" ["--asgi-lifespan", "--lifespan"] "MODE", since "0.1": LifespanMode = "auto";

        /// How long a request may go on after its client has left, before its task is cancelled.
        ///
        /// The application hears `http.disconnect` at once; this is the time it has to finish by itself.
        disconnect_grace as "asgi_disconnect_grace_period" ["--asgi-disconnect-grace-period"] "SECONDS", since "0.1":
            Seconds = "3";
    }
}
