"""ASGI: each request is a real task of asyncio; the path says what it checks of that."""

from __future__ import annotations

import asyncio
import contextvars
import json
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import anyio.to_thread

from apps.asgi_receive import read_all, reply
from apps.notes import note

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
View = Callable[[Scope, Receive, Send], Awaitable[Any]]

VIEWS: dict[str, View] = {}
VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


def view(function: View) -> View:
    """Serve a function under its own name."""
    VIEWS["/" + function.__name__] = function
    return function


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Call the view of the path; what it returns is the answer, as JSON."""
    if scope["type"] != "http":
        raise ValueError(f"no {scope['type']} here")
    answer = await VIEWS[scope["path"]](scope, receive, send)
    await reply(send, json.dumps(answer).encode())


@view
async def current_task(scope: Scope, receive: Receive, send: Send) -> Any:
    first = asyncio.current_task()
    await asyncio.sleep(0)
    second = asyncio.current_task()
    return {
        "task": isinstance(first, asyncio.Task),
        "same": first is second,
        "listed": first in asyncio.all_tasks(),
        "name": first.get_name() if first else None,
    }


@view
async def loop(scope: Scope, receive: Receive, send: Send) -> Any:
    running = asyncio.get_running_loop()
    main = threading.current_thread() is threading.main_thread()
    return {"module": type(running).__module__.partition(".")[0], "main_thread": main}


@view
async def timeout(scope: Scope, receive: Receive, send: Send) -> Any:
    try:
        async with asyncio.timeout(0.02):  # type: ignore[attr-defined]
            await asyncio.sleep(600)
    except TimeoutError:
        return "timed out"


@view
async def wait_for_receive(scope: Scope, receive: Receive, send: Send) -> Any:
    """A receive that was given up must not swallow the next message."""
    seen: list[str] = []
    for _ in range(3):
        try:
            message = await asyncio.wait_for(receive(), 0.02)
        except asyncio.TimeoutError:
            seen.append("timed out")
        else:
            seen.append(message["type"])
    return seen


@view
async def task_receive(scope: Scope, receive: Receive, send: Send) -> Any:
    message = await asyncio.create_task(receive())  # type: ignore[arg-type]
    waiting = asyncio.create_task(receive())  # type: ignore[arg-type]
    done, _ = await asyncio.wait([waiting], timeout=0.02)
    waiting.cancel()
    try:
        await waiting
    except asyncio.CancelledError:
        return [message["type"], len(done), "cancelled"]
    return "not cancelled"


@view
async def cancelled_at_once(scope: Scope, receive: Receive, send: Send) -> Any:
    """How Starlette asks whether the client is still there."""
    await read_all(receive)
    with anyio.CancelScope() as cancelled:
        cancelled.cancel()
        await receive()
        return "not cancelled"
    return None


@view
async def task_group(scope: Scope, receive: Receive, send: Send) -> Any:
    seen: list[int] = []

    async def member(number: int) -> None:
        await anyio.sleep(0.01 * (3 - number))
        seen.append(number)

    async with anyio.create_task_group() as group:
        for number in range(3):
            group.start_soon(member, number)
    return seen


@view
async def cancelled_group(scope: Scope, receive: Receive, send: Send) -> Any:
    """A task group that listens for the client while it works."""
    result: list[str] = []

    async def listen() -> None:
        await read_all(receive)
        await receive()
        result.append("disconnected")

    async with anyio.create_task_group() as group:
        group.start_soon(listen)
        await anyio.sleep(0.02)
        group.cancel_scope.cancel()
    return result


@view
async def fail_after(scope: Scope, receive: Receive, send: Send) -> Any:
    try:
        with anyio.fail_after(0.02):
            await anyio.sleep(600)
    except TimeoutError:
        return "timed out"


@view
async def to_thread(scope: Scope, receive: Receive, send: Send) -> Any:
    main = threading.main_thread()
    VARIABLE.set("seen in the thread")

    def work() -> list[Any]:
        return [threading.current_thread() is main, VARIABLE.get()]

    return await anyio.to_thread.run_sync(work)


@view
async def variable(scope: Scope, receive: Receive, send: Send) -> Any:
    before = VARIABLE.get()
    VARIABLE.set(scope["query_string"].decode())
    await asyncio.sleep(0.01)
    return [before, VARIABLE.get()]


@view
async def gather(scope: Scope, receive: Receive, send: Send) -> Any:
    async def number(value: int) -> int:
        await asyncio.sleep(0)
        return value

    return await asyncio.gather(*(number(value) for value in range(10)))


@view
async def subprocess(scope: Scope, receive: Receive, send: Send) -> Any:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "print('child')", stdout=asyncio.subprocess.PIPE
    )
    output, _ = await child.communicate()
    return [output.decode().strip(), child.returncode]


@view
async def fire_and_forget(scope: Scope, receive: Receive, send: Send) -> Any:
    async def later() -> None:
        await asyncio.sleep(0.05)
        note("forgotten task done")

    task = asyncio.create_task(later())
    KEPT.add(task)
    task.add_done_callback(KEPT.discard)
    return "started"


KEPT: set[asyncio.Task[None]] = set()
