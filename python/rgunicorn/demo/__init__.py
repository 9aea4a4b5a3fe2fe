"""A built-in application that shows what runs: ``rgunicorn rgunicorn.demo``.

One page, with a table of the workers that an event stream keeps up to date, and a bell that a
long-poll waits for. Plain ASGI, no dependency, nothing loaded from elsewhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from rgunicorn.demo import facts
from rgunicorn.demo.bell import Bell

__all__ = ["application"]

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

#: Seconds between two events of the stream.
PERIOD = 0.5
#: Seconds after which a stream or a long-poll ends, and the page asks again. Short enough that
#: a graceful stop does not wait long for a window somebody left open.
LONGEST = 12.0

PAGE = Path(__file__).with_name("page.html").read_bytes()
POLICY = (
    b"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    b"connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'"
)
PAGE_HEADERS = [
    (b"content-type", b"text/html; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", POLICY),
]

bell = Bell()


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer by path; anything unknown is a 404."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    if scope["type"] != "http":
        raise ValueError(f"the demo speaks http, not {scope['type']}")
    facts.count_request()
    view = VIEWS.get((scope["method"].replace("HEAD", "GET"), scope["path"]), _missing)
    # The visitor has gone: nobody is left to tell.
    with contextlib.suppress(OSError):
        await view(scope, send)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            bell.open()
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            bell.close()
            await send({"type": "lifespan.shutdown.complete"})
            return


async def _answer(
    send: Send, body: bytes, headers: list[tuple[bytes, bytes]], status: int = 200
) -> None:
    headers = [*headers, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _answer_json(send: Send, value: object) -> None:
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    await _answer(send, json.dumps(value).encode(), headers)


async def _missing(_scope: Scope, send: Send) -> None:
    await _answer(send, b"not here\n", [(b"content-type", b"text/plain")], 404)


async def _page(_scope: Scope, send: Send) -> None:
    await _answer(send, PAGE, PAGE_HEADERS)


async def _status(scope: Scope, send: Send) -> None:
    """What runs, once."""
    await _answer_json(send, facts.gather(scope))


async def _hello(_scope: Scope, send: Send) -> None:
    """As little as possible, for the button that asks many times."""
    await _answer_json(send, {"pid": facts.PID})


async def _ring(_scope: Scope, send: Send) -> None:
    """Ring the bell of every worker."""
    bell.ring([worker["pid"] for worker in facts.workers()])
    await _answer_json(send, {"pid": facts.PID})


async def _poll(scope: Scope, send: Send) -> None:
    """A long-poll: answers when the bell rings after ``?after=``, or empty after a while."""
    values = parse_qs(scope["query_string"].decode("latin-1"))
    after = values.get("after", [""])[0]
    heard = await bell.heard_after(int(after) if after.isdigit() else bell.latest, LONGEST)
    await _answer_json(send, {"rang": heard, "latest": bell.latest, "pid": facts.PID})


async def _events(scope: Scope, send: Send) -> None:
    """Server-sent events: what runs, twice a second."""
    headers = [
        (b"content-type", b"text/event-stream"),
        (b"cache-control", b"no-store"),
        (b"x-accel-buffering", b"no"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    start = b"retry: 250\n\n"
    for _ in range(int(LONGEST / PERIOD)):
        event = start + b"data: " + json.dumps(facts.gather(scope)).encode() + b"\n\n"
        await send({"type": "http.response.body", "body": event, "more_body": True})
        start = b""
        await asyncio.sleep(PERIOD)
    await send({"type": "http.response.body", "body": b""})


View = Callable[[Scope, Send], Awaitable[None]]

VIEWS: dict[tuple[str, str], View] = {
    ("GET", "/"): _page,
    ("GET", "/status"): _status,
    ("GET", "/hello"): _hello,
    ("GET", "/poll"): _poll,
    ("GET", "/events"): _events,
    ("POST", "/ring"): _ring,
}
