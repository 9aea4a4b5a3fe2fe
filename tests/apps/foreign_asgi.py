"""An ASGI application for uvicorn's worker class."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any


async def app(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Name the worker; be slow; block the event loop."""
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
        return
    if scope["path"] == "/slow":
        await asyncio.sleep(0.5)
    elif scope["path"] == "/hang":
        time.sleep(60)
    body = {"/pid": str(os.getpid()), "/server": server()}.get(scope["path"], "slow").encode()
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def lifespan(
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Start, or fail to, and stop."""
    while True:
        kind = (await receive())["type"]
        if os.environ.get("FOREIGN_FAILS"):
            await send({"type": "lifespan.startup.failed", "message": "on purpose"})
            return
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return


def server() -> str:
    """Whose code serves."""
    return "uvicorn" if "uvicorn.server" in sys.modules else "rgunicorn"
