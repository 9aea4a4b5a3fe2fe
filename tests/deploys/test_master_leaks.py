"""A master that has reloaded often is no larger than one that has not."""

from __future__ import annotations

import os

import pytest
from conftest import Serve
from support.processes import children, descriptors, resident, session_members, zombies
from support.project import Project
from support.server import Server

pytestmark = pytest.mark.only("rgunicorn")

RELOADS = 200
#: After so many everything that is made once has been made.
WARM = 20
#: The memory of a master, in kilobytes: 20 MB, and 4 more in a debug build, which has more code.
MOST = 24 * 1024
#: What 180 reloads may add to it, in kilobytes.
GROWTH = 512


def reload(server: Server) -> None:
    """One reload, to its end."""
    old = server.worker_pids()
    server.signal("HUP")
    server.wait_until(
        lambda: len(server.worker_pids()) == len(old) and old.isdisjoint(server.worker_pids())
    )


def measure(server: Server) -> tuple[int, int, int]:
    """Descriptors, processes and threads of the server."""
    return (
        descriptors(server.pid),
        len(session_members(server.pid)),
        len(os.listdir(f"/proc/{server.pid}/task")),
    )


def test_the_master_is_small(deploy: Serve) -> None:
    server = deploy(workers=2)
    assert server.get("/").status == 200
    assert resident(server.pid) < MOST


@pytest.mark.timeout(300)
def test_two_hundred_reloads_leave_nothing_behind(serve: Serve) -> None:
    server = serve("apps.wsgi_plain:app")
    for _ in range(WARM):
        reload(server)
    before, memory = measure(server), resident(server.pid)
    for _ in range(RELOADS - WARM):
        reload(server)
    server.wait_until(lambda: measure(server) == before)
    assert resident(server.pid) - memory < GROWTH
    assert resident(server.pid) < MOST
    assert not zombies(server.pid)
    assert len(children(server.pid)) == 1


def test_failed_reloads_leave_nothing_behind(deploy: Serve, project: Project) -> None:
    server = deploy()
    server.expect(".*")
    project.break_by("exception")
    for number in range(1, 6):
        server.signal("HUP")
        server.wait_log("release on purpose broken$", times=number)
        server.wait_until(lambda: len(server.worker_pids()) == 1)
    before, memory = measure(server), resident(server.pid)
    for number in range(6, 26):
        server.signal("HUP")
        server.wait_log("release on purpose broken$", times=number)
        server.wait_until(lambda: len(server.worker_pids()) == 1)
    server.wait_until(lambda: measure(server) == before)
    assert resident(server.pid) - memory < GROWTH
    assert not zombies(server.pid)
