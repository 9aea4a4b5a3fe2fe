"""A running server: start it, talk to it, read its log, stop it and look what it left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from time import monotonic
from typing import Any

from support.address import Address
from support.commands import Kind, environment
from support.processes import children, is_alive, kill_session, session_members
from support.raw import Connection, Response, build_request
from support.waiting import DEADLINE, wait_until

BOOT_DEADLINE = 20.0
STOP_DEADLINE = 20.0


class Server:
    """The real command in a session and a directory of its own."""

    def __init__(
        self,
        kind: Kind,
        app: str,
        directory: Path,
        settings: dict[str, Any],
        env: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
    ) -> None:
        self.kind = kind
        self.directory = directory
        self.settings = dict(settings)
        self.command = [*prefix, *kind.command(app, settings)]
        self.expected_errors: list[str] = []
        self.expected_status = kind.stopped
        self._judged = 0
        self._stopping = False
        self._clients: list[Connection] = []
        self._pool: ThreadPoolExecutor | None = None
        with self.log_path.open("wb") as log, self.output_path.open("wb") as output:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=log,
                cwd=directory,
                env=environment(env),
                start_new_session=True,
            )

    # What it is.

    @property
    def pid(self) -> int:
        """The master."""
        return self.process.pid

    @property
    def log_path(self) -> Path:
        """The error log, which is the standard error of the server."""
        return self.directory / "stderr.log"

    @property
    def output_path(self) -> Path:
        """The standard output of the server."""
        return self.directory / "stdout.log"

    @cached_property
    def addresses(self) -> list[Address]:
        """Where it listens, as its log says."""
        match = re.search(self.kind.listening, self.log())
        assert match is not None, "the log names no address"
        return [Address.parse(text.rstrip(",")) for text in match[1].split(",") if text]

    @property
    def address(self) -> Address:
        """The first address."""
        return self.addresses[0]

    def worker_pids(self) -> set[int]:
        """The running workers."""
        if self.kind.name == "uvicorn":
            return children(self.pid) or {self.pid}
        # What `--preload` forks them from is none.
        templates = re.findall(r"Booting template with pid: (\d+)", self.log())
        return children(self.pid) - set(map(int, templates))

    # Its log.

    def log(self) -> str:
        """The whole error log."""
        return self.log_path.read_text(errors="replace")

    def log_lines(self, pattern: str) -> int:
        """How many lines of the log match."""
        return sum(bool(re.search(pattern, line)) for line in self.log().splitlines())

    def wait_log(self, pattern: str, *, within: float = DEADLINE, times: int = 1) -> str:
        """Wait for a line that matches, and return the text that matched last."""

        def found() -> list[re.Match[str]]:
            matches = list(re.finditer(pattern, self.log(), re.MULTILINE))
            if len(matches) < times and not self.alive:
                raise AssertionError(f"the server ended before it wrote {pattern!r}")
            return matches if len(matches) >= times else []

        return wait_until(found, within=within, what=f"the log line {pattern!r}")[-1][0]

    def wait_until(self, condition: Callable[[], object], *, within: float = DEADLINE) -> None:
        """Wait until a condition holds."""
        wait_until(condition, within=within)

    def wait_stable(self, value: Callable[[], int], quiet: float = 0.3) -> int:
        """Wait until a number has stopped changing for a while, and return it."""
        seen, since = value(), monotonic()

        def settled() -> bool:
            nonlocal seen, since
            now = value()
            if now != seen:
                seen, since = now, monotonic()
            return seen != 0 and monotonic() - since >= quiet

        wait_until(settled, what="a number that stays")
        return seen

    def wait_ready(self) -> Server:
        """Wait until it listens and has the workers it was asked for."""
        self.wait_log(self.kind.listening, within=BOOT_DEADLINE)
        if self.settings.get("preload"):
            self.wait_log("Booting (template|worker) with pid", within=BOOT_DEADLINE)
        wanted = int(self.settings.get("workers") or 1)
        self.wait_until(lambda: len(self.worker_pids()) >= wanted, within=BOOT_DEADLINE)
        return self

    def expect(self, *patterns: str) -> None:
        """Say which ERROR lines belong to the test."""
        self.expected_errors += patterns

    def judge(self) -> list[str]:
        """The ERROR lines since the last judgement that no test expected."""
        with self.log_path.open("rb") as log:
            log.seek(self._judged)
            lines = log.read().decode(errors="replace").splitlines()
            self._judged = log.tell()
        expected, self.expected_errors = self.expected_errors, []
        errors = [line for line in lines if re.search(self.kind.error, line)]
        return [
            line for line in errors if not any(re.search(pattern, line) for pattern in expected)
        ]

    # Its clients.

    def connect(self, **options: Any) -> Connection:
        """A new connection to the first address, open until it or the test ends."""
        self._clients.append(Connection(self.address, **options))
        return self._clients[-1]

    def hang_up(self) -> None:
        """Close every connection a test has left open."""
        while self._clients:
            self._clients.pop().close()

    def request(self, method: str, target: str, **parts: Any) -> Response:
        """One request on a connection of its own."""
        with self.connect() as client:
            headers = dict(parts.pop("headers", {}))
            headers.setdefault("Connection", "close")
            client.send(build_request(method, target, headers=headers, **parts))
            return client.read_response(method)

    def get(self, target: str, **parts: Any) -> Response:
        """One GET on a connection of its own."""
        return self.request("GET", target, **parts)

    def post(self, target: str, body: bytes, **parts: Any) -> Response:
        """One POST on a connection of its own."""
        return self.request("POST", target, body=body, **parts)

    def get_in_background(self, target: str, **parts: Any) -> Future[Response]:
        """One GET on a thread of its own."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(max_workers=32)
        return self._pool.submit(self.get, target, **parts)

    # Its end.

    @property
    def alive(self) -> bool:
        """Whether the master still runs."""
        return self.process.poll() is None

    def signal(self, name: str, pid: int | None = None) -> None:
        """Send a signal by name, to the master if no process is given."""
        os.kill(pid or self.pid, getattr(signal, f"SIG{name}"))

    def wait_exit(self, within: float = STOP_DEADLINE) -> int:
        """The exit status, once the master has gone."""
        return self.process.wait(within)

    def begin_stop(self) -> None:
        """Ask it to stop, once."""
        if self.alive and not self._stopping:
            self._stopping = True
            self.signal("TERM")

    def stop(self) -> int:
        """Ask it to stop and return its exit status."""
        self.begin_stop()
        return self.wait_exit()

    def finish(self) -> None:
        """Stop it and check that it went in order and left nothing behind."""
        try:
            status = self.stop()
            assert status == self.expected_status, f"exit status {status}"
            wait_until(lambda: not session_members(self.pid), what="the end of every process")
            self._check_leftovers()
        except (AssertionError, subprocess.TimeoutExpired) as problem:
            raise AssertionError(f"{problem}\n{self.report()}") from problem
        finally:
            self.kill()

    def kill(self) -> None:
        """End whatever is left of it."""
        self.hang_up()
        kill_session(self.pid)
        if is_alive(self.pid):
            self.process.kill()
        self.process.wait(STOP_DEADLINE)
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def report(self) -> str:
        """What a person needs to see when a test failed."""
        parts = [f"$ {' '.join(self.command)}", "--- stderr", self.log()]
        if output := self.output_path.read_text(errors="replace"):
            parts += ["--- stdout", output]
        return "\n".join(parts)

    def _check_leftovers(self) -> None:
        errors = self.judge()
        assert not errors, f"unexpected in the log: {errors}"
        if self.kind.name == "uvicorn":
            return
        left = [path.name for path in self.directory.iterdir() if path.suffix in (".pid", ".sock")]
        assert not left, f"left behind: {left}"
