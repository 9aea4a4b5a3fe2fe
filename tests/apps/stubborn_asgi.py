"""ASGI: tasks, threads and exit functions that would rather stay."""

from __future__ import annotations

import asyncio
from typing import Any

from apps.asgi_receive import reply
from apps.notes import note
from apps.stubborn_wsgi import EVER, WAYS


async def refuse() -> None:
    """Go on whatever is raised, cancellation included."""
    note("refusing")
    end = asyncio.get_running_loop().time() + EVER
    while asyncio.get_running_loop().time() < end:
        try:
            await asyncio.sleep(1)
        except BaseException as problem:
            note(f"refused {problem!r}")


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Do what the path says and answer, if that is ever reached."""
    if scope["type"] != "http":
        raise ValueError(f"no {scope['type']} here")
    if scope["path"] == "/refuse":
        await refuse()
    else:
        WAYS.get(scope["path"], lambda: None)()
    await reply(send, b"hello")
