"""Between the server and the hooks: the extension module calls this, and nobody else does.

There is one `server` object for the life of a process, so that what a hook keeps in it is there
for the next one. Settings, log and hooks are those of a generation, and are exchanged in it.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

from rgunicorn._hook_names import Hook
from rgunicorn.hooks._config import Config
from rgunicorn.hooks._log import Log, Write
from rgunicorn.hooks._messages import Line, Request, Response
from rgunicorn.hooks._server import Server
from rgunicorn.hooks._worker import Slot, Worker

#: Logs that a hook has failed, by its name and its exception.
Failed = Callable[[str, BaseException], None]


class Generation:
    """The settings and hooks of one generation."""

    def __init__(
        self, values: Mapping[str, Any], hooks: dict[str, Hook], environ: Mapping[str, str]
    ) -> None:
        self.hooks = hooks
        self.cfg = Config(values, hooks, environ)
        self.log: Log | None = None


class Runtime:
    """The objects of this process."""

    def __init__(self, write: Write, failed: Failed) -> None:
        self._write = write
        self._failed = failed
        self._generation: Generation | None = None
        self._server: Server | None = None
        self._workers: dict[int, Worker] = {}

    def select(self, generation: Generation) -> Server:
        """The generation's settings and hooks hold from now on."""
        if self._server is None or generation is not self._generation:
            log = generation.log = generation.log or Log(generation.cfg, self._write)
            log._install()
            if self._server is None:
                self._server = Server(generation.cfg, log)
            self._server._configure(generation.cfg, log)
            self._generation = generation
        return self._server

    def master(
        self,
        generation: Generation,
        name: str,
        facts: Mapping[str, Any],
        workers: list[tuple[int, int]],
    ) -> None:
        """Call a hook of the master that is about the server alone."""
        server = self._learn(generation, facts, workers)
        if name in generation.hooks:
            generation.hooks[name](server)

    def workers_changed(
        self,
        generation: Generation,
        change: tuple[int, int | None],
        facts: Mapping[str, Any],
        workers: list[tuple[int, int]],
    ) -> None:
        """The number of workers has changed, from and to the numbers of ``change``."""
        server = self._learn(generation, facts, workers)
        if "nworkers_changed" in generation.hooks:
            generation.hooks["nworkers_changed"](server, *change)

    def fork(
        self,
        generation: Generation,
        age: int,
        facts: Mapping[str, Any],
        workers: list[tuple[int, int]],
    ) -> None:
        """A worker is about to be forked."""
        server = self._learn(generation, facts, workers)
        server.worker_age = max(server.worker_age, age)
        worker = self._workers[age] = Worker(age, server)
        if "pre_fork" in generation.hooks:
            generation.hooks["pre_fork"](server, worker)

    def exited(
        self,
        generation: Generation,
        child: tuple[int, int],
        facts: Mapping[str, Any],
        workers: list[tuple[int, int]],
    ) -> None:
        """The worker of this age and pid has ended."""
        age, pid = child
        server = self._learn(generation, facts, workers)
        server.WORKERS.pop(pid, None)
        worker = self._workers.pop(age, None) or Worker(age, server)
        worker.pid = pid
        worker._alive = False
        if "child_exit" in generation.hooks:
            generation.hooks["child_exit"](server, worker)

    def become_worker(
        self, generation: Generation, age: int, slot: Slot, max_requests: int | None
    ) -> WorkerHooks:
        """Make this process a worker."""
        server = self.select(generation)
        worker = self._workers.get(age) or Worker(age, server)
        self._workers.clear()
        worker._become(slot, max_requests)
        return WorkerHooks(generation.hooks, server, worker, self._failed)

    def _learn(
        self, generation: Generation, facts: Mapping[str, Any], workers: list[tuple[int, int]]
    ) -> Server:
        server = self.select(generation)
        server._learn(facts)
        server.WORKERS = {pid: self._known(age, pid, server) for pid, age in workers}
        return server

    def _known(self, age: int, pid: int, server: Server) -> Worker:
        worker = self._workers.get(age)
        if worker is None:
            worker = self._workers[age] = Worker(age, server)
        worker.pid = pid
        return worker


class WorkerHooks:
    """The hooks of a worker, in the worker."""

    def __init__(
        self, hooks: dict[str, Hook], server: Server, worker: Worker, failed: Failed
    ) -> None:
        self._hooks = hooks
        self._server = server
        self._worker = worker
        self._failed = failed
        self._interrupted = False

    def has(self, name: str) -> bool:
        """Whether there is a hook of this name."""
        return name in self._hooks

    def post_fork(self) -> None:
        """The worker has been forked, and nothing of the application been loaded."""
        if "post_fork" in self._hooks:
            self._hooks["post_fork"](self._server, self._worker)

    def post_worker_init(self, app: Callable[..., Any]) -> None:
        """The application has been loaded."""
        self._worker.wsgi = self._server.app.callable = app
        if "post_worker_init" in self._hooks:
            self._hooks["post_worker_init"](self._worker)
        self._worker.booted = True

    def worker_int(self) -> None:
        """INT or QUIT has been received; the hook is called once, however often it is."""
        if self._interrupted or "worker_int" not in self._hooks:
            return
        self._interrupted = True
        self._worker._alive = False
        self._guarded("worker_int", self._worker)

    def worker_exit(self) -> None:
        """The worker is about to end; the hook is called once."""
        self._worker._alive = False
        hook = self._hooks.pop("worker_exit", None)
        if hook is not None:
            self._call("worker_exit", hook, self._server, self._worker)

    def interrupted(self, _signal: int, _frame: FrameType | None) -> None:
        """Python's handler of INT and QUIT: the hook sees what they interrupt."""
        self.worker_int()
        raise KeyboardInterrupt

    def expect_abort(self) -> None:
        """Be called when the master gives the worker up."""
        if not {"worker_abort", "worker_exit"}.isdisjoint(self._hooks):
            signal.signal(signal.SIGABRT, self._aborted)

    def _aborted(self, _signal: int, _frame: FrameType | None) -> None:
        """Call the hooks, and end by the signal after all."""
        self._worker._alive = False
        self._worker.aborted = True
        self._guarded("worker_abort", self._worker)
        self.worker_exit()
        signal.signal(signal.SIGABRT, signal.SIG_DFL)
        signal.raise_signal(signal.SIGABRT)

    def request(
        self, line: Line, headers: list[tuple[str, str]], others: dict[str, Any]
    ) -> Request:
        """The object that stands for a request."""
        return Request(line, headers, **others)

    def before(self, request: Request, environ: dict[str, Any] | None) -> None:
        """A request is about to be processed."""
        if "pre_request" in self._hooks:
            self._hooks["pre_request"](self._worker, request)
            if environ is not None:
                request._change(environ)

    def after(
        self,
        request: Request,
        environ: dict[str, Any] | None,
        answered: tuple[str | int | None, list[tuple[str, str]], int],
    ) -> None:
        """A request has been processed."""
        hook = self._hooks.get("post_request")
        if hook is not None:
            environ = request._environ() if environ is None else environ
            response = Response(request, *answered)
            self._call("post_request", hook, self._worker, request, environ, response)

    def _guarded(self, name: str, *arguments: object) -> None:
        if name in self._hooks:
            self._call(name, self._hooks[name], *arguments)

    def _call(self, name: str, hook: Hook, *arguments: object) -> None:
        try:
            hook(*arguments)
        except BaseException as error:
            self._failed(name, error)
