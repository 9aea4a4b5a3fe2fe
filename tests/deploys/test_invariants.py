"""The invariants of process management, one test each, named as they are in ARCHITECTURE.md.

The other files of this directory go through the ways in which each could be broken.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import Serve
from support.commandline import patience
from support.load import Load
from support.presence import Presence
from support.processes import session_members
from support.project import Project
from support.raw import build_request
from support.reloads import reload_in_vain, unchanged

pytestmark = pytest.mark.only("rgunicorn")

#: Code that is loaded for so long that a test can do something meanwhile.
NEVER = "import os, time\nos.write(2, b'note: second\\n')\ntime.sleep(60)\n"
SLOWLY = "import time\ntime.sleep(0.3)\n"


@pytest.fixture(params=["wsgi", "asgi"])
def stubborn(request: pytest.FixtureRequest) -> str:
    """The application whose workers do not want to leave."""
    return f"apps.stubborn_{request.param}:app"


def test_the_master_has_one_thread_and_hears_every_signal_at_every_moment(
    deploy: Serve, project: Project, strategy: dict[str, Any]
) -> None:
    server = deploy(workers=2, **strategy)
    project.release("2", before=NEVER)
    server.signal("HUP")
    server.wait_log("note: second")
    for name in ("USR1", "TTIN", "TTOU", "WINCH", "CHLD"):
        server.signal(name)
    server.wait_log("Handling signal: usr1")
    server.wait_log("Handling signal: ttin")
    server.wait_log("Handling signal: ttou")
    assert len(os.listdir(f"/proc/{server.pid}/task")) == 1
    assert server.stop() == 0


def test_ready_workers_never_fall_below_the_configured_number(
    deploy: Serve, project: Project
) -> None:
    server = deploy(workers=2, max_requests=400)
    with Load(server.address, stay=4, leave=4) as load, Presence(server, lambda: 2):
        for version in ("2", "3"):
            project.release(version, before=SLOWLY)
            for name in ("TTIN", "TTOU"):
                server.signal(name)
            server.wait_log("Handling signal: ttou", times=int(version) - 1)
            load.wait_round()
            old = server.worker_pids()
            server.signal("HUP")
            server.wait_until(lambda old=old: old.isdisjoint(server.worker_pids()), within=20)
    load.check()


def test_a_generation_that_failed_to_boot_never_replaces_one_that_serves(
    deploy: Serve, project: Project
) -> None:
    server = deploy(workers=2)
    with unchanged(server):
        reload_in_vain(server, project.break_by("exception"))


@pytest.mark.parametrize("name", ["TERM", "KILL"])
def test_no_worker_outlives_its_master_and_no_file_outlives_both(
    serve: Serve, plain: str, name: str, short_directory: str
) -> None:
    server = serve(
        plain,
        workers=2,
        bind=f"unix:{short_directory}/site.sock",
        pidfile=f"{short_directory}/site.pid",
    )
    assert server.get("/").status == 200
    if name == "KILL":
        server.expected_status = -9
        server.expect(".*")
    began = time.monotonic()
    server.signal(name)
    server.wait_until(lambda: not session_members(server.pid) - {server.pid})
    took = time.monotonic() - began
    assert name == "TERM" or took < patience(1.0), f"the last worker left after {took:.2f} s"
    server.wait_exit()
    assert not list(Path(short_directory).iterdir())


def test_a_stop_ends_within_the_graceful_timeout_plus_one_second(
    serve: Serve, stubborn: str
) -> None:
    server = serve(stubborn, workers=2, graceful_timeout=1)
    server.expect("did not stop|SIGKILL|signal|has worked for")
    with server.connect() as client:
        client.send(build_request("GET", "/refuse"))
        server.wait_log("note: refusing")
        began = time.monotonic()
        assert server.stop() == 0
        took = time.monotonic() - began
    assert took < patience(2.0), f"the stop took {took:.2f} s"


def test_an_accepted_request_is_answered_or_its_connection_closed(
    serve: Serve, stubborn: str
) -> None:
    server = serve(stubborn, workers=1, timeout=1)
    server.expect("WORKER TIMEOUT|SIGABRT|SIGKILL|has worked for")
    stuck = server.connect()
    stuck.send(build_request("GET", "/compute"))
    server.wait_log("note: computing")
    waiting = [server.connect() for _ in range(8)]
    for client in waiting:
        client.send(build_request("GET", "/", headers={"Connection": "close"}))
    assert stuck.read_to_close() == b""
    for client in waiting:
        answer = client.read_to_close()
        assert answer == b"" or answer.startswith(b"HTTP/1.1 200 "), answer
    assert server.get("/").status == 200
