"""ASGI: an application that must not be asked, except for one path."""

from __future__ import annotations

from typing import Any


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer `/app`, and fail for everything else."""
    assert scope["type"] == "http"
    if scope["path"] != "/app":
        raise AssertionError(f"the application was asked for {scope['path']}")
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": b"the application"})
