"""WSGI: answers that are unusual, and right."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any


class Text(str):
    """A kind of str, as translation libraries make them."""


Answer = tuple[str, list[tuple[str, str]], Iterable[bytes]]

ANSWERS: dict[str, Answer] = {
    "/large-head": (
        "200 OK",
        [("X-Large", "v" * 300_000), *((f"X-{n}", "y") for n in range(1000))],
        [b"after"],
    ),
    "/no-reason": ("200 ", [("X-A", "a")], [b"body"]),
    "/latin-reason": ("200 caf\xe9", [], [b"body"]),
    "/unknown-status": ("599 Odd", [], [b"body"]),
    "/length-twice": ("200 OK", [("Content-Length", "4"), ("content-length", "4")], [b"body"]),
    "/length-with-204": ("204 No Content", [("Content-Length", "5")], []),
    "/body-with-204": ("204 No Content", [], [b"never"]),
    "/body-with-304": ("304 Not Modified", [], [b"never"]),
    "/length-for-head": ("200 OK", [("Content-Length", "12345")], []),
    "/tuple": ("200 OK", [], (b"body",)),
    "/kinds-of-str": (Text("200 OK"), [(Text("X-A"), Text("a"))], [b"body"]),
}


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The answer of the path."""
    status, headers, body = ANSWERS[environ["PATH_INFO"]]
    start_response(status, headers)
    return body
