"""Servers whose hooks write down that they are called."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from apps.recording import config_file

from support.server import Server

Call = dict[str, Any]


def write_config(directory: Path, *names: str, more: str = "") -> Path:
    """A config file whose hooks record their calls: these, or all."""
    path = directory / "recorded.conf.py"
    path.write_text(config_file(*names, more=more))
    return path


class Record:
    """What the hooks of a server have written down."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.path = server.directory / "calls.jsonl"

    def calls(self, *hooks: str) -> list[Call]:
        """The calls so far, or those of these hooks."""
        text = self.path.read_text() if self.path.exists() else ""
        found = [json.loads(line) for line in text.splitlines()]
        return [call for call in found if not hooks or call["hook"] in hooks]

    def of_master(self) -> list[Call]:
        """Those in the master."""
        return [call for call in self.calls() if call["pid"] == self.server.pid]

    def of_worker(self, pid: int) -> list[str]:
        """The names of those in a worker."""
        return [call["hook"] for call in self.calls() if call["pid"] == pid]

    def wait(self, hook: str, times: int = 1, **values: Any) -> Call:
        """Wait for so many calls of a hook with these values; the last one."""

        def found() -> list[Call]:
            calls = [
                call
                for call in self.calls(hook)
                if all(call.get(name) == value for name, value in values.items())
            ]
            return calls if len(calls) >= times else []

        self.server.wait_until(found)
        return found()[-1]

    def clear(self) -> None:
        """Forget everything so far."""
        self.path.unlink(missing_ok=True)


def names(calls: list[Call]) -> list[str]:
    """The hooks that were called."""
    return [call["hook"] for call in calls]


Recorded = Callable[..., Record]
