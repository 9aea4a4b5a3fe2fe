"""Watching that as many workers as were asked for are ready at every moment."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable

from typing_extensions import Self

from support.processes import is_alive
from support.server import Server
from support.waiting import INTERVAL


class Presence:
    """Counts the workers that have loaded the application and still run, again and again.

    The application says `note: loaded VERSION in PID` when a process has it. A worker that was told
    to leave and is still there counts too: a shortage may be overlooked, but is never invented.
    """

    def __init__(self, server: Server, wanted: Callable[[], int]) -> None:
        self._server = server
        self._wanted = wanted
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="presence", daemon=True)
        #: How many were ready when there were too few, for every time one looked.
        self.shortages: list[int] = []
        self.looks = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        if self._server.alive:
            assert not self.shortages, f"too few ready workers: {self.shortages[:10]}"
            assert self.looks > 0

    def _loaded(self) -> set[int]:
        found = re.findall(r"note: loaded \S+ in (\d+)", self._server.log())
        return {int(pid) for pid in found}

    def _watch(self) -> None:
        while True:
            loaded = self._loaded()
            ready = sum(map(is_alive, loaded))
            self.looks += 1
            if ready < self._wanted():
                # Since the log was read, one may have become ready and another may have left.
                ready += len(self._loaded() - loaded)
            if ready < self._wanted():
                self.shortages.append(ready)
            if self._ended.wait(INTERVAL):
                return
