"""WSGI: reads the request body in every way; the path chooses."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from typing import Any


def _in_parts(stream: Any, size: int) -> list[bytes]:
    parts = []
    while part := stream.read(size):
        parts.append(part)
    return parts


READERS: dict[str, Callable[[Any], Any]] = {
    "/read": lambda stream: stream.read(),
    "/read-twice": lambda stream: [stream.read(), stream.read(), stream.read(5)],
    "/read-minus": lambda stream: stream.read(-1),
    "/read-none": lambda stream: stream.read(None),
    "/read-zero": lambda stream: [stream.read(0), stream.read()],
    "/read-5": lambda stream: _in_parts(stream, 5),
    "/read-more": lambda stream: stream.read(10_000_000),
    "/readline": lambda stream: [stream.readline(), stream.readline(), stream.readline()],
    "/readline-3": lambda stream: [stream.readline(3), stream.readline(3), stream.readline(3)],
    "/readlines": lambda stream: stream.readlines(),
    "/readlines-hint": lambda stream: stream.readlines(1),
    "/iterate": lambda stream: list(stream),
    "/mixed": lambda stream: [stream.readline(), stream.read(2), next(iter(stream)), stream.read()],
    "/ignore": lambda _: b"not read",
}


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer with what the reader of the path saw."""
    if environ["PATH_INFO"] == "/digest":
        seen: Any = _digest(environ["wsgi.input"])
    else:
        seen = READERS[environ["PATH_INFO"]](environ["wsgi.input"])
    if isinstance(seen, bytes):
        seen = [seen]
    if isinstance(seen, list):
        seen = [part.decode("latin-1") for part in seen]
    answer = {"seen": seen, "length": environ.get("CONTENT_LENGTH")}
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(answer).encode()]


def _digest(stream: Any) -> dict[str, Any]:
    digest, size = hashlib.sha256(), 0
    for part in iter(lambda: stream.read(65536), b""):
        digest.update(part)
        size += len(part)
    return {"sha256": digest.hexdigest(), "size": size, "files": _deleted_files()}


def _deleted_files() -> int:
    """How many open files of this process have no name any more."""
    links = (f"/proc/self/fd/{name}" for name in os.listdir("/proc/self/fd"))
    return sum("(deleted)" in os.readlink(link) for link in links if os.path.islink(link))
