"""Workers that leave under load, one by one: their clients do not notice."""

from __future__ import annotations

import pytest
from conftest import Serve
from support.load import Load

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


def test_a_worker_that_is_told_to_leave_loses_no_request(deploy: Serve) -> None:
    server = deploy(workers=2)
    with Load(server.address) as load:
        for _ in range(ROUNDS):
            leaving = min(server.worker_pids())
            server.signal("TERM", leaving)
            server.wait_until(
                lambda leaving=leaving: (
                    leaving not in server.worker_pids() and len(server.worker_pids()) == 2
                )
            )
    load.check()
    assert len(load.by_worker) > ROUNDS
