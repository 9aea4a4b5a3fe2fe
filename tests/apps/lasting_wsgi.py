"""WSGI: requests that last, each in a way of its own; the path chooses."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from apps.notes import note

Begin = Callable[..., Any]


def app(environ: dict[str, Any], start_response: Begin) -> Iterable[bytes]:
    """Answer by path."""
    return VIEWS[environ["PATH_INFO"]](environ, start_response)


def begin(start_response: Begin) -> None:
    """Begin a response."""
    start_response("200 OK", [("Content-Type", "text/plain")])


def hello(environ: dict[str, Any], start_response: Begin) -> Iterable[bytes]:
    """Do not last."""
    begin(start_response)
    return [b"hello"]


def pid(environ: dict[str, Any], start_response: Begin) -> Iterable[bytes]:
    """Say which process answers."""
    begin(start_response)
    return [b"%d" % os.getpid()]


def a_long_wait() -> None:
    """What a stack shows the name of."""
    note("waiting")
    time.sleep(600)


def sleep(environ: dict[str, Any], start_response: Begin) -> Iterable[bytes]:
    """Wait without an answer, and clean up."""
    try:
        a_long_wait()
    finally:
        note("cleaned up")
    return []


def receive(environ: dict[str, Any], start_response: Begin) -> Iterable[bytes]:
    """Wait for somebody who never sends."""
    ours, theirs = socket.socketpair()
    note("waiting")
    with ours, theirs:
        return [ours.recv(1)]


def compute(environ: dict[str, Any], start_response: Begin) -> Iterable[bytes]:
    """Keep the processor busy."""
    note("waiting")
    while True:
        pass


def half(environ: dict[str, Any], start_response: Begin) -> Iterator[bytes]:
    """Wait in the middle of an answer."""
    begin(start_response)
    yield b"half"
    a_long_wait()


def late(environ: dict[str, Any], start_response: Begin) -> Iterable[bytes]:
    """Answer all the same, in time after the interruption."""
    try:
        a_long_wait()
    except BaseException as error:
        note(f"caught {type(error).__module__}.{type(error).__name__}")
    return hello(environ, start_response)


def careless(environ: dict[str, Any], start_response: Begin) -> Iterable[bytes]:
    """Catch every exception that is one of the application's."""
    try:
        a_long_wait()
    except Exception:
        note("caught what is not ours")
    return hello(environ, start_response)


def in_c(environ: dict[str, Any], start_response: Begin) -> Iterable[bytes]:
    """Stay in C code that heeds no signal and lets other threads run, for so many seconds."""
    stay(ctypes.CDLL(None), environ)
    return hello(environ, start_response)


def holding(environ: dict[str, Any], start_response: Begin) -> Iterable[bytes]:
    """Stay in C code that does not even let go of the interpreter."""
    stay(ctypes.PyDLL(None), environ)
    return hello(environ, start_response)


def stay(library: ctypes.CDLL, environ: dict[str, Any]) -> None:
    """Sleep in C code for as many seconds as the query says, whatever signal comes."""
    note("in C")
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    library.usleep(int(float(environ["QUERY_STRING"]) * 1e6))
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    note("out of C")


VIEWS: dict[str, Callable[[dict[str, Any], Begin], Iterable[bytes]]] = {
    f"/{view.__name__}": view
    for view in (
        hello,
        pid,
        sleep,
        receive,
        compute,
        half,
        late,
        careless,
        in_c,
        holding,
    )
}
