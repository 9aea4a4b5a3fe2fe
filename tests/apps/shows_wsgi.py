"""WSGI: shows the process it runs in."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from typing import Any

IMPORTED_BY = os.getpid()


def _text(start_response: Callable[..., Any], text: str) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [text.encode()]


def environment(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The environment variables."""
    return _text(start_response, json.dumps(dict(os.environ)))


def directory(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The working directory."""
    return _text(start_response, os.getcwd())


def imported_by(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The process that imported this module."""
    return _text(start_response, str(IMPORTED_BY))
