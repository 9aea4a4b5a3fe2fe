"""HUP under load: the new code serves, and no client notices how it came."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import Serve
from support.load import Load
from support.presence import Presence
from support.processes import children, zombies
from support.project import Project
from support.server import Server

pytestmark = pytest.mark.only("rgunicorn")

SLOWLY = "import time\ntime.sleep(0.3)\n"


def reload(server: Server, project: Project, version: str, before: str = "") -> None:
    """Release a version, and wait until all of the old processes are gone."""
    project.release(version, before=before)
    old = server.worker_pids()
    server.signal("HUP")
    server.wait_until(lambda: old.isdisjoint(server.worker_pids()), within=20)


@pytest.mark.timeout(300)
def test_twenty_reloads_lose_no_request(deploy: Serve, project: Project) -> None:
    server = deploy(workers=2)
    with Load(server.address) as load:
        for number in range(2, 22):
            reload(server, project, str(number))
        load.wait_round()
        assert load.by_version["21"] > 0
    load.check()
    assert server.log_lines("Handling signal: hup") == 20
    assert not zombies(server.pid)


def test_a_reload_of_any_strategy_loses_no_request(
    deploy: Serve, project: Project, strategy: dict[str, Any]
) -> None:
    server = deploy(workers=3, **strategy)
    with Load(server.address) as load:
        for number in range(2, 6):
            reload(server, project, str(number))
            load.wait_round()
            seen = load.by_version
            load.wait_round()
            assert set(load.by_version - seen) == {str(number)}, "the old code still answers"
    load.check()


def test_ready_workers_never_become_fewer(
    deploy: Serve, project: Project, strategy: dict[str, Any]
) -> None:
    server = deploy(workers=3, **strategy)
    # A template has the application too.
    wanted = 3 + ("preload_app" in strategy)
    server.wait_log("note: loaded", times=wanted)
    with Load(server.address, stay=4, leave=4) as load, Presence(server, lambda: wanted):
        reload(server, project, "2", before=SLOWLY)
        reload(server, project, "3", before=SLOWLY)
    load.check()


def test_a_rolling_reload_adds_one_process_at_the_most(deploy: Serve, project: Project) -> None:
    server = deploy(workers=3, reload_strategy="rolling")
    most = 0

    def reloaded() -> bool:
        nonlocal most
        most = max(most, len(children(server.pid)))
        return server.log_lines("Reloaded: 3 new workers took over") == 1

    with Load(server.address, stay=4, leave=4) as load:
        project.release("2", before=SLOWLY)
        server.signal("HUP")
        server.wait_until(reloaded, within=20)
    load.check()
    assert most == 4


def test_a_second_reload_takes_the_place_of_the_first(deploy: Serve, project: Project) -> None:
    server = deploy(workers=2)
    with Load(server.address, stay=8, leave=8) as load:
        project.release(
            "2", before="import os, time\nos.write(2, b'note: second\\n')\ntime.sleep(30)\n"
        )
        server.signal("HUP")
        server.wait_log("note: second")
        reload(server, project, "3")
        load.wait_round()
    load.check()
    assert set(load.by_version) == {"1", "3"}


def test_a_stop_is_heard_during_a_reload(deploy: Serve, project: Project) -> None:
    server = deploy(workers=2)
    project.release(
        "2", before="import os, time\nos.write(2, b'note: second\\n')\ntime.sleep(30)\n"
    )
    server.signal("HUP")
    server.wait_log("note: second")
    reply = server.get_in_background("/sleep?0.5")
    server.wait_log("note: sleeping")
    assert server.stop() == 0
    assert reply.result(5).status == 200


def test_a_worker_that_is_killed_during_a_reload_is_replaced(
    deploy: Serve, project: Project
) -> None:
    server = deploy(workers=2)
    server.expect("SIGKILL|died after")
    old = server.worker_pids()
    project.release("2", before="import os, time\nos.write(2, b'note: second\\n')\ntime.sleep(1)\n")
    server.signal("HUP")
    server.wait_log("note: second", times=2)
    for pid in old:
        server.signal("KILL", pid)
    assert server.get("/").status == 200
    server.wait_until(lambda: server.get("/").header("X-Version") == "2")
    server.wait_until(lambda: len(server.worker_pids()) == 2)


def test_a_storm_of_reloads_ends_with_the_last(deploy: Serve, project: Project) -> None:
    server = deploy(workers=2)
    with Load(server.address, stay=8, leave=8) as load:
        for number in range(2, 30):
            project.release(str(number))
            server.signal("HUP")
            server.wait_log("Handling signal: hup", times=number - 1)
        server.wait_until(lambda: load.by_version["29"] > 0)
        server.wait_until(lambda: len(server.worker_pids()) == 2)
        seen = load.by_version
        load.wait_round()
        load.wait_round()
        assert set(load.by_version - seen) == {"29"}
    load.check()
