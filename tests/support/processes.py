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


def zombies(parent: int) -> set[int]:
    """The children of a process that have ended and were not reaped."""
    return {row.pid for row in all_processes() if row.parent == parent and not row.alive}


def resident(pid: int) -> int:
    """The memory of a process that is in use, in kilobytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def clients_of(pid: int, port: int) -> set[int]:
    """The ports of the clients whose connections to `port` (TCP over IPv4) a process holds."""
    held = set()
    for entry in os.listdir(f"/proc/{pid}/fd"):
        try:
            held.add(os.readlink(f"/proc/{pid}/fd/{entry}"))
        except FileNotFoundError:
            continue
    clients = set()
    for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        local, remote = (int(field.rpartition(":")[2], 16) for field in fields[1:3])
        if local == port and remote and f"socket:[{fields[9]}]" in held:
            clients.add(remote)
    return clients


def kill_session(session: int) -> None:
    """End every process of a session at once."""
    for pid in session_members(session):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
