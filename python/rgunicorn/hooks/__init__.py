"""What hooks are called with: the types of `server`, `worker`, `req`, `resp`, `cfg` and `log`.

A config file needs none of these names. They are here for annotations::

    from rgunicorn.hooks import Server, Worker


    def post_fork(server: Server, worker: Worker) -> None:
        server.log.info("Worker spawned (pid: %s)", worker.pid)
"""

from rgunicorn.hooks._config import Config, Setting
from rgunicorn.hooks._log import Log
from rgunicorn.hooks._messages import Request, Response
from rgunicorn.hooks._server import Application, Listener, Server
from rgunicorn.hooks._worker import Heartbeat, Worker

__all__ = [
    "Application",
    "Config",
    "Heartbeat",
    "Listener",
    "Log",
    "Request",
    "Response",
    "Server",
    "Setting",
    "Worker",
]
