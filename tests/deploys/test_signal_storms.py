"""Any signals in any order: afterwards the site serves with as many workers as it should."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time

import pytest
from conftest import Serve
from support.load import Load
from support.processes import session_members, zombies
from support.project import Project
from support.server import Server
from support.waiting import wait_until

pytestmark = pytest.mark.only("rgunicorn")

#: How long a storm lasts, in seconds.
STORM = 4.0
#: Whatever does not end or replace the server.
HARMLESS = ["HUP", "TTIN", "TTOU", "USR1", "WINCH", "CHLD", "CONT", "URG"]


def storm(server: Server, seed: int, names: list[str], *, workers: bool) -> None:
    """Send random signals to the master, and perhaps to workers too, for a while."""
    chance = random.Random(seed)
    end = time.monotonic() + STORM

    def send() -> bool:
        pids = sorted(server.worker_pids()) if workers else []
        pid = chance.choice([server.pid, *pids])
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, getattr(signal, f"SIG{chance.choice(names)}"))
        return time.monotonic() >= end

    wait_until(send, within=STORM + 5)


def settle(server: Server, workers: int) -> None:
    """Bring the number of workers back, and wait until it is reached and stays."""
    # Of signals that wait, the kernel delivers the lowest number first: HUP would overtake.
    server.wait_stable(lambda: server.log_lines("signal: |Hang up"))
    server.signal("HUP")
    server.wait_until(lambda: len(server.worker_pids()) == workers, within=20)
    pids = server.wait_stable(lambda: sum(server.worker_pids()), quiet=1.5)
    assert pids == sum(server.worker_pids())
    assert len(server.worker_pids()) == workers
    assert not zombies(server.pid)


def test_a_storm_of_signals_to_the_master_loses_no_request(deploy: Serve, project: Project) -> None:
    server = deploy(workers=2)
    with Load(server.address, stay=8, leave=8, pause=0.05) as load:
        storm(server, 1, HARMLESS, workers=False)
        project.release("2")
        settle(server, 2)
        server.wait_until(lambda: load.by_version["2"] > 0)
        load.wait_round()
    load.check()
    assert not zombies(server.pid)


def test_the_same_signals_to_everybody_lose_no_request(deploy: Serve) -> None:
    server = deploy(workers=2)
    with Load(server.address, stay=8, leave=8, pause=0.05) as load:
        storm(server, 2, ["HUP", "TTIN", "TTOU", "USR1", "WINCH"], workers=True)
        settle(server, 2)
        load.wait_round()
    load.check()


def test_hup_to_the_whole_group_is_a_reload(deploy: Serve, project: Project) -> None:
    server = deploy(workers=3)
    with Load(server.address) as load:
        for version in ("2", "3", "4"):
            project.release(version)
            old = server.worker_pids()
            os.killpg(server.pid, signal.SIGHUP)
            server.wait_until(lambda old=old: old.isdisjoint(server.worker_pids()))
            server.wait_until(lambda version=version: load.by_version[version] > 0)
    load.check()


def test_signals_to_the_workers_alone_do_no_harm(deploy: Serve) -> None:
    server = deploy(workers=2)
    pids = server.worker_pids()
    with Load(server.address, stay=8, leave=8) as load:
        for name in ("HUP", "TTIN", "TTOU", "USR1", "USR2", "WINCH", "PIPE", "CHLD"):
            for pid in pids:
                server.signal(name, pid)
            load.wait_round()
    load.check()
    assert server.worker_pids() == pids


def test_a_storm_that_also_kills_workers_ends_with_all_of_them(deploy: Serve) -> None:
    server = deploy(workers=3)
    server.expect(".*")
    chance = random.Random(3)
    end = time.monotonic() + STORM
    while time.monotonic() < end:
        pids = sorted(server.worker_pids())
        if pids:
            victim = chance.choice(pids)
            with contextlib.suppress(ProcessLookupError):
                server.signal(chance.choice(["KILL", "TERM", "SEGV", "ABRT", "QUIT"]), victim)
        server.signal(chance.choice(["HUP", "TTIN", "TTOU"]))
        wait_until(lambda: server.worker_pids(), within=20)
    settle(server, 3)
    assert server.get("/").status == 200
    assert len(session_members(server.pid)) == 4
