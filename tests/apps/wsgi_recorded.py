"""WSGI: what the hooks of `apps.recording` are called around; `asgi_recorded` is the same."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

from apps import recording
from apps.wsgi_plain import block

recording.write({"hook": "import", "pid": os.getpid()})


def leave(path: str) -> None:
    """End in one of the ways that are no answer."""
    if path == "/raise":
        raise RuntimeError("on purpose")
    if path == "/exit":
        sys.exit(3)
    if path == "/interrupt":
        raise KeyboardInterrupt
    if path == "/generator-exit":
        raise GeneratorExit


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Say what the request was."""
    path = environ["PATH_INFO"]
    recording.write({"hook": "application", "pid": os.getpid(), "path": path})
    leave(path)
    if path == "/block":
        block(float(environ["QUERY_STRING"]))
    body = environ.get("HTTP_X_HOOK", os.environ.get("HOOKED", "hello")).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
