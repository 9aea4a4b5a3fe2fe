"""ASGI: what the tests behind a proxy ask for; `wsgi_behind` gives the same answers."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from apps.notes import note

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer by the last part of the path."""
    if scope["type"] != "http":
        raise ValueError(f"no {scope['type']} here")
    name = scope["path"].rpartition("/")[2]
    query = scope["query_string"].decode()
    if name == "status":
        await start(send, int(query), [(b"x-answer", query.encode()), (b"etag", b'"x"')])
        await part(send, b"" if query in ("204", "304") else b"asked for " + query.encode())
    elif name == "digest":
        try:
            await whole(send, await digest(receive))
        except ConnectionError:
            note("the client left")
    elif name == "parts":
        await start(send, 200, [(b"content-type", b"text/plain")])
        await part(send, b"first", more=True)
        await asyncio.to_thread(Path(query).read_text)
        await part(send, b"second")
    elif name == "endless":
        await endless(send)
    elif name == "raise":
        raise RuntimeError("on purpose")
    else:
        await whole(send, who(scope))


async def start(send: Send, status: int, headers: Headers) -> None:
    """The beginning of an answer."""
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def part(send: Send, body: bytes, *, more: bool = False) -> None:
    """A part of an answer, the last one unless there is more."""
    await send({"type": "http.response.body", "body": body, "more_body": more})


async def whole(send: Send, answer: dict[str, Any]) -> None:
    """An answer as JSON, with its length."""
    body = json.dumps(answer).encode()
    length = b"%d" % len(body)
    await start(send, 200, [(b"content-type", b"application/json"), (b"content-length", length)])
    await part(send, body)


def who(scope: Scope) -> dict[str, Any]:
    """How the request, its client and this server look from here."""
    client = scope["client"] or ("", "")
    server = scope["server"] or ("", "")
    root = scope.get("root_path", "")
    headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
    return {
        "method": scope["method"],
        "scheme": scope["scheme"],
        "client": client[0],
        "port": str(client[1]),
        "server": [server[0], str(server[1] or "")],
        "root": root,
        "path": scope["path"].removeprefix(root),
        "query": scope["query_string"].decode(),
        "user": None,
        "length": headers.pop("content-length", None),
        "headers": headers,
    }


async def digest(receive: Receive) -> dict[str, Any]:
    """Size and hash of the request body."""
    seen, size, more = hashlib.sha256(), 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError("left in the body")
        body = message.get("body", b"")
        if body and not size:
            note("the body begins")
        seen.update(body)
        size += len(body)
        more = message.get("more_body", False)
    return {"size": size, "sha256": seen.hexdigest()}


async def endless(send: Send) -> None:
    """A body without an end, which notes that the client left."""
    await start(send, 200, [(b"content-type", b"text/plain")])
    try:
        while True:
            await part(send, b"z" * 65536, more=True)
    except OSError:
        note("the client left")
