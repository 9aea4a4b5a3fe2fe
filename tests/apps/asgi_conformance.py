"""ASGI: the application of the conformance table; `wsgi_conformance` is its twin."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from apps.asgi_receive import read_all
from apps.conformance import Reply, answer, length, take_records

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


def fields_of(scope: Scope) -> dict[str, str]:
    """The header fields by lower-case name, repeated ones joined; an underscore is a hyphen."""
    fields: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").replace("_", "-"), value.decode("latin-1")
        fields[key] = f"{fields[key]},{text}" if key in fields else text
    return fields


async def respond(reply: Reply, send: Send) -> None:
    """Send a reply as it is."""
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers
    ]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    for part in reply.body:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body"})


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Read the request, note it, and answer by its path."""
    if scope["type"] != "http":
        raise ValueError(f"no {scope['type']} here")
    if scope["path"] == "/records":
        text = take_records()
        await respond(Reply(headers=length(len(text)), body=[text]), send)
        return
    fields = fields_of(scope)
    try:
        body = b"" if scope["path"] == "/unread" else await read_all(receive)
    except ConnectionError:
        # The body broke off or broke a rule: it was never a whole request.
        return
    record = {
        "method": scope["method"],
        "path": scope["path"],
        "query": scope["query_string"].decode("latin-1"),
        "host": fields.get("host"),
        "body": body.decode("latin-1"),
        "version": scope["http_version"],
        "fields": fields,
    }
    await respond(answer(record), send)
