"""WSGI: shows the environ it was called with."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

PLAIN = (str, int, bool, tuple, list)


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Every plain value as it is, and the type of every value."""
    answer = {
        "type": type(environ).__name__,
        "plain": {key: value for key, value in environ.items() if isinstance(value, PLAIN)},
        "types": {key: type(value).__name__ for key, value in environ.items()},
        "callables": sorted(key for key, value in environ.items() if callable(value)),
    }
    environ["changed.by.app"] = "must not be seen by the next request"
    body = json.dumps(answer).encode()
    start_response("200 OK", [("Content-Type", "application/json")])
    return [body]
