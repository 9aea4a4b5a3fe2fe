"""`worker`: a worker process as hooks see it, in the master and in the worker itself."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from rgunicorn.hooks._described import Described

if TYPE_CHECKING:
    from rgunicorn.hooks._config import Config
    from rgunicorn.hooks._log import Log
    from rgunicorn.hooks._server import Application, Listener, Server


class Slot(Protocol):
    """The worker's line on the scoreboard."""

    def requests(self) -> int:
        """How many requests it has answered."""

    def beat(self) -> None:
        """Show that it is alive."""

    def heard(self) -> float:
        """When it last showed that it is alive, in seconds of the monotonic clock."""


class Heartbeat:
    """What gunicorn has as a temporary file: the worker's sign of life."""

    def __init__(self, slot: Slot | None) -> None:
        self._slot = slot

    def notify(self) -> None:
        """Show that the worker is alive."""
        if self._slot is not None:
            self._slot.beat()

    def last_update(self) -> float:
        """When the worker last showed that, in seconds of the monotonic clock."""
        return 0.0 if self._slot is None else self._slot.heard()


class Worker(Described):
    """A worker process.

    The master makes one before each fork and hands it to ``pre_fork`` and ``child_exit``; its copy
    in the worker is what the other hooks are called with.
    """

    _called = "worker"

    def __init__(self, age: int, server: Server) -> None:
        self.age = age
        self.pid: int | str = "[booting]"
        self.ppid = server.pid
        self.cfg: Config = server.cfg
        self.log: Log = server.log
        self.app: Application = server.app
        self.sockets: list[Listener] = server.LISTENERS
        self.timeout: float = server.timeout / 2
        self.max_requests = sys.maxsize
        self.booted = False
        self.aborted = False
        self.reloader = None
        #: The application, from `post_worker_init` on.
        self.wsgi: Callable[..., Any] | None = None
        self.tmp = Heartbeat(None)
        self._slot: Slot | None = None
        self._alive = True

    @property
    def asgi(self) -> Callable[..., Any] | None:
        """The application, by the name that an ASGI worker has for it."""
        return self.wsgi

    @property
    def nr(self) -> int:
        """How many requests the worker has answered."""
        return 0 if self._slot is None else self._slot.requests()

    @property
    def alive(self) -> bool:
        """Whether the worker goes on; set it to ``False`` to let it finish and be replaced."""
        return self._alive

    @alive.setter
    def alive(self, alive: bool) -> None:
        if self._alive and not alive and self.pid == os.getpid():
            os.kill(os.getpid(), signal.SIGTERM)
        self._alive = alive

    def notify(self) -> None:
        """Show the master that the worker is alive; needed only in what takes long."""
        self.tmp.notify()

    def __str__(self) -> str:
        return f"<Worker {self.pid}>"

    def _become(self, slot: Slot, max_requests: int | None) -> None:
        """Be the worker that this process is."""
        self.pid = os.getpid()
        self.ppid = os.getppid()
        self.max_requests = max_requests or sys.maxsize
        self._slot = slot
        self.tmp = Heartbeat(slot)
