"""What an ASGI application sees of the fork that its worker comes from."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from typing import Any

LOADER = os.getpid()
MADE: dict[str, int] = {}


def runs() -> bool:
    """Whether an event loop runs."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


LOOP_AT_IMPORT = runs()


async def app(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Start, answer with the facts, and stop."""
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            kind = message["type"].removeprefix("lifespan.")
            MADE[kind] = os.getpid()
            await send({"type": f"lifespan.{kind}.complete"})
            if kind == "shutdown":
                return
    facts = {
        "pid": os.getpid(),
        "parent": os.getppid(),
        "loader": LOADER,
        "loop_at_import": LOOP_AT_IMPORT,
        "started_by": MADE["startup"],
    }
    body = json.dumps(facts).encode()
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
