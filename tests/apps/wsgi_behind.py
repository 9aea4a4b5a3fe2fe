"""WSGI: what the tests behind a proxy ask for; `asgi_behind` gives the same answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from apps.notes import note

Environ = dict[str, Any]


class Endless:
    """A body without an end, which notes that it was closed."""

    def __iter__(self) -> Iterator[bytes]:
        while True:
            yield b"z" * 65536

    def close(self) -> None:
        note("the client left")


def app(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer by the last part of the path."""
    name = environ["PATH_INFO"].rpartition("/")[2]
    query = environ["QUERY_STRING"]
    if name == "status":
        start_response(f"{query} As Asked", [("X-Answer", query), ("ETag", '"x"')])
        return [] if query in ("204", "304") else [b"asked for " + query.encode()]
    if name == "digest":
        return whole(start_response, digest(environ["wsgi.input"]))
    if name == "parts":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return parts(query)
    if name == "endless":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return Endless()
    if name == "raise":
        raise RuntimeError("on purpose")
    return whole(start_response, who(environ))


def whole(start_response: Callable[..., Any], answer: dict[str, Any]) -> list[bytes]:
    """An answer as JSON, with its length."""
    body = json.dumps(answer).encode()
    length = str(len(body))
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", length)])
    return [body]


def who(environ: Environ) -> dict[str, Any]:
    """How the request, its client and this server look from here."""
    return {
        "method": environ["REQUEST_METHOD"],
        "scheme": environ["wsgi.url_scheme"],
        "client": environ["REMOTE_ADDR"],
        "port": str(environ.get("REMOTE_PORT", "")),
        "server": [environ["SERVER_NAME"], str(environ["SERVER_PORT"])],
        "root": environ["SCRIPT_NAME"],
        "path": environ["PATH_INFO"],
        "query": environ["QUERY_STRING"],
        "user": environ.get("REMOTE_USER"),
        "length": environ.get("CONTENT_LENGTH") or None,
        "headers": {
            key[5:].lower().replace("_", "-"): value
            for key, value in environ.items()
            if key.startswith("HTTP_")
        },
    }


def digest(stream: Any) -> dict[str, Any]:
    """Size and hash of the request body."""
    seen, size = hashlib.sha256(), 0
    for part in iter(lambda: stream.read(65536), b""):
        seen.update(part)
        size += len(part)
    return {"size": size, "sha256": seen.hexdigest()}


def parts(fifo: str) -> Iterator[bytes]:
    """One part, and a second one when the test has written to the named pipe."""
    yield b"first"
    Path(fifo).read_text()
    yield b"second"
