"""ASGI: the few answers the HTTP tests need; `wsgi_plain` gives the same ones."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Awaitable, Callable
from typing import Any

from apps.asgi_receive import read_all
from apps.notes import note
from apps.wsgi_plain import block

CALLS = itertools.count()

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Count the call and answer by path."""
    if scope["type"] != "http":
        raise ValueError(f"no {scope['type']} here")
    number = next(CALLS)
    path, query = scope["path"], scope["query_string"].decode()
    body = b"hello"
    if path == "/count":
        body = b"%d" % number
    elif path == "/echo":
        try:
            body = await read_all(receive)
        except ConnectionError:
            note("left in the body")
            return
    elif path == "/query":
        body = query.encode()
    elif path == "/large":
        body = b"x" * int(query)
    elif path == "/sleep":
        note(f"sleeping {query}")
        await asyncio.sleep(float(query))
        note("slept")
    elif path == "/block":
        block(float(query))
    elif path == "/pid":
        body = b"%d" % os.getpid()
    elif path == "/raise":
        raise RuntimeError("on purpose")
    headers = [
        (b"content-type", b"text/plain"),
        (b"content-length", b"%d" % len(body)),
        (b"x-answer", b'an "answer"'),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
