"""Worker classes of other packages: ``-k package.module.Class`` with gunicorn's worker interface.

Such a class builds on gunicorn's base class, so gunicorn has to be installed beside it. Of gunicorn
only that base class runs, and what it needs: the configuration object and the wrapped sockets. The
master, the log and the heartbeat are this server's.
"""

from __future__ import annotations

import faulthandler
import math
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from types import FrameType
from typing import Any, Protocol

from rgunicorn._hook_names import HOOKS

#: What the master has done already, or does for every worker class.
DONE_BY_THE_MASTER = frozenset(
    (
        *("user", "group", "initgroups", "umask", "daemon", "pidfile", "chdir", "raw_env"),
        *("reload", "preload_app", "config", "reuse_port", "worker_tmp_dir"),
    )
)
#: Signals that mean something to the master and, by the kernel's default, death to a worker.
FOR_THE_MASTER = (signal.SIGHUP, signal.SIGUSR2, signal.SIGTTIN, signal.SIGTTOU)
#: The classes that have prepared this process.
PREPARED: set[str] = set()
BOOT_FAILED = 3
APP_FAILED = 4
FAILED = 1


class Link(Protocol):
    """The way back to the server, made by the extension module."""

    name: str
    age: int
    sockets: list[int]
    error_log: int

    def load(self) -> Callable[..., Any]:
        """Load the application; ``SystemExit`` when that fails, and the log says why."""

    def beat(self) -> None:
        """Show that the worker is alive."""

    def ready(self) -> None:
        """Say that requests are accepted."""

    def told_to_leave(self) -> bool:
        """Whether the master has told the worker to leave already."""

    def reopen_logs(self) -> None:
        """Open the error log anew."""

    def may_report_failure(self) -> bool:
        """Whether it is this worker that logs why workers cannot boot."""


class ForeignError(Exception):
    """The class cannot be used; the text is for the operator."""


class Heartbeat:
    """Stands for gunicorn's temporary file: the sign of life goes to the scoreboard."""

    def __init__(self, file: Any, link: Link, *, patient: bool) -> None:
        self._file = file
        self._link = link
        self._patient = patient
        self._ready = False
        self._entered = False

    def enter(self) -> None:
        """The worker's main loop begins."""
        self._entered = True
        if not self._patient:
            self._say_ready()

    def notify(self) -> None:
        """Show that the worker is alive; the first time in its main loop it is ready."""
        self._link.beat()
        if self._entered:
            self._say_ready()

    def fileno(self) -> int:
        """A descriptor, which the base class wants to close on exec."""
        return int(self._file.fileno())

    def close(self) -> None:
        """Close the descriptor."""
        self._file.close()

    @property
    def is_ready(self) -> bool:
        """Whether the worker has begun to serve."""
        return self._ready

    def _say_ready(self) -> None:
        if not self._ready:
            self._ready = True
            self._link.ready()


class Application:
    """What the class asks for the application."""

    def __init__(self, cfg: Any, load: Callable[[], Callable[..., Any]]) -> None:
        self.cfg = cfg
        self.callable: Callable[..., Any] | None = None
        self._load = load

    def wsgi(self) -> Callable[..., Any]:
        """The application, loaded when the class wants it: it may have to prepare for that."""
        if self.callable is None:
            self.callable = self._load()
        return self.callable


def find(name: str) -> type:
    """The class of a dotted name."""
    try:
        base = import_module("gunicorn.workers.base").Worker
    except ModuleNotFoundError:
        raise ForeignError(
            f"the worker class `{name}` needs gunicorn's worker interface, and gunicorn is not"
            " installed (`pip install gunicorn`, or choose `sync` or `asgi`)"
        ) from None
    place, _, attribute = name.rpartition(".")
    try:
        module = import_module(place)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{place}.".startswith(f"{error.name}."):
            raise
        raise ForeignError(
            f"the worker class `{name}` cannot be found: there is no module `{error.name}`"
            " (install the package that has it, or check the name)"
        ) from None
    found = getattr(module, attribute, None)
    if found is None:
        there = [key for key in dir(module) if is_worker(getattr(module, key, None), base)]
        hint = f"it has {', '.join(map(repr, there))}" if there else "it has no worker class at all"
        raise ForeignError(f"the module `{place}` has no worker class `{attribute}` ({hint})")
    if not is_worker(found, None):
        raise ForeignError(
            f"`{name}` is not a worker class: it has no `init_process`, `run` and `notify`"
            " (name a class that is derived from `gunicorn.workers.base.Worker`)"
        )
    return found  # type: ignore[no-any-return]


def is_worker(value: object, base: type | None) -> bool:
    """Whether it is a class with gunicorn's worker interface, and not the base class itself."""
    if not isinstance(value, type) or value is base:
        return False
    return all(callable(getattr(value, name, None)) for name in ("init_process", "run", "notify"))


def prepare(name: str) -> type:
    """The class of a dotted name, once it has prepared this process for the application."""
    found = find(name)
    if name not in PREPARED:
        PREPARED.add(name)
        if hasattr(found, "setup"):
            found.setup()
    return found


def serve(link: Link, hooks: Any) -> int:
    """Be a worker of the class until told to leave; the exit status."""
    server = hooks._server
    log = server.log
    try:
        found = prepare(link.name)
    except ForeignError as error:
        if link.may_report_failure():
            log.error("%s", error)
        return APP_FAILED
    log.reopen_files = link.reopen_logs
    cfg = configuration(server.cfg, hooks._hooks, log)
    application = Application(cfg, link.load)
    sockets = [wrapped(number, cfg, log) for number in link.sockets]
    worker = found(link.age, os.getppid(), sockets, application, cfg.timeout / 2, cfg, log)
    worker.pid = os.getpid()
    worker.tmp = heartbeat = Heartbeat(worker.tmp, link, patient=cfg.timeout > 0)
    hooks._worker = worker
    worker.run = entering(worker, heartbeat, link)
    # The class sets the handlers that it wants, and counts on finding the defaults.
    faulthandler.disable()
    for number in worker.SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    # Until it has set its own.
    for number in FOR_THE_MASTER:
        signal.signal(number, nothing)
    signal.signal(signal.SIGUSR1, lambda *_: link.reopen_logs())
    if link.told_to_leave():
        return 0
    try:
        worker.init_process()
    except Exception:
        if heartbeat.is_ready or link.may_report_failure():
            log.exception("Exception in worker process")
        return FAILED if heartbeat.is_ready else BOOT_FAILED
    finally:
        heartbeat.close()
    return 0


def entering(worker: Any, heartbeat: Heartbeat, link: Link) -> Callable[[], object]:
    """The main loop of the worker, with what comes right before it."""
    run = worker.run

    def enter() -> object:
        # A class may leave TERM to what it serves with, which may send it again at its end.
        for number in (signal.SIGTERM, signal.SIGINT):
            if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                signal.signal(number, leave)
        for number in FOR_THE_MASTER:
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, nothing)
        # Behind the handlers of the class: the stacks are written first.
        faulthandler.enable(link.error_log, all_threads=True)
        heartbeat.enter()
        return run()

    return enter


def leave(_number: int, _frame: FrameType | None) -> None:
    """Take a signal as a request to leave."""
    sys.exit(0)


def nothing(_number: int, _frame: FrameType | None) -> None:
    """Take a signal as meant for somebody else. Unlike "ignore", this ends with an exec."""


def configuration(ours: Any, hooks: Mapping[str, Any], log: Any) -> Any:
    """The configuration object of gunicorn, with this server's settings and hooks."""
    config = import_module("gunicorn.config").Config(prog="rgunicorn")
    settings: Mapping[str, Any] = ours.settings
    for name, setting in settings.items():
        if name in HOOKS or name in DONE_BY_THE_MASTER or name not in config.settings:
            continue
        try:
            adopt(config, name, setting.value)
        except (TypeError, ValueError) as error:
            log.warning("The worker class does not see the setting `%s`: %s", name, error)
    for name in hooks.keys() & config.settings.keys():
        # They have been looked at already, and take every argument that there is.
        config.settings[name].value = hooks[name]
    return config


def adopt(config: Any, name: str, value: Any) -> None:
    """Give a setting to gunicorn's configuration in a form that it accepts."""
    if isinstance(value, float):
        value = math.ceil(value)
    try:
        config.set(name, value)
    except TypeError:
        if not isinstance(value, list):
            raise
        # It splits some lists itself, and takes them as text only.
        config.set(name, ",".join(map(str, value)) or None)


def wrapped(number: int, cfg: Any, log: Any) -> Any:
    """A listening socket as gunicorn has it, from its descriptor."""
    sock = import_module("gunicorn.sock")
    known = socket.socket(fileno=number)
    kinds = {
        socket.AF_INET: sock.TCPSocket,
        socket.AF_INET6: sock.TCP6Socket,
        socket.AF_UNIX: sock.UnixSocket,
    }
    kind, address = kinds[known.family], known.getsockname()
    return kind(address, cfg, log, fd=known.detach())
