"""ASGI: what the hooks of `apps.recording` are called around; `wsgi_recorded` is the same."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any

from apps import recording
from apps.wsgi_plain import block
from apps.wsgi_recorded import leave

Message = dict[str, Any]


async def app(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """Say what the request was."""
    if scope["type"] == "lifespan":
        recording.write({"hook": (await receive())["type"], "pid": os.getpid()})
        await send({"type": "lifespan.startup.complete"})
        recording.write({"hook": (await receive())["type"], "pid": os.getpid()})
        return await send({"type": "lifespan.shutdown.complete"})
    path = scope["path"]
    recording.write({"hook": "application", "pid": os.getpid(), "path": path})
    leave(path)
    if path == "/block":
        block(float(scope["query_string"]))
    body = os.environ.get("HOOKED", "hello").encode()
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    return await send({"type": "http.response.body", "body": body})
