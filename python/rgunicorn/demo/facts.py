"""What the page shows: versions, the event loop, the workers."""

from __future__ import annotations

import asyncio
import os
import platform
import time
from typing import Any

import rgunicorn

PID = os.getpid()
_BOOTED = time.monotonic()
_requests = 0


def count_request() -> None:
    """Count for the case that the server does not."""
    global _requests
    _requests += 1


def workers() -> list[dict[str, Any]]:
    """Every worker of the arbiter; under another server, only this process."""
    described: list[dict[str, Any]] = getattr(rgunicorn, "status", list)()
    return described or [{"pid": PID, "state": "ready", "requests": _requests}]


def gather(scope: dict[str, Any]) -> dict[str, Any]:
    """Everything the page shows, as plain values."""
    loop = type(asyncio.get_running_loop()).__module__.partition(".")[0]
    return {
        "version": rgunicorn.__version__,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "loop": loop,
        "system": f"{platform.system()} {platform.machine()}",
        "protocol": f"HTTP/{scope['http_version']}",
        "pid": PID,
        "master": os.getppid(),
        "uptime": round(time.monotonic() - _BOOTED, 1),
        "workers": workers(),
    }
