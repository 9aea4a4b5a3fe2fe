"""WSGI: the few answers the HTTP tests need; `asgi_plain` gives the same ones."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterable
from typing import Any

from apps.notes import note

CALLS = itertools.count()


def block(seconds: float) -> None:
    """Hold the worker; a stack that names this function shows where it hangs."""
    note(f"blocking {seconds:g}")
    time.sleep(seconds)


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Count the call and answer by path."""
    number = next(CALLS)
    path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
    body = b"hello"
    if path == "/count":
        body = b"%d" % number
    elif path == "/echo":
        body = environ["wsgi.input"].read()
    elif path == "/query":
        body = query.encode()
    elif path == "/large":
        body = b"x" * int(query)
    elif path == "/sleep":
        note(f"sleeping {query}")
        time.sleep(float(query))
        note("slept")
    elif path == "/block":
        block(float(query))
    elif path == "/pid":
        body = b"%d" % os.getpid()
    elif path == "/raise":
        raise RuntimeError("on purpose")
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-Answer", 'an "answer"')])
    return [body]
