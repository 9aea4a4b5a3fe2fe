"""Running a command to its end, as a person at a shell would, and looking what it left."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from support.commands import environment, script
from support.processes import all_processes, is_alive, kill_session, session_members
from support.waiting import wait_until


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    status: int
    output: str
    errors: str
    seconds: float
    left: set[int] = field(default_factory=set)

    @property
    def text(self) -> str:
        """Everything it said."""
        return self.output + self.errors


def words_of(command: str | Sequence[str]) -> list[str]:
    """The words of a command; `rgunicorn` and `python` are those of this interpreter."""
    words = shlex.split(command) if isinstance(command, str) else list(command)
    if words[0] == "python":
        words[0] = sys.executable
    elif "/" not in words[0]:
        words[0] = script(words[0])
    return words


def run(
    command: str | Sequence[str],
    directory: Path,
    env: Mapping[str, str] | None = None,
    within: float = 15.0,
) -> Outcome:
    """Run a command in a session of its own and wait for its end."""
    began = time.monotonic()
    process = subprocess.Popen(
        words_of(command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=directory,
        env=environment(env),
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(timeout=within)
    except subprocess.TimeoutExpired:
        kill_session(process.pid)
        output, errors = process.communicate()
        text = (output + errors).decode(errors="replace")
        raise AssertionError(f"still running after {within:g} s:\n{text}") from None
    seconds = time.monotonic() - began
    left = session_members(process.pid)
    kill_session(process.pid)
    return Outcome(process.returncode, output.decode(), errors.decode(), seconds, left)


def patience(seconds: float) -> float:
    """So many seconds of an idle machine; more when others keep it busy."""
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def free_port() -> int:
    """A TCP port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Daemon:
    """A server that left its shell, known by its pid file."""

    def __init__(self, pidfile: Path) -> None:
        self.pidfile = pidfile
        self.pid = int(pidfile.read_text())

    @property
    def alive(self) -> bool:
        """Whether the master runs."""
        return is_alive(self.pid)

    def members(self) -> set[int]:
        """The master and its workers."""
        return {row.pid for row in all_processes() if self.pid in (row.pid, row.parent)}

    def stop(self) -> None:
        """Stop it and see every process of it go."""
        members = self.members()
        os.kill(self.pid, signal.SIGTERM)
        wait_until(lambda: not any(map(is_alive, members)), what="the end of the daemon")

    def kill(self) -> None:
        """End whatever is left of it."""
        for pid in self.members():
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)
