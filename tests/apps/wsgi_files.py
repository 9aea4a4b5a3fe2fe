"""WSGI: files in `wsgi.file_wrapper`; the query says which, how opened, and what is done to it.

The server closes what is opened here.
"""

# ruff: noqa: SIM115

from __future__ import annotations

import gzip
import io
import os
import signal
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qs

from apps.notes import note

Environ = dict[str, Any]


class Proxy:
    """A file behind another object, as Django's `File` is: `read` is the file's own."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.read = file.read
        self.close = file.close


class Upper(io.BufferedReader):
    """A file that changes what it reads."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(size).upper()


def _piped(path: str) -> IO[bytes]:
    read, write = os.pipe()
    with open(write, "wb") as end:
        end.write(Path(path).read_bytes()[:4000])
    return open(read, "rb")


def _zipped(path: str) -> IO[bytes]:
    Path(path + ".gz").write_bytes(gzip.compress(Path(path).read_bytes()))
    return gzip.open(path + ".gz")


def _named(path: str) -> IO[bytes]:
    file = tempfile.NamedTemporaryFile()
    file.write(Path(path).read_bytes())
    file.seek(0)
    return file


OPENERS: dict[str, Callable[[str], Any]] = {
    "buffered": lambda path: open(path, "rb"),
    "raw": lambda path: open(path, "rb", buffering=0),
    "random": lambda path: open(path, "r+b"),
    "proxy": lambda path: Proxy(open(path, "rb")),
    "named": _named,
    "upper": lambda path: Upper(open(path, "rb", buffering=0)),
    "gzip": _zipped,
    "memory": lambda path: io.BytesIO(Path(path).read_bytes()),
    "pipe": _piped,
    "text": lambda path: open(path, encoding="latin-1"),
    "proc": lambda _: open("/proc/self/status", "rb"),
    "closed": lambda path: _closed(path),
}


def _closed(path: str) -> IO[bytes]:
    file = open(path, "rb")
    file.close()
    return file


def app(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Send a file, as the query says."""
    query = {name: values[0] for name, values in parse_qs(environ["QUERY_STRING"]).items()}
    if "path" not in query:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"no file"]
    if "sigpipe" in query:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    file = OPENERS[query.get("open", "buffered")](query["path"])
    if "read" in query:
        file.read(int(query["read"]))
    if "seek" in query:
        file.seek(int(query["seek"]))
    headers = [("Content-Type", "application/octet-stream")]
    if "length" in query:
        headers.append(("Content-Length", query["length"]))
    write = start_response(query.get("status", "200 OK"), headers)
    if "write" in query:
        write(query["write"].encode())
    if "remove" in query:
        os.remove(query["path"])
    if "note" in query:
        close = file.close

        def noted() -> None:
            note(f"closed {query['note']}")
            close()

        file.close = noted
    wrapper: Iterable[bytes] = environ["wsgi.file_wrapper"](file, 4096)
    return wrapper
