"""WSGI: requests, threads and exit functions that would rather stay."""

from __future__ import annotations

import atexit
import ctypes
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from apps.notes import note

#: Longer than any test waits, in seconds.
EVER = 60


def refuse() -> None:
    """Go on whatever is raised."""
    note("refusing")
    end = time.monotonic() + EVER
    while time.monotonic() < end:
        try:
            time.sleep(1)
        except BaseException as problem:
            note(f"refused {problem!r}")


def compute() -> None:
    """Keep the interpreter busy and never look up."""
    note("computing")
    end = time.monotonic() + EVER
    while time.monotonic() < end:
        sum(range(1000))


def stay_in_c() -> None:
    """Wait in C code that does not let go of the interpreter."""
    note("in C")
    ctypes.PyDLL(None).usleep(EVER * 1_000_000)


def leave_thread() -> None:
    """Start a thread that the interpreter waits for at its end."""
    threading.Thread(target=time.sleep, args=(EVER,), name="stays").start()
    note("left a thread")


def leave_exit_function() -> None:
    """Register a function that takes long at the end."""
    atexit.register(time.sleep, EVER)
    note("left an exit function")


WAYS: dict[str, Callable[[], None]] = {
    "/refuse": refuse,
    "/compute": compute,
    "/c": stay_in_c,
    "/thread": leave_thread,
    "/atexit": leave_exit_function,
}


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Do what the path says and answer, if that is ever reached."""
    WAYS.get(environ["PATH_INFO"], lambda: None)()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]
