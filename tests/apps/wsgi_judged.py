"""WSGI: a careful application inside wsgiref's validator and werkzeug's lint."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from wsgiref.validate import validator

from werkzeug.middleware.lint import LintMiddleware

warnings.simplefilter("always")

TEXT = [("Content-Type", "text/plain")]


class Closing:
    """An iterable with a `close`."""

    def __iter__(self) -> Iterator[bytes]:
        return iter([b"to be ", b"closed"])

    def close(self) -> None:
        """Nothing to do; the judges see that it was called."""


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer as the path says."""
    path = environ["PATH_INFO"]
    if path == "/status":
        status = environ["QUERY_STRING"]
        # The lint wants a length of zero where the RFC wants none.
        length = [("Content-Length", "0")] if status == "204" else []
        start_response({"204": "204 No Content", "304": "304 Not Modified"}[status], length)
        return []
    if path == "/replaced":
        return _replaced(start_response)
    stream = environ["wsgi.input"]
    body: Iterable[bytes] = [b"judged"]
    if path == "/read":
        body = [_read(stream)]
    elif path == "/lines":
        body = [b"".join(stream)]
    elif path == "/generator":
        body = (part for part in (b"judged ", b"twice"))
    elif path == "/closing":
        body = Closing()
    elif path == "/empty":
        body = []
    write = start_response("200 OK", TEXT)
    if path == "/write":
        write(b"written, ")
    return body


def _read(stream: Any) -> bytes:
    parts = []
    while part := stream.read(3):
        parts.append(part)
    return b"".join(parts)


def _replaced(start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", TEXT)
    try:
        raise ValueError("on purpose")
    except ValueError:
        start_response("500 Internal Server Error", TEXT, sys.exc_info())
    return [b"replaced"]


validated = validator(app)
linted = LintMiddleware(app)
