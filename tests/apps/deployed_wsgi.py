"""WSGI: what the tests of deploys release, in many versions; `deployed_asgi` does the same."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from typing import Any

from apps.notes import note

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def loaded(version: str) -> None:
    """Tell that a process has the application: it has imported it, or was forked with it."""
    note(f"loaded {version} in {os.getpid()}")
    os.register_at_fork(after_in_child=lambda: note(f"loaded {version} in {os.getpid()}"))


def release(version: str, warm: str = "200 OK") -> Application:
    """A version, which says by whom it was answered and repeats what it was asked."""
    loaded(version)

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
        status = "200 OK"
        if path == "/warm":
            note(f"warming {version}")
            status = warm
        elif path == "/sleep":
            note(f"sleeping {query}")
            time.sleep(float(query))
        elif path == "/exit":
            raise SystemExit(3)
        headers = [
            ("Content-Type", "text/plain"),
            ("Content-Length", str(len(query))),
            ("X-Worker", str(os.getpid())),
            ("X-Version", version),
        ]
        start_response(status, headers)
        return [query.encode()]

    return app
