"""ASGI: requests that last, each in a way of its own; the path chooses."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Awaitable, Callable
from typing import Any

from apps.notes import note

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

CALLS = itertools.count(1)


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Begin to answer by path."""
    if scope["type"] != "http":
        raise ValueError(f"no {scope['type']} here")
    await VIEWS[scope["path"]](receive, send)


async def start(send: Send, kind: bytes = b"text/plain") -> None:
    """Begin a response."""
    headers = [(b"content-type", kind)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})


async def part(send: Send, body: bytes, *, more: bool = True) -> None:
    """Go on with a response."""
    await send({"type": "http.response.body", "body": body, "more_body": more})


async def a_long_wait() -> None:
    """What a stack shows the name of."""
    note("waiting")
    await asyncio.sleep(600)


async def hello(receive: Receive, send: Send) -> None:
    """Do not last."""
    await start(send)
    await part(send, b"hello", more=False)


async def count(receive: Receive, send: Send) -> None:
    """Say which process answers, and how many requests it was asked before."""
    await start(send)
    await part(send, b"%d %d" % (os.getpid(), next(CALLS)), more=False)


async def hang(receive: Receive, send: Send) -> None:
    """Wait without an answer, and clean up."""
    try:
        await a_long_wait()
    finally:
        await asyncio.sleep(0.05)
        note("cleaned up")


async def stubborn(receive: Receive, send: Send) -> None:
    """Do not let anybody cancel it."""
    while True:
        try:
            await a_long_wait()
        except asyncio.CancelledError:
            note("not cancelled")


async def half(receive: Receive, send: Send) -> None:
    """Wait in the middle of an answer."""
    await start(send)
    await part(send, b"half")
    await a_long_wait()


async def late(receive: Receive, send: Send) -> None:
    """Answer all the same when it is cancelled."""
    try:
        await a_long_wait()
    except asyncio.CancelledError:
        try:
            await hello(receive, send)
        except OSError as error:
            note(f"told: {error}")
        raise


async def body(receive: Receive, send: Send) -> None:
    """Wait for a body that does not come."""
    while (await receive()).get("more_body"):
        pass
    await hello(receive, send)


async def background(receive: Receive, send: Send) -> None:
    """Go on to work after the answer."""
    await hello(receive, send)
    note("working on")
    await asyncio.sleep(1.5)
    note("worked on")


async def events(receive: Receive, send: Send) -> None:
    """Send events until the client has gone."""
    await receive()
    await start(send, b"text/event-stream; charset=utf-8")
    await part(send, b"data: first\n\n")
    note("streaming")
    message = await receive()
    note(f"heard {message['type']}")
    await part(send, b"data: last\n\n")


async def watch(receive: Receive, send: Send) -> None:
    """Send a file that grows, until the client has gone."""
    await receive()
    await start(send)
    await part(send, b"first")
    note("streaming")
    message = await receive()
    note(f"heard {message['type']}")


VIEWS: dict[str, Callable[[Receive, Send], Awaitable[None]]] = {
    f"/{view.__name__}": view
    for view in (
        hello,
        count,
        hang,
        stubborn,
        half,
        late,
        body,
        background,
        events,
        watch,
    )
}
