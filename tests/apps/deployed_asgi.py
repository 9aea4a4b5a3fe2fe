"""ASGI: what the tests of deploys release, in many versions; `deployed_wsgi` does the same."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

from apps.deployed_wsgi import loaded
from apps.notes import note

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def release(version: str, warm: str = "200 OK", lifespan: str = "complete") -> Application:
    """A version, which says by whom it was answered and repeats what it was asked."""
    loaded(version)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await live(receive, send)
            return
        path, query = scope["path"], scope["query_string"].decode()
        status = 200
        if path == "/warm":
            note(f"warming {version}")
            status = int(warm.split()[0])
        elif path == "/sleep":
            note(f"sleeping {query}")
            await asyncio.sleep(float(query))
        elif path == "/exit":
            raise SystemExit(3)
        headers = [
            (b"content-type", b"text/plain"),
            (b"content-length", b"%d" % len(query)),
            (b"x-worker", b"%d" % os.getpid()),
            (b"x-version", version.encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": query.encode()})

    async def live(receive: Receive, send: Send) -> None:
        await receive()
        if lifespan != "complete":
            await send({"type": "lifespan.startup.failed", "message": lifespan})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    return app
