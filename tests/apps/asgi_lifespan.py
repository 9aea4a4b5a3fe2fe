"""ASGI: applications that treat the lifespan protocol in different ways."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from apps.asgi_receive import reply
from apps.notes import note

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


async def serve_http(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the state, and change it."""
    state = scope.get("state")
    answer = None if state is None else {**state, "shared": list(state.get("shared", []))}
    if state is not None:
        state["by_request"] = True
        state.get("shared", []).append("request")
    if scope["path"] == "/slow":
        note("slow begins")
        await asyncio.sleep(0.3)
        note("slow ends")
    await reply(send, json.dumps(answer).encode())


async def good(scope: Scope, receive: Receive, send: Send) -> None:
    """Start, put something into the state, stop."""
    if scope["type"] == "http":
        await serve_http(scope, receive, send)
        return
    scope["state"]["database"] = "connected"
    scope["state"]["shared"] = []
    note(f"lifespan scope {sorted(scope)} {scope['asgi']}")
    assert (await receive())["type"] == "lifespan.startup"
    await asyncio.sleep(0.05)
    note("lifespan started")
    await send({"type": "lifespan.startup.complete"})
    assert (await receive())["type"] == "lifespan.shutdown"
    await asyncio.sleep(0.05)
    note("lifespan stopped")
    await send({"type": "lifespan.shutdown.complete"})


async def without(scope: Scope, receive: Receive, send: Send) -> None:
    """Raise on lifespan, as an application that does not know it."""
    if scope["type"] == "http":
        await serve_http(scope, receive, send)
        return
    raise ValueError(f"this application does not know {scope['type']}")


async def returns(scope: Scope, receive: Receive, send: Send) -> None:
    """Return at once on lifespan."""
    if scope["type"] == "http":
        await serve_http(scope, receive, send)


async def refuses(scope: Scope, receive: Receive, send: Send) -> None:
    """Say that the start failed."""
    if scope["type"] == "lifespan":
        await receive()
        message = "the database is not there"
        await send({"type": "lifespan.startup.failed", "message": message})


async def breaks(scope: Scope, receive: Receive, send: Send) -> None:
    """Raise after receiving the start."""
    if scope["type"] == "lifespan":
        await receive()
        raise RuntimeError("broken while starting")
    await serve_http(scope, receive, send)


async def breaks_stopping(scope: Scope, receive: Receive, send: Send) -> None:
    """Start well and fail at the end."""
    if scope["type"] == "http":
        await serve_http(scope, receive, send)
        return
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.failed", "message": "could not say goodbye"})
