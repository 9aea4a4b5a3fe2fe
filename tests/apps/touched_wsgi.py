"""WSGI: an application that must not be asked, except for one path."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer `/app`, and fail for everything else."""
    if environ["PATH_INFO"] != "/app":
        raise AssertionError(f"the application was asked for {environ['PATH_INFO']}")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"the application"]
