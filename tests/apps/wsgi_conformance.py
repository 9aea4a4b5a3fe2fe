"""WSGI: the application of the conformance table; `asgi_conformance` is its twin."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from apps.conformance import answer, length, take_records

Environ = dict[str, Any]


def fields_of(environ: Environ) -> dict[str, str]:
    """The header fields by lower-case name."""
    found = {
        name.removeprefix("HTTP_"): value
        for name, value in environ.items()
        if name.startswith("HTTP_") or name in ("CONTENT_TYPE", "CONTENT_LENGTH")
    }
    return {name.replace("_", "-").lower(): value for name, value in found.items()}


def app(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Read the request, note it, and answer by its path."""
    path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
    if path == "/records":
        text = take_records()
        start_response("200 OK", length(len(text)))
        return [text]
    fields = fields_of(environ)
    unread = path == "/unread"
    record = {
        "method": environ["REQUEST_METHOD"],
        "path": path,
        "query": environ["QUERY_STRING"],
        "host": fields.get("host"),
        "body": "" if unread else environ["wsgi.input"].read().decode("latin-1"),
        "version": environ["SERVER_PROTOCOL"].removeprefix("HTTP/"),
        "fields": fields,
    }
    reply = answer(record)
    start_response(f"{reply.status} {reply.reason}".rstrip(" "), list(reply.headers))
    return list(reply.body)
