"""ASGI: every way to answer, right and wrong; the path chooses."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from apps.notes import note

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
View = Callable[[Scope, Receive, Send], Awaitable[None]]

TEXT = [(b"content-type", b"text/plain")]
VIEWS: dict[str, View] = {}


class BrokenError(Exception):
    """What the views raise."""


def view(function: View) -> View:
    """Serve a function under its own name."""
    VIEWS["/" + function.__name__] = function
    return function


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Call the view of the path."""
    if scope["type"] != "http":
        raise ValueError(f"no {scope['type']} here")
    await VIEWS[scope["path"]](scope, receive, send)


async def start(send: Send, status: int = 200, headers: Any = TEXT) -> None:
    """Send the beginning of a response."""
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def body(send: Send, data: bytes, more: bool = False) -> None:
    """Send a part of a response."""
    await send({"type": "http.response.body", "body": data, "more_body": more})


def query(scope: Scope) -> str:
    """The query string as text."""
    return scope["query_string"].decode()


@view
async def single(scope: Scope, receive: Receive, send: Send) -> None:
    await start(send)
    await body(send, b"one part")


@view
async def several(scope: Scope, receive: Receive, send: Send) -> None:
    await start(send)
    for part in (b"one ", b"two ", b""):
        await body(send, part, more=True)
    await body(send, b"three")


@view
async def own_length(scope: Scope, receive: Receive, send: Send) -> None:
    await start(send, headers=[*TEXT, (b"Content-Length", b"10")])
    await body(send, b"01234", more=True)
    await body(send, b"56789")


@view
async def defaults(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body"})


@view
async def iterator_headers(scope: Scope, receive: Receive, send: Send) -> None:
    await start(send, headers=([name, value] for name, value in [*TEXT, (b"x-a", b"a")]))
    await body(send, b"headers from an iterator")


@view
async def other_bytes(scope: Scope, receive: Receive, send: Send) -> None:
    await start(send)
    await send({"type": "http.response.body", "body": bytearray(b"array "), "more_body": True})
    await send({"type": "http.response.body", "body": memoryview(b"view")})


@view
async def no_content(scope: Scope, receive: Receive, send: Send) -> None:
    await start(send, 204, [])
    await body(send, b"")


@view
async def not_modified(scope: Scope, receive: Receive, send: Send) -> None:
    await start(send, 304, [(b"etag", b'"x"')])
    await body(send, b"")


@view
async def shows_headers(scope: Scope, receive: Receive, send: Send) -> None:
    extra = [
        (b"set-cookie", b"a=1"),
        (b"set-cookie", b"b=2"),
        (b"x-latin", b"caf\xe9"),
        (b"x-empty", b""),
    ]
    await start(send, 418, [*TEXT, *extra])
    await body(send, b"short and stout")


@view
async def own_date(scope: Scope, receive: Receive, send: Send) -> None:
    await start(send, headers=[(b"Date", b"yesterday"), (b"server", b"mine")])
    await body(send, b"dated")


@view
async def large(scope: Scope, receive: Receive, send: Send) -> None:
    await start(send)
    await body(send, b"x" * int(query(scope)))


@view
async def many(scope: Scope, receive: Receive, send: Send) -> None:
    await start(send)
    for number in range(int(query(scope))):
        await body(send, b"%06d\n" % number, more=True)
    await body(send, b"")


@view
async def endless(scope: Scope, receive: Receive, send: Send) -> None:
    await start(send)
    sent = 0
    try:
        while True:
            await body(send, b"z" * 65536, more=True)
            sent += 65536
            note(f"endless {query(scope)} sent {sent}")
    except OSError as left:
        note(f"endless {query(scope)} OSError {type(left).__name__}")
        raise
    except asyncio.CancelledError:
        note(f"endless {query(scope)} cancelled")
        raise


@view
async def head_alone(scope: Scope, receive: Receive, send: Send) -> None:
    await start(send)
    note("head sent")
    await asyncio.sleep(float(query(scope)))
    await body(send, b"after the head")


# Work beside the response.


@view
async def background(scope: Scope, receive: Receive, send: Send) -> None:
    await single(scope, receive, send)
    await asyncio.sleep(0.05)
    note(f"background {query(scope)} done")


@view
async def background_fails(scope: Scope, receive: Receive, send: Send) -> None:
    await single(scope, receive, send)
    raise BrokenError("in the background")


@view
async def detached(scope: Scope, receive: Receive, send: Send) -> None:
    async def later() -> None:
        await asyncio.sleep(0.05)
        await single(scope, receive, send)

    await asyncio.create_task(later())


# Wrong in themselves.

WRONG_STARTS: dict[str, tuple[Any, Any]] = {
    "status-text": ("200", []),
    "status-none": (None, []),
    "status-small": (99, []),
    "status-large": (1000, []),
    "headers-number": (200, 5),
    "header-not-a-pair": (200, [(b"x-a",)]),
    "name-text": (200, [("x-a", b"a")]),
    "value-text": (200, [(b"x-a", "a")]),
    "value-none": (200, [(b"x-a", None)]),
    "name-empty": (200, [(b"", b"a")]),
    "name-space": (200, [(b"x a", b"a")]),
    "name-newline": (200, [(b"x-a\r\nx-split", b"yes")]),
    "value-crlf": (200, [(b"x-a", b"a\r\nx-split: yes")]),
    "value-lf": (200, [(b"x-a", b"a\nx-split: yes")]),
    "value-cr": (200, [(b"x-a", b"a\rx-split: yes")]),
    "value-nul": (200, [(b"x-a", b"a\0b")]),
}


@view
async def wrong_start(scope: Scope, receive: Receive, send: Send) -> None:
    status, headers = WRONG_STARTS[query(scope)]
    await start(send, status, headers)
    await body(send, b"never")


@view
async def wrong_type(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.nonsense"})


@view
async def no_type(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"status": 200})


@view
async def body_first(scope: Scope, receive: Receive, send: Send) -> None:
    await body(send, b"never")


@view
async def started_twice(scope: Scope, receive: Receive, send: Send) -> None:
    await start(send)
    await start(send)


@view
async def text_body(scope: Scope, receive: Receive, send: Send) -> None:
    await start(send)
    await send({"type": "http.response.body", "body": "text"})


@view
async def says_nothing(scope: Scope, receive: Receive, send: Send) -> None:
    return


@view
async def starts_only(scope: Scope, receive: Receive, send: Send) -> None:
    await start(send)


@view
async def unfinished(scope: Scope, receive: Receive, send: Send) -> None:
    await start(send)
    await body(send, b"first", more=True)


@view
async def sends_after_end(scope: Scope, receive: Receive, send: Send) -> None:
    await single(scope, receive, send)
    try:
        await body(send, b"never")
    except Exception as error:
        note(f"send after the end raised {type(error).__name__}")
    else:
        note("send after the end did nothing")


@view
async def too_long(scope: Scope, receive: Receive, send: Send) -> None:
    await start(send, headers=[(b"content-length", b"4")])
    await body(send, b"01234567")


@view
async def too_short(scope: Scope, receive: Receive, send: Send) -> None:
    await start(send, headers=[(b"content-length", b"100")])
    await body(send, b"0123")


@view
async def raises(scope: Scope, receive: Receive, send: Send) -> None:
    raise BrokenError("before the start")


@view
async def raises_started(scope: Scope, receive: Receive, send: Send) -> None:
    await start(send)
    raise BrokenError("after the start")


@view
async def raises_later(scope: Scope, receive: Receive, send: Send) -> None:
    await start(send)
    await body(send, b"first", more=True)
    raise BrokenError("after the first part")


@view
async def cancels_itself(scope: Scope, receive: Receive, send: Send) -> None:
    raise asyncio.CancelledError
