"""A master that is killed takes everything with it: processes, socket, pid and other files."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from conftest import Serve
from support.commandline import patience
from support.processes import session_members
from support.project import Project
from support.raw import build_request
from support.server import Server

pytestmark = pytest.mark.only("rgunicorn")

#: From the end of the master to the end of the last worker, in seconds.
AT_ONCE = 1.0


@pytest.fixture(params=["wsgi", "asgi"])
def stubborn(request: pytest.FixtureRequest) -> str:
    """The application whose workers do not want to leave."""
    return f"apps.stubborn_{request.param}:app"


@pytest.fixture
def remains(tmp_path: Path) -> dict[str, str]:
    """Where temporary files go."""
    (tmp_path / "temporary").mkdir()
    return {"TMPDIR": str(tmp_path / "temporary")}


def lose_master(server: Server) -> None:
    """Kill the master, and see the others and the files go in time."""
    server.expected_status = -9
    # A worker that dies with its master may be in the middle of a sentence.
    server.expect(".*")
    members = session_members(server.pid) - {server.pid}
    assert members, "nobody to lose"
    began = time.monotonic()
    server.signal("KILL")
    server.wait_until(lambda: not (session_members(server.pid) - {server.pid}))
    took = time.monotonic() - began
    assert took < patience(AT_ONCE), f"the last worker left after {took:.2f} s"
    assert server.wait_exit() == -9
    left = [path.name for path in server.directory.iterdir() if path.suffix in (".sock", ".pid")]
    assert not left, f"left behind: {left}"
    assert not list((server.directory.parent / "temporary").iterdir())


def files(short_directory: str) -> dict[str, str]:
    """A socket and a pid file."""
    return {"bind": f"unix:{short_directory}/site.sock", "pidfile": f"{short_directory}/site.pid"}


def test_idle_workers_leave_with_the_master(
    serve: Serve, plain: str, remains: dict[str, str], short_directory: str
) -> None:
    server = serve(plain, workers=4, env=remains, **files(short_directory))
    assert server.get("/").text == "hello"
    lose_master(server)
    assert list(Path(short_directory).iterdir()) == []


@pytest.mark.parametrize(
    ("path", "busy"),
    [("/refuse", "refusing"), ("/compute", "computing"), ("/c", "in C"), ("/thread", "left")],
)
def test_busy_workers_leave_with_the_master(
    serve: Serve, stubborn: str, path: str, busy: str, remains: dict[str, str]
) -> None:
    server = serve(stubborn, workers=2, env=remains)
    with server.connect() as client:
        client.send(build_request("GET", path))
        server.wait_log(f"note: {busy}")
        lose_master(server)
        client.read_to_close()


def test_a_worker_with_a_spooled_body_leaves_no_temporary_file(
    serve: Serve, plain: str, remains: dict[str, str]
) -> None:
    server = serve(plain, env=remains)
    with server.connect() as client:
        head = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n"
        client.send(head.encode() + b"x" * 8_000_000)
        assert server.get("/").text == "hello"
        lose_master(server)


@pytest.mark.parametrize("stuck", ["time.sleep(60)", "ctypes.PyDLL(None).usleep(60_000_000)"])
def test_workers_that_boot_leave_with_the_master(
    serve: Serve, project: Project, stuck: str, remains: dict[str, str]
) -> None:
    project.release("1", before=f"import ctypes, os, time\nos.write(2, b'begun\\n')\n{stuck}\n")
    server = serve(project.app, workers=2, env=remains)
    server.wait_log("begun")
    lose_master(server)


def test_workers_leave_while_they_stop(
    serve: Serve, stubborn: str, remains: dict[str, str]
) -> None:
    server = serve(stubborn, env=remains, graceful_timeout=30)
    with server.connect() as client:
        client.send(build_request("GET", "/refuse"))
        server.wait_log("note: refusing")
        server.signal("TERM")
        server.wait_log("Handling signal: term")
        lose_master(server)
        client.read_to_close()


@pytest.mark.parametrize("settings", [{}, {"reload_strategy": "rolling"}, {"preload_app": True}])
def test_both_generations_leave_with_the_master(
    deploy: Serve, project: Project, settings: dict[str, Any], remains: dict[str, str]
) -> None:
    server = deploy(workers=2, env=remains, **settings)
    slow = "import os, time\nos.write(2, b'begun\\n')\ntime.sleep(60)\n"
    project.release("2", before=slow)
    server.signal("HUP")
    server.wait_log("begun")
    lose_master(server)


def test_a_template_leaves_with_the_master(deploy: Serve, remains: dict[str, str]) -> None:
    server = deploy(workers=2, env=remains, preload_app=True)
    assert server.get("/").status == 200
    lose_master(server)


def test_busy_workers_of_a_template_leave_with_the_master(
    serve: Serve, stubborn: str, remains: dict[str, str]
) -> None:
    server = serve(stubborn, workers=2, env=remains, preload_app=True)
    with server.connect() as client:
        client.send(build_request("GET", "/c"))
        server.wait_log("note: in C")
        lose_master(server)
        client.read_to_close()
