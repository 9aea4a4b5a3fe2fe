"""WSGI: every way to answer, right and wrong; the path chooses."""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from apps.notes import note

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
View = Callable[[Environ, StartResponse], Any]

TEXT = [("Content-Type", "text/plain")]
VIEWS: dict[str, View] = {}


class BrokenError(Exception):
    """What the views raise."""


class Body:
    """An iterable that notes how often it was closed."""

    def __init__(self, parts: Iterable[bytes], name: str) -> None:
        self.parts = iter(parts)
        self.name = name

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self.parts)

    def close(self) -> None:
        note(f"closed {self.name}")


def view(function: View) -> View:
    """Serve a function under its own name."""
    VIEWS["/" + function.__name__] = function
    return function


def app(environ: Environ, start_response: StartResponse) -> Any:
    """Call the view of the path."""
    return VIEWS[environ["PATH_INFO"]](environ, start_response)


# How bodies end.


@view
def single(environ: Environ, start_response: StartResponse) -> Any:
    start_response("200 OK", TEXT)
    return [b"one part"]


@view
def own_length(environ: Environ, start_response: StartResponse) -> Any:
    start_response("200 OK", [*TEXT, ("Content-Length", "10")])
    return iter([b"01234", b"56789"])


@view
def several(environ: Environ, start_response: StartResponse) -> Any:
    start_response("200 OK", TEXT)
    return [b"one ", b"two ", b"three"]


@view
def generator(environ: Environ, start_response: StartResponse) -> Any:
    start_response("200 OK", TEXT)
    yield b"gene"
    yield b"rated"


@view
def late_start(environ: Environ, start_response: StartResponse) -> Any:
    start_response("201 Created", [*TEXT, ("X-Late", "yes")])
    yield b"started late"


@view
def empty_parts(environ: Environ, start_response: StartResponse) -> Any:
    start_response("200 OK", TEXT)
    return [b"", b"a", b"", b"", b"b", b""]


@view
def empty(environ: Environ, start_response: StartResponse) -> Any:
    start_response("200 OK", TEXT)
    return []


@view
def empty_generator(environ: Environ, start_response: StartResponse) -> Any:
    start_response("200 OK", TEXT)
    return iter(())


@view
def no_content(environ: Environ, start_response: StartResponse) -> Any:
    start_response("204 No Content", [("X-Kept", "yes")])
    return []


@view
def not_modified(environ: Environ, start_response: StartResponse) -> Any:
    start_response("304 Not Modified", [("ETag", '"x"')])
    return []


@view
def large(environ: Environ, start_response: StartResponse) -> Any:
    size = int(environ["QUERY_STRING"])
    start_response("200 OK", TEXT)
    return Body([b"x" * size], "large")


@view
def endless(environ: Environ, start_response: StartResponse) -> Any:
    def parts() -> Iterator[bytes]:
        while True:
            yield b"z" * 65536

    start_response("200 OK", TEXT)
    return Body(parts(), "endless")


@view
def many(environ: Environ, start_response: StartResponse) -> Any:
    start_response("200 OK", TEXT)
    return Body((b"%06d\n" % n for n in range(int(environ["QUERY_STRING"]))), "many")


@view
def too_long(environ: Environ, start_response: StartResponse) -> Any:
    start_response("200 OK", [*TEXT, ("Content-Length", "4")])
    return [b"0123", b"4567"]


@view
def too_short(environ: Environ, start_response: StartResponse) -> Any:
    start_response("200 OK", [*TEXT, ("Content-Length", "100")])
    return [b"0123"]


@view
def shows_headers(environ: Environ, start_response: StartResponse) -> Any:
    headers = [
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
        ("X-Latin", "caf\xe9"),
        ("X-Empty", ""),
    ]
    start_response("418 I'm a teapot", [*TEXT, *headers])
    return [b""]


@view
def own_date(environ: Environ, start_response: StartResponse) -> Any:
    start_response("200 OK", [("Date", "yesterday"), ("Server", "mine")])
    return [b"dated"]


# write()


@view
def writes(environ: Environ, start_response: StartResponse) -> Any:
    write = start_response("200 OK", TEXT)
    write(b"written ")
    write(b"twice ")
    return [b"and returned"]


@view
def writes_only(environ: Environ, start_response: StartResponse) -> Any:
    start_response("200 OK", TEXT)(b"only written")
    return []


@view
def writes_text(environ: Environ, start_response: StartResponse) -> Any:
    start_response("200 OK", TEXT)("text")
    return []


# start_response() used wrongly


@view
def started_twice(environ: Environ, start_response: StartResponse) -> Any:
    start_response("200 OK", TEXT)
    start_response("201 Created", TEXT)
    return [b"never"]


@view
def never_started(environ: Environ, start_response: StartResponse) -> Any:
    return [b"never"]


@view
def returns_none(environ: Environ, start_response: StartResponse) -> Any:
    start_response("200 OK", TEXT)
    return None


@view
def yields_text(environ: Environ, start_response: StartResponse) -> Any:
    start_response("200 OK", TEXT)
    return ["text"]


@view
def replaced(environ: Environ, start_response: StartResponse) -> Any:
    start_response("200 OK", TEXT)
    try:
        raise BrokenError("before the headers were sent")
    except BrokenError:
        start_response("503 Replaced", [*TEXT, ("X-Replaced", "yes")], sys.exc_info())
    return [b"the error page"]


@view
def replaced_too_late(environ: Environ, start_response: StartResponse) -> Any:
    start_response("200 OK", TEXT)
    yield b"already on the way"
    try:
        raise BrokenError("after the headers were sent")
    except BrokenError:
        start_response("503 Replaced", TEXT, sys.exc_info())
    yield b"never"


WRONG_STARTS: dict[str, tuple[Any, ...]] = {
    "status-number": (200, []),
    "status-bytes": (b"200 OK", []),
    "status-empty": ("", []),
    "status-text": ("OK", []),
    "status-short": ("20 OK", []),
    "status-newline": ("200 OK\r\nX-Split: yes", []),
    "status-informational": ("101 Switching Protocols", []),
    "headers-tuple": ("200 OK", (("X-A", "a"),)),
    "headers-dict": ("200 OK", {"X-A": "a"}),
    "header-not-a-pair": ("200 OK", [("X-A",)]),
    "name-bytes": ("200 OK", [(b"X-A", "a")]),
    "value-bytes": ("200 OK", [("X-A", b"a")]),
    "value-number": ("200 OK", [("X-A", 1)]),
    "value-none": ("200 OK", [("X-A", None)]),
    "name-empty": ("200 OK", [("", "a")]),
    "name-space": ("200 OK", [("X A", "a")]),
    "name-colon": ("200 OK", [("X-A:", "a")]),
    "name-newline": ("200 OK", [("X-A\r\nX-Split", "yes")]),
    "value-crlf": ("200 OK", [("X-A", "a\r\nX-Split: yes")]),
    "value-lf": ("200 OK", [("X-A", "a\nX-Split: yes")]),
    "value-cr": ("200 OK", [("X-A", "a\rX-Split: yes")]),
    "value-nul": ("200 OK", [("X-A", "a\0b")]),
    "value-not-latin": ("200 OK", [("X-A", "\u20ac")]),
    "name-not-ascii": ("200 OK", [("X-\xe9", "a")]),
    "hop-by-hop": ("200 OK", [("Connection", "close")]),
    "transfer-encoding": ("200 OK", [("Transfer-Encoding", "chunked")]),
}


@view
def wrong_start(environ: Environ, start_response: StartResponse) -> Any:
    start_response(*WRONG_STARTS[environ["QUERY_STRING"]])
    return Body([b"never"], "wrong_start")


# Exceptions


@view
def raises(environ: Environ, start_response: StartResponse) -> Any:
    raise BrokenError("in the call")


@view
def raises_started(environ: Environ, start_response: StartResponse) -> Any:
    start_response("200 OK", TEXT)
    raise BrokenError("in the call, started")


def _failing() -> Iterator[bytes]:
    raise BrokenError("in the first part")
    yield b"never"


@view
def raises_first(environ: Environ, start_response: StartResponse) -> Any:
    start_response("200 OK", TEXT)
    return Body(_failing(), "raises_first")


def _failing_later() -> Iterator[bytes]:
    yield b"first"
    raise BrokenError("in a later part")


@view
def raises_later(environ: Environ, start_response: StartResponse) -> Any:
    start_response("200 OK", TEXT)
    return Body(_failing_later(), "raises_later")


@view
def raises_in_close(environ: Environ, start_response: StartResponse) -> Any:
    class Bad(Body):
        def close(self) -> None:
            raise BrokenError("in close")

    start_response("200 OK", TEXT)
    return Bad([b"whole"], "bad")


@view
def exits(environ: Environ, start_response: StartResponse) -> Any:
    sys.exit(7)


# close()


@view
def closes(environ: Environ, start_response: StartResponse) -> Any:
    start_response("200 OK", TEXT)
    return Body([b"a", b"b"], environ["QUERY_STRING"])


# wsgi.file_wrapper and wsgi.errors


@view
def file(environ: Environ, start_response: StartResponse) -> Any:
    size = int(environ["QUERY_STRING"])
    opened = tempfile.TemporaryFile()  # noqa: SIM115 - the server closes it
    opened.write(bytes(range(256)) * (size // 256) + bytes(size % 256))
    opened.seek(0)
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    return environ["wsgi.file_wrapper"](opened)


@view
def file_from_middle(environ: Environ, start_response: StartResponse) -> Any:
    opened = tempfile.TemporaryFile()  # noqa: SIM115 - the server closes it
    opened.write(b"0123456789")
    opened.seek(4)
    start_response("200 OK", [*TEXT, ("Content-Length", "3")])
    return environ["wsgi.file_wrapper"](opened, 2)


@view
def filelike(environ: Environ, start_response: StartResponse) -> Any:
    class Noted(io.BytesIO):
        def close(self) -> None:
            note("closed filelike")
            super().close()

    start_response("200 OK", TEXT)
    return environ["wsgi.file_wrapper"](Noted(b"like a file" * 1000), 512)


@view
def complains(environ: Environ, start_response: StartResponse) -> Any:
    errors = environ["wsgi.errors"]
    errors.write("written complaint\n")
    errors.writelines(["listed ", "complaint\n"])
    print("printed complaint \u20ac", file=errors)
    errors.flush()
    start_response("200 OK", TEXT)
    return [b"complained"]
