"""A real HAProxy for one test: its configuration, its process, its log."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

from programs import HAPROXY

from support.address import Address
from support.commands import EXAMPLES
from support.processes import kill_session, session_members
from support.server import Server
from support.waiting import wait_until

STOP_DEADLINE = 10.0


class MissingError(Exception):
    """There is no HAProxy that could be used."""


class HAProxy:
    """One HAProxy in the foreground, on two ports: plain, and with TLS."""

    def __init__(self, directory: Path) -> None:
        found = HAPROXY.locate()
        if found is None or shutil.which("openssl") is None:
            raise MissingError("no HAProxy or no openssl: `./dev setup` installs them")
        self.program = str(found)
        self.directory = directory
        self.process: subprocess.Popen[bytes] | None = None
        # Bound here and inherited, so that nobody else can take the ports in between.
        self._sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
        self.ports = [sock.getsockname()[1] for sock in self._sockets]
        self.certificate = directory / "site.pem"

    def start(self, server: Server, *changes: tuple[str, str]) -> HAProxy:
        """Start it in front of a server, with the example's configuration and changes to it."""
        make_certificate(self.certificate)
        plain, tls = (sock.fileno() for sock in self._sockets)
        address = server.address
        text = (EXAMPLES / "haproxy" / "tcp.cfg").read_text()
        for old, new in (
            ("bind :80", f"bind fd@{plain}"),
            ("bind :443", f"bind fd@{tls}"),
            ("/etc/haproxy/site.pem", str(self.certificate)),
            ("one 127.0.0.1:8000", f"one {address.path or f'127.0.0.1:{address.port}'}"),
            *changes,
        ):
            assert old in text, f"the example has no `{old}` any more"
            text = text.replace(old, new)
        configuration = self.directory / "haproxy.cfg"
        configuration.write_text(text)
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [self.program, "-db", "-f", str(configuration)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(plain, tls),
                start_new_session=True,
            )
        for sock in self._sockets:
            sock.close()
        wait_until(self._answers, what="the first answer through HAProxy")
        return self

    def _answers(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"HAProxy did not start\n{self.report()}")
        try:
            with self.address.open(STOP_DEADLINE) as sock:
                sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
                return sock.recv(9) == b"HTTP/1.1 "
        except ConnectionError:
            return False

    def finish(self) -> None:
        """Stop it."""
        for sock in self._sockets:
            sock.close()
        if self.process is None:
            return
        try:
            self.process.terminate()
            self.process.wait(STOP_DEADLINE)
            left = session_members(self.process.pid)
            assert not left, f"HAProxy left processes behind: {left}"
        finally:
            kill_session(self.process.pid)

    @property
    def address(self) -> Address:
        """Where it speaks plain HTTP."""
        return Address("127.0.0.1", self.ports[0])

    @property
    def log_path(self) -> Path:
        """What it printed."""
        return self.directory / "haproxy.log"

    def report(self) -> str:
        """What a person needs to see when a test failed."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""


StartHAProxy = Callable[..., HAProxy]


def make_certificate(path: Path) -> None:
    """A certificate for `localhost` with its key in one file, as HAProxy takes them."""
    key, certificate = path.with_suffix(".key"), path.with_suffix(".crt")
    words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj"]
    command = ["openssl", *words, "/CN=localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    path.write_text(certificate.read_text() + key.read_text())
