"""A stop ends within `graceful_timeout` and one second more, whatever the workers do."""

from __future__ import annotations

import time

import pytest
from conftest import Serve
from support.commandline import patience
from support.processes import read_process
from support.raw import build_request
from support.server import Server

pytestmark = pytest.mark.only("rgunicorn")

GRACEFUL = 1
#: What a stop may take beyond `graceful_timeout`, in seconds.
BEYOND = 1.0

BUSY = {
    "/refuse": "note: refusing",
    "/compute": "note: computing",
    "/c": "note: in C",
    "/thread": "note: left a thread",
    "/atexit": "note: left an exit function",
}


@pytest.fixture(params=["wsgi", "asgi"])
def stubborn(request: pytest.FixtureRequest) -> str:
    """The application whose workers do not want to leave."""
    return f"apps.stubborn_{request.param}:app"


def stop_within(server: Server, name: str, seconds: float) -> None:
    """Stop the server and see that it takes no longer, on a machine that has time for it."""
    server.expect("did not stop|has no request left|SIGKILL|signal|has worked for|Error handling")
    began = time.monotonic()
    server.signal(name)
    assert server.wait_exit() == 0
    took = time.monotonic() - began
    assert took < patience(seconds), f"the stop took {took:.2f} s"


@pytest.mark.parametrize("path", list(BUSY))
@pytest.mark.parametrize("name", ["TERM", "QUIT"])
def test_a_stubborn_worker_does_not_hold_a_stop(
    serve: Serve, stubborn: str, path: str, name: str
) -> None:
    server = serve(stubborn, workers=2, graceful_timeout=GRACEFUL)
    with server.connect() as client:
        client.send(build_request("GET", path))
        server.wait_log(BUSY[path])
        stop_within(server, name, GRACEFUL + BEYOND)
        client.read_to_close()


@pytest.mark.parametrize("name", ["TERM", "QUIT"])
def test_a_worker_that_is_suspended_does_not_hold_a_stop(
    serve: Serve, plain: str, name: str
) -> None:
    server = serve(plain, workers=2, graceful_timeout=GRACEFUL)
    held = min(server.worker_pids())
    server.signal("STOP", held)
    server.wait_until(lambda: (row := read_process(held)) is not None and row.state == "T")
    stop_within(server, name, GRACEFUL + BEYOND)


def test_many_stubborn_workers_end_together(serve: Serve, stubborn: str) -> None:
    server = serve(stubborn, workers=4, graceful_timeout=GRACEFUL)
    clients = []
    for number in range(1, 5):
        client = server.connect()
        client.send(build_request("GET", "/compute"))
        server.wait_log("note: computing", times=number)
        clients.append(client)
    stop_within(server, "TERM", GRACEFUL + BEYOND)


def test_a_slow_reader_does_not_hold_a_stop(serve: Serve, plain: str) -> None:
    server = serve(plain, graceful_timeout=GRACEFUL)
    with server.connect(receive_buffer=4096) as client:
        client.send(build_request("GET", "/large?50000000"))
        assert client.read_head().status == 200
        stop_within(server, "TERM", GRACEFUL + BEYOND)


def test_a_worker_that_boots_for_ever_does_not_hold_a_stop(serve: Serve) -> None:
    server = serve("apps.flaky:app", workers=2, graceful_timeout=30)
    (server.directory / "slow").touch()
    server.expect("SIGKILL|signal|died after")
    server.signal("KILL", min(server.worker_pids()))
    server.wait_log("note: boot is slow")
    # Nobody waits for a request of it, so it has less time than the others.
    stop_within(server, "TERM", 1 + BEYOND)
