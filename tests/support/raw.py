"""A client that shows what is on the wire: it sends bytes and reads one answer at a time."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from typing_extensions import Self

from support.address import Address

TIMEOUT = 10.0


class CutError(AssertionError):
    """The server closed the connection in the middle of an answer."""


@dataclass
class Response:
    """One answer, exactly as it came."""

    version: str
    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    #: How the end of the body was marked: `length`, `chunked`, `close` or `none`.
    framing: str = "none"
    chunks: list[bytes] = field(default_factory=list)
    interim: list[int] = field(default_factory=list)

    def header(self, name: str) -> str | None:
        """The value of a header that must not be repeated."""
        values = self.header_list(name)
        if len(values) > 1:
            raise AssertionError(f"{name} is repeated: {values}")
        return values[0] if values else None

    def header_list(self, name: str) -> list[str]:
        """Every value of a header, in order."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def text(self) -> str:
        """The body as UTF-8 text."""
        return self.body.decode()

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def build_request(
    method: str,
    target: str,
    headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    body: bytes = b"",
    version: str = "HTTP/1.1",
) -> bytes:
    """The bytes of a request, with Host and Content-Length where they are missing."""
    pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
    names = {name.lower() for name, _ in pairs}
    if "host" not in names:
        pairs.insert(0, ("Host", "localhost"))
    if body and not names & {"content-length", "transfer-encoding"}:
        pairs.append(("Content-Length", str(len(body))))
    lines = [f"{method} {target} {version}", *(f"{name}: {value}" for name, value in pairs)]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def chunked(*parts: bytes) -> bytes:
    """A request body in chunked coding, with its end."""
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (*parts, b""))


class Connection:
    """One connection to the server."""

    def __init__(
        self, address: Address, timeout: float = TIMEOUT, receive_buffer: int | None = None
    ) -> None:
        self.sock = address.open(timeout, receive_buffer)
        self._pending = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave politely."""
        self.sock.close()

    def reset(self) -> None:
        """Leave with a TCP reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def half_close(self) -> None:
        """Say that nothing more will be sent."""
        self.sock.shutdown(socket.SHUT_WR)

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.sock.sendall(data)

    def send_slowly(self, data: bytes) -> None:
        """Send every byte in a segment of its own."""
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(len(data)):
            self.sock.sendall(data[at : at + 1])

    def request(self, method: str, target: str, **parts: Any) -> Response:
        """Send a request and read its answer."""
        self.send(build_request(method, target, **parts))
        return self.read_response(method)

    def get(self, target: str, **parts: Any) -> Response:
        """Send a GET and read its answer."""
        return self.request("GET", target, **parts)

    def post(self, target: str, body: bytes, **parts: Any) -> Response:
        """Send a POST and read its answer."""
        return self.request("POST", target, body=body, **parts)

    def read_response(self, method: str = "GET") -> Response:
        """The next answer with its whole body; interim answers are kept by status."""
        interim: list[int] = []
        while True:
            response = self.read_head()
            if response.status >= 200 or response.status == 101:
                break
            interim.append(response.status)
        response.interim = interim
        self._read_body(response, method)
        return response

    def read_head(self) -> Response:
        """The next status line and headers, without a body."""
        head = self.read_to(b"\r\n\r\n")[:-4].decode("latin-1")
        status_line, *lines = head.split("\r\n")
        version, status, reason = (status_line + " ").split(" ", 2)
        pairs = []
        for line in lines:
            name, colon, value = line.partition(":")
            assert colon, f"not a header line: {line!r}"
            assert name == name.strip(), f"not a header name: {line!r}"
            pairs.append((name, value.strip(" \t")))
        return Response(version, int(status), reason.rstrip(), pairs)

    def read_chunk(self) -> bytes:
        """The next chunk of a chunked body; empty at its end."""
        size = int(self.read_to(b"\r\n")[:-2].split(b";")[0], 16)
        data = self.read_exactly(size)
        assert self.read_exactly(2) == b"\r\n"
        return data

    def read_to(self, mark: bytes) -> bytes:
        """Everything up to and with `mark`."""
        while mark not in self._pending:
            self._receive()
        head, self._pending = self._split(self._pending.index(mark) + len(mark))
        return head

    def read_exactly(self, size: int) -> bytes:
        """Exactly `size` bytes."""
        parts = [self._pending]
        missing = size - len(self._pending)
        while missing > 0:
            data = self.sock.recv(min(missing, 1 << 20))
            if not data:
                raise CutError(f"closed with {missing} of {size} bytes missing")
            parts.append(data)
            missing -= len(data)
        self._pending = b"".join(parts)
        data, self._pending = self._split(size)
        return data

    def read_to_close(self) -> bytes:
        """Everything until the server closes (a reset counts as closing)."""
        while True:
            try:
                self._receive()
            except (CutError, ConnectionError):
                data, self._pending = self._pending, b""
                return data

    def closed_by_server(self, within: float = TIMEOUT) -> bool:
        """Whether the server closes without sending anything more."""
        self.sock.settimeout(within)
        try:
            return self._pending == b"" and self.sock.recv(1) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False

    def silent(self, during: float) -> bool:
        """Whether nothing at all arrives for a while."""
        before = self.sock.gettimeout()
        self.sock.settimeout(during)
        try:
            self._pending += self.sock.recv(65536)
        except TimeoutError:
            return not self._pending
        finally:
            self.sock.settimeout(before)
        return False

    def _read_body(self, response: Response, method: str) -> None:
        coding = response.header("Transfer-Encoding")
        length = response.header("Content-Length")
        assert coding is None or length is None, "both Transfer-Encoding and Content-Length"
        if method == "HEAD" or response.status in (204, 304):
            return
        if coding is not None:
            assert coding.lower() == "chunked", coding
            response.framing = "chunked"
            while chunk := self.read_chunk():
                response.chunks.append(chunk)
            response.body = b"".join(response.chunks)
        elif length is not None:
            response.framing = "length"
            response.body = self.read_exactly(int(length))
        else:
            response.framing = "close"
            response.body = self.read_to_close()

    def _receive(self) -> None:
        data = self.sock.recv(1 << 20)
        if not data:
            raise CutError(f"closed after {self._pending[-200:]!r}")
        self._pending += data

    def _split(self, at: int) -> tuple[bytes, bytes]:
        return self._pending[:at], self._pending[at:]
