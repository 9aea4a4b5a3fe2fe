"""Workers that die under load: what was inside them fails, and nothing else does."""

from __future__ import annotations

import os
import signal
import time

import pytest
from conftest import Serve
from support.load import Failure, Load
from support.processes import clients_of, read_process
from support.server import Server
from support.waiting import wait_until

pytestmark = pytest.mark.only("rgunicorn")

KILLS = 5


def kill_and_look_inside(server: Server, pid: int) -> tuple[set[int], float, float]:
    """Kill a worker; the ports of the clients that were inside, and when it was held and killed."""
    held = time.monotonic()
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: (row := read_process(pid)) is None or row.state == "T", what="the stop")
    inside = clients_of(pid, server.address.port)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: read_process(pid) is None, what="the end of the worker")
    return inside, held, time.monotonic()


def was_inside(failure: Failure, kills: list[tuple[set[int], float, float]]) -> bool:
    """Whether the request was in the hands of a worker at the moment it was killed."""
    return any(
        failure.port in inside and failure.began <= gone and failure.ended >= held
        for inside, held, gone in kills
    )


def test_only_the_requests_inside_a_killed_worker_fail(deploy: Serve) -> None:
    server = deploy(workers=3)
    server.expect("SIGKILL|signal 9|died after")
    kills = []
    with Load(server.address) as load:
        for _ in range(KILLS):
            began = time.monotonic()
            victim = min(server.worker_pids())
            kills.append(kill_and_look_inside(server, victim))
            server.wait_until(lambda: len(server.worker_pids()) == 3)
            load.wait_round()
            wait_until(lambda began=began: time.monotonic() - began > 1)
    inside = [failure for failure in load.failures if was_inside(failure, kills)]
    load.check(forgiven=inside)
    assert len(inside) <= sum(len(ports) for ports, _, _ in kills)
    assert (
        server.log_lines(r"Worker \(pid:\d+\) was sent SIGKILL! Perhaps out of memory\?") == KILLS
    )


def test_five_killed_workers_are_five_new_ones(deploy: Serve) -> None:
    server = deploy(workers=5)
    server.expect("SIGKILL|signal 9|died after")
    server.wait_until(lambda: server.log_lines("Booting worker") == 5)
    old = server.worker_pids()
    for pid in sorted(old):
        os.kill(pid, signal.SIGKILL)
    server.wait_until(lambda: len(server.worker_pids() - old) == 5, within=5)
    server.wait_until(lambda: not any(read_process(pid) for pid in old))
    assert server.alive
    assert server.get("/").status == 200
