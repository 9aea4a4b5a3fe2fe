"""Reading the process table: children, sessions, who is still alive."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """One row of the process table."""

    pid: int
    state: str
    parent: int
    group: int
    session: int

    @property
    def alive(self) -> bool:
        """Whether it still runs: a zombie only waits for its parent."""
        return self.state not in "ZX"


def read_process(pid: int) -> Process | None:
    """The row of one process, or None when there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, parent, group, session = stat.rpartition(")")[2].split()[:4]
    return Process(pid, state, int(parent), int(group), int(session))


def all_processes() -> list[Process]:
    """Every process of this machine."""
    rows = (read_process(int(entry)) for entry in os.listdir("/proc") if entry.isdigit())
    return [row for row in rows if row is not None]


def is_alive(pid: int) -> bool:
    """Whether the process runs (a zombie does not)."""
    row = read_process(pid)
    return row is not None and row.alive


def children(parent: int) -> set[int]:
    """The running children of a process."""
    return {row.pid for row in all_processes() if row.parent == parent and row.alive}


def session_members(session: int) -> set[int]:
    """The running processes of a session."""
    return {row.pid for row in all_processes() if row.session == session and row.alive}


def descriptors(pid: int) -> int:
    """How many files a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def kill_session(session: int) -> None:
    """End every process of a session at once."""
    for pid in session_members(session):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
