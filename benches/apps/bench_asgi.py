"""The ASGI application of the benchmark: handlers so small that the server is what is measured."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

PLAIN = (b"content-type", b"text/plain")


def start(*headers: tuple[bytes, bytes], status: int = 200) -> Message:
    """Make the first message of a response."""
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def part(body: bytes, *, more: bool = False) -> Message:
    """Make a body message."""
    return {"type": "http.response.body", "body": body, "more_body": more}


HELLO_START = start(PLAIN, (b"content-length", b"13"))
HELLO = part(b"Hello, world!")
LARGE_START = start(PLAIN, (b"content-length", b"10240"))
LARGE = part(b"x" * 10240)
HUGE_START = start(PLAIN, (b"content-length", b"1048576"))
HUGE = part(b"x" * 1048576)


async def app(scope: Message, receive: Receive, send: Send) -> None:
    """Serve `/`, `/10k`, `/1m`, `/echo`, `/stream` and the lifespan protocol."""
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
        return
    path = scope["path"]
    if path == "/":
        await send(HELLO_START)
        await send(HELLO)
    elif path == "/10k":
        await send(LARGE_START)
        await send(LARGE)
    elif path == "/1m":
        await send(HUGE_START)
        await send(HUGE)
    elif path == "/echo":
        await echo(receive, send)
    elif path == "/stream":
        await send(start(PLAIN))
        for _ in range(10):
            await send(part(b"y" * 1024, more=True))
        await send(part(b""))
    else:
        await send(start((b"content-length", b"0"), status=404))
        await send(part(b""))


async def echo(receive: Receive, send: Send) -> None:
    """Answer with the body of the request."""
    parts = []
    more = True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    body = b"".join(parts)
    await send(start((b"content-length", str(len(body)).encode())))
    await send(part(body))


async def lifespan(receive: Receive, send: Send) -> None:
    """Start and stop at once."""
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return
