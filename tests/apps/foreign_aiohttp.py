"""An application of aiohttp, for its own worker class."""

from __future__ import annotations

import asyncio
import os
import time

from aiohttp import web


async def pid(_request: web.Request) -> web.Response:
    """Name the worker."""
    return web.Response(text=str(os.getpid()))


async def slow(_request: web.Request) -> web.Response:
    """Answer after a while."""
    await asyncio.sleep(0.5)
    return web.Response(text="slow")


async def hang(_request: web.Request) -> web.Response:
    """Block the event loop."""
    time.sleep(60)
    return web.Response()


def make() -> web.Application:
    """The application."""
    made = web.Application()
    made.router.add_get("/pid", pid)
    made.router.add_get("/slow", slow)
    made.router.add_get("/hang", hang)
    return made


app = make()


async def fails() -> web.Application:
    """A factory that the worker class calls when it starts."""
    raise RuntimeError("start on purpose broken")
