"""Workers that leave under load, one by one: their clients do not notice."""

from __future__ import annotations

import pytest
from conftest import Serve
from support.load import Load
from support.project import Project

pytestmark = pytest.mark.only("rgunicorn")

#: How often the number of workers goes up and down.
ROUNDS = 5


def test_ttin_and_ttou_lose_no_request(deploy: Serve) -> None:
    server = deploy(workers=2)
    with Load(server.address) as load:
        for number in range(1, ROUNDS + 1):
            for name, count in (("TTIN", 3), ("TTIN", 4), ("TTOU", 3), ("TTOU", 2)):
                server.signal(name)
                server.wait_until(lambda count=count: len(server.worker_pids()) == count)
            assert server.log_lines("Handling signal: ttou") == 2 * number
            load.wait_round()
    load.check()
    assert len(load.by_worker) > ROUNDS


def test_ttou_stops_an_old_worker_when_a_younger_one_is_ready(
    deploy: Serve, project: Project
) -> None:
    server = deploy(workers=2)
    old = server.worker_pids()
    project.release("2", before="import os, time\nos.write(2, b'note: boots\\n')\ntime.sleep(1)\n")
    server.signal("TTIN")
    server.wait_log("note: boots")
    (young,) = server.worker_pids() - old
    server.signal("TTOU")
    server.wait_log("Handling signal: ttou")
    assert server.worker_pids() == old | {young}, "somebody left before two others were ready"
    server.wait_until(lambda: len(server.worker_pids()) == 2)
    assert young in server.worker_pids()
    assert server.log_lines("note: loaded 2 in") == 1


def test_a_worker_that_is_told_to_leave_loses_no_request(deploy: Serve) -> None:
    server = deploy(workers=2)
    with Load(server.address) as load:
        for _ in range(ROUNDS):
            leaving = min(server.worker_pids())
            server.signal("TERM", leaving)
            server.wait_until(
                # Both have answered: the next to leave is one that serves.
                lambda leaving=leaving: (
                    leaving not in server.worker_pids()
                    and len(server.worker_pids() & set(load.by_worker)) == 2
                )
            )
    load.check()
    assert len(load.by_worker) > ROUNDS
