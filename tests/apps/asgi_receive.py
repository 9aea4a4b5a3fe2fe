"""ASGI: what `receive` gives, while the client is there and after it left; the path chooses."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

from apps.notes import note

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
View = Callable[[Scope, Receive, Send], Awaitable[Any]]

VIEWS: dict[str, View] = {}
GATES: dict[str, asyncio.Event] = {}


def view(function: View) -> View:
    """Serve a function under its own name."""
    VIEWS["/" + function.__name__] = function
    return function


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Call the view of the path; what it returns is the answer, as JSON."""
    if scope["type"] != "http":
        raise ValueError(f"no {scope['type']} here")
    answer = await VIEWS[scope["path"]](scope, receive, send)
    if answer is not None:
        await reply(send, json.dumps(answer).encode())


async def reply(send: Send, body: bytes) -> None:
    """A whole response."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


def gate(scope: Scope) -> asyncio.Event:
    """The event a request waits for, by its query."""
    return GATES.setdefault(scope["query_string"].decode(), asyncio.Event())


async def read_all(receive: Receive) -> bytes:
    """The whole request body."""
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError("left in the body")
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


@view
async def release(scope: Scope, receive: Receive, send: Send) -> Any:
    """Open the gate of the query."""
    gate(scope).set()
    return "released"


@view
async def messages(scope: Scope, receive: Receive, send: Send) -> Any:
    """Every message of the body as it came."""
    seen = []
    while True:
        message = await receive()
        body = message.get("body", b"")
        assert isinstance(body, bytes)
        seen.append({**message, "body": body.decode("latin-1")})
        if not message.get("more_body"):
            return seen


@view
async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Send every part back before reading the next."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    more = True
    while more:
        message = await receive()
        more = message.get("more_body", False)
        await send({"type": "http.response.body", "body": message["body"], "more_body": more})


@view
async def digest(scope: Scope, receive: Receive, send: Send) -> Any:
    """Size and hash of the body, and the largest part."""
    digest, size, largest, more = hashlib.sha256(), 0, 0, True
    while more:
        message = await receive()
        part = message.get("body", b"")
        digest.update(part)
        size += len(part)
        largest = max(largest, len(part))
        more = message.get("more_body", False)
    return {"size": size, "sha256": digest.hexdigest(), "largest": largest}


@view
async def gated_digest(scope: Scope, receive: Receive, send: Send) -> Any:
    """As digest, but nothing is read before the gate opens."""
    note(f"gated {scope['query_string'].decode()}")
    await gate(scope).wait()
    return await digest(scope, receive, send)


@view
async def ignore(scope: Scope, receive: Receive, send: Send) -> Any:
    """Do not read the body."""
    return "not read"


@view
async def long_poll(scope: Scope, receive: Receive, send: Send) -> Any:
    """Answer when the gate opens."""
    note(f"waiting {scope['query_string'].decode()}")
    await gate(scope).wait()
    return "the gate is open"


@view
async def parts(scope: Scope, receive: Receive, send: Send) -> None:
    """A part, then one more each time the gate opens."""
    opened = gate(scope)
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for number in range(4):
        data = b"data: %d\n\n" % number
        await send({"type": "http.response.body", "body": data, "more_body": True})
        await opened.wait()
        opened.clear()
    await send({"type": "http.response.body"})


@view
async def until_disconnect(scope: Scope, receive: Receive, send: Send) -> None:
    """Wait for the client to leave, then try to answer."""
    name = scope["query_string"].decode()
    try:
        await read_all(receive)
    except ConnectionError:
        note(f"{name} left in the body")
        return
    note(f"watching {name}")
    message = await receive()
    note(f"{name} saw {message['type']}")
    again = await receive()
    note(f"{name} again saw {again['type']}")
    try:
        await reply(send, b"too late")
    except OSError:
        note(f"{name} send raised OSError")
    else:
        note(f"{name} send raised nothing")


@view
async def after_response(scope: Scope, receive: Receive, send: Send) -> None:
    """What receive gives once the response is complete."""
    await read_all(receive)
    await reply(send, b"complete")
    message = await receive()
    note(f"after the response {message['type']}")


@view
async def sleeper(scope: Scope, receive: Receive, send: Send) -> Any:
    """Sleep through everything, unless cancelled."""
    name = scope["query_string"].decode()
    note(f"sleeping {name}")
    try:
        await asyncio.sleep(600)
    except asyncio.CancelledError:
        note(f"cancelled {name}")
        raise
    finally:
        note(f"finally {name}")


@view
async def watching_stream(scope: Scope, receive: Receive, send: Send) -> None:
    """Stream until receive says that the client left, as Starlette and Django do."""
    name = scope["query_string"].decode()
    await read_all(receive)
    gone = asyncio.create_task(receive())  # type: ignore[arg-type]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    try:
        while not gone.done():
            await send({"type": "http.response.body", "body": b"tick\n", "more_body": True})
            await asyncio.wait([gone], timeout=0.02)
    except OSError:
        pass
    note(f"stream {name} ended by {(await gone)['type']}")
