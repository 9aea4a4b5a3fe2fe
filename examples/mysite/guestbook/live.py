"""Answers that take their time: a stream, a long-poll, server-sent events.

Each is written for both worker classes. An `asgi` worker carries thousands of them at once; a
`sync` worker is busy with one until it ends, so there the events come in short answers.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.views.decorators.http import require_GET

from guestbook.models import Entry

#: Seconds between two looks at the database.
PAUSE = 0.2
#: Seconds a long-poll waits at most.
LONGEST = 25.0


def numbers(request: HttpRequest) -> HttpResponse:
    """A stream of lines: `?count=5&pause=0.1`."""
    count = min(int(request.GET.get("count", 5)), 100_000)
    pause = min(float(request.GET.get("pause", 0.1)), 1.0)
    lines = _lines_async if isinstance(request, ASGIRequest) else _lines
    return StreamingHttpResponse(lines(count, pause), content_type="text/plain")


def _lines(count: int, pause: float) -> Iterator[str]:
    for number in range(count):
        yield f"{number}\n"
        time.sleep(pause)


async def _lines_async(count: int, pause: float) -> AsyncIterator[str]:
    for number in range(count):
        yield f"{number}\n"
        await asyncio.sleep(pause)


@require_GET
async def poll(request: HttpRequest) -> HttpResponse:
    """Answer as soon as there are entries after `?after=ID`, or with none when it takes long."""
    after = int(request.GET.get("after", 0))
    longest = min(float(request.GET.get("wait", LONGEST)), LONGEST)
    deadline = time.monotonic() + longest
    while not (found := await _entries_after(after)) and time.monotonic() < deadline:
        await asyncio.sleep(PAUSE)
    return JsonResponse({"entries": found})


async def _entries_after(after: int) -> list[dict]:
    entries = Entry.objects.filter(id__gt=after).order_by("id")[:50]
    return [_plain(entry) async for entry in entries]


def _plain(entry: Entry) -> dict:
    return {"id": entry.id, "name": entry.name, "text": entry.text}


@require_GET
def events(request: HttpRequest) -> HttpResponse:
    """New entries as server-sent events, from `Last-Event-ID` or `?after=ID` on."""
    after = int(request.headers.get("Last-Event-ID") or request.GET.get("after", 0))
    stream = _events_async if isinstance(request, ASGIRequest) else _events
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingHttpResponse(stream(after), content_type="text/event-stream", headers=headers)


async def _events_async(after: int) -> AsyncIterator[str]:
    yield ": welcome\n\n"
    while True:
        for entry in await _entries_after(after):
            after = entry["id"]
            yield _event(entry)
        await asyncio.sleep(PAUSE)


def _events(after: int) -> Iterator[str]:
    """What is new now; then the browser asks again. So no worker is held."""
    yield "retry: 2000\n\n"
    for entry in Entry.objects.filter(id__gt=after).order_by("id")[:50]:
        yield _event(_plain(entry))


def _event(entry: dict) -> str:
    return f"id: {entry['id']}\nevent: entry\ndata: {json.dumps(entry)}\n\n"
