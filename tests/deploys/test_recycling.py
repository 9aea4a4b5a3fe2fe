"""Workers that are replaced because they are worn: nobody waits and nothing is lost."""

from __future__ import annotations

import re

import pytest
from conftest import Serve
from support.load import Load
from support.presence import Presence
from support.project import Project
from support.waiting import wait_until

pytestmark = pytest.mark.only("rgunicorn")

#: How many workers are worn out in a test.
WORN = 8
HOARDING = "HOARD = bytearray(150 << 20)\n"


def test_recycling_every_500_requests_loses_no_request(deploy: Serve, project: Project) -> None:
    server = deploy(workers=2, max_requests=500)
    with Load(server.address, pause=0.005) as load, Presence(server, lambda: 2):
        wait_until(lambda: len(load.by_worker) >= WORN, within=30)
        counts = load.by_worker
    load.check()
    assert counts.total() > 500 * (WORN - 2)


def test_workers_that_have_lived_long_enough_are_replaced(deploy: Serve, project: Project) -> None:
    server = deploy(workers=2, max_worker_lifetime=1)
    with Load(server.address) as load, Presence(server, lambda: 2):
        wait_until(lambda: len(load.by_worker) >= 2 + 4, within=20)
    load.check()


def test_workers_that_hold_too_much_memory_are_replaced(deploy: Serve, project: Project) -> None:
    project.release("1", before=HOARDING)
    server = deploy(workers=2, max_worker_memory="128m")
    project.release("2")

    # Who is to be replaced may be gone by the time that one looks at who is there.
    def all_are_light() -> bool:
        light = {int(pid) for pid in re.findall(r"note: loaded 2 in (\d+)", server.log())}
        workers = server.worker_pids()
        return len(workers) == 2 and workers <= light

    with Load(server.address, stay=8, leave=8) as load, Presence(server, lambda: 2):
        wait_until(all_are_light, within=20)
        young = server.worker_pids()
        load.wait_round()
        assert server.worker_pids() == young
    load.check()
    assert server.log_lines("Autorestarting worker") >= 2


def test_a_worn_worker_serves_until_the_code_can_be_loaded_again(
    deploy: Serve, project: Project
) -> None:
    server = deploy(workers=1, max_requests=100)
    server.expect(".*")
    with Load(server.address, stay=8, leave=8) as load:
        pattern = project.break_by("exception")
        server.wait_log(pattern, times=3, within=20)
        seen = load.by_worker
        load.wait_round()
        assert len(load.by_worker - seen) == 1, "the worn worker has been replaced"
        project.release("2")
        wait_until(lambda: load.by_version["2"] > 0, within=20)
    load.check()
