"""A real nginx for one test: its configuration, its process, its log."""

from __future__ import annotations

import os
import pwd
import re
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from programs import NGINX, stream_module

from support.address import Address
from support.processes import kill_session, session_members
from support.raw import Connection, Response, build_request
from support.server import Server
from support.waiting import wait_until

STOP_DEADLINE = 10.0

#: What every configuration begins with: nothing outside of the directory of the test is touched.
PREAMBLE = """\
{module}
{user}
daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/error.log warn;
events {{ worker_connections 512; }}
"""

#: What every `http` block begins with.
HTTP = """\
    access_log {directory}/access.log;
    client_body_temp_path {directory}/client_body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    client_max_body_size 0;
"""


class MissingError(Exception):
    """There is no nginx that could be used."""


def program() -> str:
    """The nginx of this machine, or the one that `./dev setup` has unpacked."""
    found = NGINX.locate()
    if found is None:
        raise MissingError("no nginx with its stream module: `./dev setup` installs it")
    return str(found)


class Nginx:
    """One nginx in the foreground, listening where the test wants it."""

    def __init__(self, directory: Path, listeners: int = 1) -> None:
        self.program = program()
        self.directory = directory
        self.expected_errors: list[str] = []
        self.process: subprocess.Popen[bytes] | None = None
        self._clients: list[Connection] = []
        # The ports are bound here and inherited, so that nobody else can take them in between.
        self._sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(listeners)]
        self.ports = [sock.getsockname()[1] for sock in self._sockets]

    # Its life.

    def start(self, http: str = "", *, stream: str = "", main: str = "") -> Nginx:
        """Start it with the contents of its `http` and `stream` blocks."""
        parts = [self._filled(PREAMBLE), main]
        if http:
            parts.append(f"http {{\n{self._filled(HTTP)}{http}\n}}")
        if stream:
            parts.append(f"stream {{\n{stream}\n}}")
        self.configuration_path.write_text("\n".join(parts) + "\n")
        for sock in self._sockets:
            sock.setblocking(False)
        numbers = [sock.fileno() for sock in self._sockets]
        with self.output_path.open("wb") as output:
            self.process = subprocess.Popen(
                [self.program, "-p", str(self.directory), "-c", str(self.configuration_path)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, "NGINX": "".join(f"{number};" for number in numbers)},
                pass_fds=numbers,
                start_new_session=True,
            )
        for sock in self._sockets:
            sock.close()
        wait_until(self._started, what="the pid file of nginx")
        return self

    def _filled(self, text: str) -> str:
        user = pwd.getpwuid(os.geteuid()).pw_name if os.geteuid() == 0 else ""
        return text.format(
            directory=self.directory,
            module=stream_module(Path(self.program)),
            # Workers of a root's nginx would be `nobody`, who cannot enter the test's directory.
            user=f"user {user};" if user else "",
        )

    def _started(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"nginx did not start\n{self.report()}")
        pid = self.directory / "nginx.pid"
        return pid.exists() and pid.read_text().strip() == str(self.process.pid)

    def finish(self) -> None:
        """Stop it, and fail if its log has an error that no test expected."""
        for client in self._clients:
            client.close()
        if self.process is None:
            for sock in self._sockets:
                sock.close()
            return
        try:
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGTERM)
            status = self.process.wait(STOP_DEADLINE)
            left = session_members(self.process.pid)
            assert status == 0, f"nginx ended with status {status}\n{self.report()}"
            assert not left, f"nginx left processes behind: {left}"
            errors = self.judge()
            assert not errors, f"unexpected in the log of nginx: {errors}\n{self.report()}"
        finally:
            kill_session(self.process.pid)

    # Its log.

    @property
    def configuration_path(self) -> Path:
        """The file it was started with."""
        return self.directory / "nginx.conf"

    @property
    def output_path(self) -> Path:
        """What it printed before it had opened its log."""
        return self.directory / "output.log"

    def log(self) -> str:
        """The error log."""
        path = self.directory / "error.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def expect(self, *patterns: str) -> None:
        """Say which lines of its error log belong to the test."""
        self.expected_errors += patterns

    def judge(self) -> list[str]:
        """The lines that are errors, or worse, and that no test expected."""
        lines = re.findall(r"^.*\[(?:error|crit|alert|emerg)\].*$", self.log(), re.MULTILINE)
        patterns = self.expected_errors
        return [line for line in lines if not any(re.search(each, line) for each in patterns)]

    def report(self) -> str:
        """What a person needs to see when a test failed."""
        parts = ["--- nginx.conf"]
        if self.configuration_path.exists():
            parts.append(self.configuration_path.read_text())
        if self.output_path.exists():
            parts += ["--- output", self.output_path.read_text(errors="replace")]
        return "\n".join([*parts, "--- error.log", self.log()])

    # Its clients.

    def address(self, listener: int = 0) -> Address:
        """Where one of its listeners is."""
        return Address("127.0.0.1", self.ports[listener])

    def connect(self, listener: int = 0, **options: Any) -> Connection:
        """A new connection, open until it or the test ends."""
        self._clients.append(Connection(self.address(listener), **options))
        return self._clients[-1]

    def request(self, method: str, target: str, *, listener: int = 0, **parts: Any) -> Response:
        """One request on a connection of its own."""
        with Connection(self.address(listener)) as client:
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


StartNginx = Callable[..., Nginx]


def upstream(server: Server) -> str:
    """The address of a server as `server` and `uwsgi_pass` of nginx take it."""
    address = server.address
    return f"unix:{address.path}" if address.path else f"{address.host}:{address.port}"
