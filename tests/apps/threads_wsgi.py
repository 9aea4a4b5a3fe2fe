"""WSGI: hangs beside a second thread that hangs too."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

GATE = threading.Event()


def beside() -> None:
    """Wait on a thread of its own."""
    GATE.wait()


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Never answer."""
    threading.Thread(target=beside, daemon=True).start()
    GATE.wait()
    return []
