"""Reloads that succeed, and reloads that must change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from support.load import Load
from support.project import Project
from support.server import Server

#: The line that ends every reload that was given up.
GIVEN_UP = r"\[ERROR\] Reload given up"


@contextmanager
def unchanged(server: Server) -> Iterator[None]:
    """See that nothing of what serves changes, whatever the block releases."""
    server.expect(".*")
    old = server.worker_pids()
    with Load(server.address, stay=8, leave=8) as load:
        yield
        load.wait_round()
        server.wait_until(lambda: server.worker_pids() == old)
    load.check()
    assert set(load.by_version) == {"1"}, "new code has served"


def reload_in_vain(server: Server, pattern: str) -> None:
    """A reload that is given up, for a reason that is in the log."""
    reasons, given_up = server.log_lines(pattern), server.log_lines(GIVEN_UP)
    server.signal("HUP")
    server.wait_log(GIVEN_UP, times=given_up + 1)
    server.wait_log(pattern, times=reasons + 1)
    assert server.log_lines(GIVEN_UP) == given_up + 1


def reload_well(server: Server, project: Project) -> None:
    """A good reload after all the bad ones."""
    project.release("3")
    old = server.worker_pids()
    server.signal("HUP")
    server.wait_until(lambda: old.isdisjoint(server.worker_pids()))
    server.wait_until(lambda: server.get("/").header("X-Version") == "3")
