"""`server`: the master process as hooks see it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from rgunicorn.hooks._described import Described
from rgunicorn.hooks._worker import Worker

if TYPE_CHECKING:
    from rgunicorn.hooks._config import Config
    from rgunicorn.hooks._log import Log


class Listener:
    """A listening socket, known by its address."""

    def __init__(self, address: str) -> None:
        self.address = address

    def __str__(self) -> str:
        return self.address

    def __repr__(self) -> str:
        return f"<Listener {self.address}>"


class PidFile:
    """The pid file."""

    def __init__(self, fname: str, pid: int) -> None:
        self.fname = fname
        self.pid = pid


class Application(Described):
    """What is served, where a worker has loaded it."""

    _called = "app"

    def __init__(self, cfg: Config) -> None:
        self.cfg = cfg
        self.app_uri = cfg.wsgi_app
        self.callable: Callable[..., Any] | None = None

    def wsgi(self) -> Callable[..., Any]:
        """The application itself; only in a worker, and only once it has been loaded."""
        if self.callable is None:
            raise RuntimeError(
                "the application is not loaded here"
                " (it is in a worker, from the hook `post_worker_init` on)"
            )
        return self.callable


class Server(Described):
    """The master process. In a worker it is what the master was when the worker was forked."""

    _called = "server"
    worker_class = Worker

    def __init__(self, cfg: Config, log: Log) -> None:
        self.cfg = cfg
        self.log = log
        self.app = Application(cfg)
        self.pid = os.getpid()
        self.master_pid = 0
        self.master_name = "Master"
        self.num_workers: int = cfg.workers
        self.worker_age = 0
        self.reexec_pid = 0
        self.pidfile: PidFile | None = None
        self.WORKERS: dict[int, Worker] = {}
        self.LISTENERS: list[Listener] = []
        self.START_CTX = {
            "args": [sys.executable, *sys.argv],
            "cwd": os.getcwd(),
            0: sys.executable,
        }

    @property
    def address(self) -> list[tuple[str, int] | str | int]:
        """What `bind` says."""
        return self.cfg.address

    @property
    def timeout(self) -> int:
        """The setting `timeout`."""
        return int(self.cfg.timeout)

    @property
    def proc_name(self) -> str:
        """The name of the processes."""
        return self.cfg.proc_name + (".2" if self.master_pid else "")

    @property
    def worker_class_str(self) -> str:
        """The name of the worker class."""
        return self.cfg.worker_class_str

    def __repr__(self) -> str:
        return f"<Server {self.pid}>"

    def _configure(self, cfg: Config, log: Log) -> None:
        """Another generation's settings hold from now on."""
        if cfg is not self.cfg:
            self.cfg, self.log, self.app = cfg, log, Application(cfg)

    def _learn(self, facts: Mapping[str, Any]) -> None:
        """Take over what the master knows at this moment."""
        self.pid = facts["pid"]
        self.master_pid = facts["master_pid"]
        self.master_name = facts["master_name"]
        self.num_workers = facts["num_workers"]
        self.reexec_pid = facts["reexec_pid"]
        self.LISTENERS = [Listener(address) for address in facts["addresses"]]
        pidfile = facts["pidfile"]
        self.pidfile = None if pidfile is None else PidFile(pidfile, self.pid)
