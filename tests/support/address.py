"""Where a server listens, and how to get a socket to it."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass


@dataclass(frozen=True)
class Address:
    """A TCP host and port, or the path of a unix socket; an abstract one begins with `@`."""

    host: str = ""
    port: int = 0
    path: str = ""

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read `http://127.0.0.1:8000`, `uwsgi://[::1]:8000` or `unix:/run/site.sock`."""
        text = text.replace("uwsgi://unix:", "unix:")
        if text.startswith(("unix:", "/")):
            return cls(path=text.removeprefix("unix:"))
        match = re.fullmatch(r"(?:https?|uwsgi)://\[?([^\]]*?)\]?:(\d+)", text)
        if match is None:
            raise ValueError(f"not an address: {text!r}")
        return cls(host=match[1], port=int(match[2]))

    def open(self, timeout: float, receive_buffer: int | None = None) -> socket.socket:
        """A connected socket; a small `receive_buffer` makes a slow reader."""
        family = socket.AF_INET
        if self.path:
            family = socket.AF_UNIX
        elif ":" in self.host:
            family = socket.AF_INET6
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(timeout)
            if receive_buffer is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            path = "\0" + self.path[1:] if self.path.startswith("@") else self.path
            sock.connect(path or (self.host, self.port))
        except BaseException:
            sock.close()
            raise
        return sock

    @property
    def url(self) -> str:
        """The address as the beginning of a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host or "localhost"
        return f"http://{host}:{self.port}" if self.port else f"http://{host}"
