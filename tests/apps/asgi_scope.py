"""ASGI: shows the scope it was called with."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


def shown(value: Any) -> Any:
    """Any value of a scope as JSON: bytes marked as such, tuples as lists."""
    if isinstance(value, bytes):
        return {"bytes": value.decode("latin-1")}
    if isinstance(value, dict):
        return {key: shown(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)) or hasattr(value, "__next__"):
        return [shown(one) for one in value]
    return value


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Every value, and the type of every value."""
    if scope["type"] != "http":
        raise ValueError(f"no {scope['type']} here")
    headers = list(scope["headers"])
    answer = {
        "type": type(scope).__name__,
        "values": shown(
            {**scope, "headers": headers, "extensions": sorted(scope.get("extensions") or ())}
        ),
        "types": {key: type(value).__name__ for key, value in scope.items()},
        "pair": type(headers[0]).__name__,
    }
    scope["changed by app"] = True
    body = json.dumps(answer).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})
