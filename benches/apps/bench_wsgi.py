"""The WSGI application of the benchmark: handlers so small that the server is what is measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

PLAIN = ("Content-Type", "text/plain")
HELLO = [b"Hello, world!"]
HELLO_HEADERS = [PLAIN, ("Content-Length", "13")]
LARGE = [b"x" * 10240]
LARGE_HEADERS = [PLAIN, ("Content-Length", "10240")]
HUGE = [b"x" * 1048576]
HUGE_HEADERS = [PLAIN, ("Content-Length", "1048576")]


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Serve `/`, `/10k`, `/1m`, `/echo` and `/stream`."""
    path = environ["PATH_INFO"]
    if path == "/":
        start_response("200 OK", HELLO_HEADERS)
        return HELLO
    if path == "/10k":
        start_response("200 OK", LARGE_HEADERS)
        return LARGE
    if path == "/1m":
        start_response("200 OK", HUGE_HEADERS)
        return HUGE
    if path == "/echo":
        body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]
    if path == "/stream":
        start_response("200 OK", [PLAIN])
        return (b"y" * 1024 for _ in range(10))
    start_response("404 Not Found", [("Content-Length", "0")])
    return []
