"""Sockets of every kind: who may connect, who inherits them, and one for each worker."""

from __future__ import annotations

import os
import socket
import stat
from collections import Counter
from pathlib import Path

import pytest
from conftest import Serve
from support.address import Address
from support.commandline import run
from support.raw import Connection

pytestmark = pytest.mark.only("rgunicorn")

APP = "apps.processes_wsgi:app"


def ask(address: Address, target: str = "/pid") -> str:
    """One answer of whoever listens there."""
    with Connection(address) as client:
        client.send(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        return client.read_response("GET").text


def test_what_a_worker_executes_inherits_the_standard_streams_only(
    serve: Serve, short_directory: str
) -> None:
    binds = [
        "127.0.0.1:0",
        f"unix:{short_directory}/x.sock",
        f"unix:@rgunicorn-{os.getpid()}-cloexec",
    ]
    server = serve(
        APP, bind=binds, workers=2, pidfile="x.pid", accesslog="access.log", errorlog="error.log",
        ready=False,
    )  # fmt: skip
    log = server.directory / "error.log"
    server.wait_until(lambda: log.exists() and "Listening at" in log.read_text())
    # The fourth is the directory that the program itself reads.
    assert ask(Address(path=f"{short_directory}/x.sock"), "/descriptors") == "0 1 2 3"


def test_an_abstract_socket_has_no_file_and_no_second_server(serve: Serve, tmp_path: Path) -> None:
    bind = f"unix:@rgunicorn-{os.getpid()}-abstract"
    server = serve(APP, bind=bind)
    assert server.addresses == [Address(path=bind.removeprefix("unix:"))]
    assert int(ask(server.address)) in server.worker_pids()
    outcome = run(["rgunicorn", APP, "--bind", bind], tmp_path)
    assert (outcome.status, "the address is in use" in outcome.text) == (1, True), outcome.text
    assert not [path for path in server.directory.iterdir() if "@" in path.name]


@pytest.mark.parametrize(
    ("settings", "mode"),
    [({}, 0o777), ({"umask": "0o027"}, 0o750), ({"umask": "0o777", "socket_mode": "600"}, 0o600)],
)
def test_the_mode_of_a_socket_is_what_was_asked_for(
    serve: Serve, short_directory: str, settings: dict[str, str], mode: int
) -> None:
    path = Path(short_directory) / "x.sock"
    serve(APP, bind=f"unix:{path}", **settings)
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_stale_socket_is_taken_over_and_a_live_one_is_not(
    serve: Serve, short_directory: str, tmp_path: Path
) -> None:
    path = f"{short_directory}/x.sock"
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(path)
    server = serve(APP, bind=f"unix:{path}")
    worker = ask(Address(path=path))
    outcome = run(["rgunicorn", APP, "--bind", f"unix:{path}"], tmp_path)
    assert (outcome.status, "the address is in use" in outcome.text) == (1, True), outcome.text
    assert ask(server.address) == worker


# One socket a worker.


def listening(port: int) -> int:
    """How many sockets listen on a port of this machine."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[1].endswith(f":{port:04X}") and row[3] == "0A" for row in rows)


def test_every_worker_has_a_socket_of_its_own(serve: Serve) -> None:
    server = serve(APP, workers=3, reuse_port=True, worker_class="sync")
    server.wait_until(lambda: listening(server.address.port) == 3)
    seen = Counter(ask(server.address) for _ in range(200))
    assert {int(pid) for pid in seen} == server.worker_pids()


def test_a_port_of_somebody_else_is_refused_at_the_start(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        outcome = run(["rgunicorn", APP, "--reuse-port", "--bind", address], tmp_path)
    assert (outcome.status, "the address is in use" in outcome.text) == (1, True), outcome.text


def test_the_port_is_held_while_no_worker_listens(serve: Serve) -> None:
    server = serve(APP, reuse_port=True)
    server.wait_until(lambda: listening(server.address.port))
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", server.address.port))


def test_a_worker_that_retires_answers_what_is_in_its_queue(serve: Serve) -> None:
    server = serve(APP, reuse_port=True, workers=1, worker_class="sync")
    server.wait_until(lambda: listening(server.address.port))
    clients = [Connection(server.address) for _ in range(20)]
    for client in clients:
        client.send(b"GET /pid HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    server.begin_stop()
    for client in clients:
        assert client.read_response("GET").status == 200
        client.close()
