"""A bell that is heard in every worker.

Each worker listens on a datagram socket in the abstract namespace, named after its master and
itself, so no file is left anywhere. Where there is no such namespace (macOS), a ring is heard
in its own worker only.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
import time
from collections.abc import Iterable


class Bell:
    """Remembers when it rang last, on the clock all processes share."""

    def __init__(self) -> None:
        self.latest = _now()
        self._waiting: set[asyncio.Event] = set()
        self._socket: socket.socket | None = None

    def open(self) -> None:
        """Listen for the rings of other workers."""
        if sys.platform != "linux":
            return
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind(_address(os.getpid()))
        asyncio.get_running_loop().add_reader(self._socket, self._receive)

    def close(self) -> None:
        """Stop listening."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    def ring(self, pids: Iterable[int]) -> None:
        """Ring here and in the workers with these process ids."""
        now = _now()
        if self._socket is not None:
            for pid in set(pids) - {os.getpid()}:
                # A worker that leaves at this moment needs no bell.
                with contextlib.suppress(OSError):
                    self._socket.sendto(b"%d" % now, _address(pid))
        self._heard(now)

    async def heard_after(self, after: int, longest: float) -> bool:
        """Wait until the bell rings after a moment; false when it does not for too long."""
        if self.latest > after:
            return True
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            await asyncio.wait_for(event.wait(), longest)
        except asyncio.TimeoutError:
            return False
        finally:
            self._waiting.discard(event)
        return True

    def _receive(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError, ValueError):
                self._heard(int(self._socket.recv(64)))

    def _heard(self, moment: int) -> None:
        self.latest = max(self.latest, moment)
        for event in self._waiting:
            event.set()


def _now() -> int:
    """Microseconds: whole numbers that JavaScript keeps exactly."""
    return time.monotonic_ns() // 1000


def _address(pid: int) -> str:
    return f"\0rgunicorn-demo-{os.getppid()}-{pid}"
