"""The Django example; each answer names the worker that gave it.

`/worker` is answered without Django, after a while in which nothing is done: clients that ask for
it at the same time meet different workers and take hardly any processor time.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples" / "mysite"))

from mysite.wsgi import application

#: Seconds.
PAUSE = 0.03


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Add the worker to the header fields."""

    def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
        return start_response(status, [*headers, ("X-Worker", str(os.getpid()))], *rest)

    if environ["PATH_INFO"] != "/worker":
        return application(environ, start)
    time.sleep(PAUSE)
    start("200 OK", [("Content-Length", "0")])
    return []
