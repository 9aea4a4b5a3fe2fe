"""ASGI: a Starlette application that uses what Starlette builds on the protocol."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import (
    FileResponse,
    JSONResponse,
    PlainTextResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

from apps.notes import note


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[dict[str, str]]:
    """Open and close what the application shares."""
    note("starlette started")
    yield {"shared": "from the lifespan"}
    note("starlette stopped")


class Stamp(BaseHTTPMiddleware):
    """A middleware of the kind that wraps receive and send."""

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        """Add a header to every response."""
        response = await call_next(request)
        response.headers["X-Stamp"] = "yes"
        return response


async def state(request: Request) -> Response:
    """What the lifespan left."""
    return PlainTextResponse(request.state.shared)


async def form(request: Request) -> Response:
    """Size and fields of a multipart form."""
    async with request.form() as fields:
        file = fields["file"]
        assert not isinstance(file, str)
        content = await file.read()
        return JSONResponse({"title": fields["title"], "size": len(content)})


async def background(request: Request) -> Response:
    """Work on after the response."""

    async def later() -> None:
        await asyncio.sleep(0.05)
        note("starlette background done")

    return PlainTextResponse("answered", background=BackgroundTask(later))


async def stream(request: Request) -> Response:
    """Tick until the client leaves."""

    async def ticks() -> AsyncIterator[str]:
        try:
            while True:
                yield "tick\n"
                await asyncio.sleep(0.01)
        finally:
            note("starlette stream ended")

    return StreamingResponse(ticks(), media_type="text/plain")


async def disconnected(request: Request) -> Response:
    """Ask again and again whether the client is there."""
    note("asking")
    while not await request.is_disconnected():
        await asyncio.sleep(0.01)
    note("is_disconnected said so")
    return PlainTextResponse("nobody reads this")


async def upload(request: Request) -> Response:
    """Read a body that may be cut."""
    size = 0
    note("uploading")
    try:
        async for part in request.stream():
            size += len(part)
    except ClientDisconnect:
        note("ClientDisconnect in the upload")
        return PlainTextResponse("nobody reads this", 400)
    return JSONResponse({"size": size})


async def file(request: Request) -> Response:
    """This file."""
    return FileResponse(__file__)


async def thread(request: Request) -> Response:
    """Answer from a thread pool."""
    return PlainTextResponse(await asyncio.to_thread(lambda: "from a thread"))


async def boom(request: Request) -> Response:
    """Fail."""
    raise RuntimeError("on purpose")


routes = [Route(f"/{view.__name__}", view) for view in (state, background, stream, disconnected)]
routes += [Route(f"/{view.__name__}", view, methods=["POST"]) for view in (form, upload)]
routes += [Route(f"/{view.__name__}", view) for view in (file, thread, boom)]

app = Starlette(routes=routes, lifespan=lifespan)
wrapped = Starlette(
    routes=routes, lifespan=lifespan, middleware=[Middleware(Stamp), Middleware(GZipMiddleware)]
)
