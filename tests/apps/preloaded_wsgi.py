"""What an application sees of the fork that its worker comes from."""

from __future__ import annotations

import gc
import json
import os
import random
import ssl
import threading
import uuid
from collections.abc import Callable, Iterable
from typing import Any

#: The process that has imported this module.
LOADER = os.getpid()
#: What `os.register_at_fork` was called for: which side, in which process.
FORKS: list[tuple[str, int]] = []

os.register_at_fork(
    before=lambda: FORKS.append(("before", os.getpid())),
    after_in_child=lambda: FORKS.append(("child", os.getpid())),
    after_in_parent=lambda: FORKS.append(("parent", os.getpid())),
)

for name in filter(None, os.environ.get("PRELOADED_THREADS", "").split(",")):
    # No daemon: the interpreter would wait for it at its end.
    threading.Thread(target=threading.Event().wait, name=name).start()


def facts() -> dict[str, Any]:
    """What this process is."""
    return {
        "pid": os.getpid(),
        "parent": os.getppid(),
        "loader": LOADER,
        "forks": FORKS,
        "frozen": gc.get_freeze_count(),
        "threads": [thread.name for thread in threading.enumerate()],
        "random": [random.random(), uuid.uuid4().hex, uuid.uuid1().hex, ssl.RAND_bytes(8).hex()],
        "variable": os.environ.get("PRELOADED_VARIABLE"),
    }


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer with the facts."""
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(facts()).encode()]
