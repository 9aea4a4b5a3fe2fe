"""A worker that has served much holds no more than one that has served little."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import Serve
from support.processes import descriptors
from support.raw import build_request
from support.server import Server

pytestmark = pytest.mark.only("rgunicorn")

BATCH = b"".join(
    build_request("POST", "/echo", headers={"X-Header": "value"}, body=b"b" * 500)
    + build_request("GET", "/query?a=b")
    for _ in range(50)
)


def kilobytes(pid: int) -> int:
    """The memory a process keeps to itself."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(map(int, re.findall(r"Private_\w+: +(\d+)", rollup)))


def serve_much(server: Server, batches: int) -> None:
    """Ask a hundred times a batch, on connections that stay for ten of them."""
    for _ in range(batches // 10):
        with server.connect() as client:
            for _ in range(10):
                client.send(BATCH)
                for _ in range(100):
                    assert client.read_response().status == 200


def test_memory_does_not_grow_with_the_requests(serve: Serve, plain: str) -> None:
    server = serve(plain)
    (worker,) = server.worker_pids()
    serve_much(server, 30)
    before = kilobytes(worker)
    serve_much(server, 100)
    assert kilobytes(worker) - before < 1000


def test_clients_that_leave_leave_nothing_behind(serve: Serve, plain: str) -> None:
    server = serve(plain)
    (worker,) = server.worker_pids()

    def leave(times: int) -> None:
        for number in range(times):
            client = server.connect()
            if number % 4 == 0:
                client.send(b"GET / HTTP/1.1\r\nHo")
            elif number % 4 == 1:
                client.send(build_request("POST", "/echo", headers={"Content-Length": "99"}))
            elif number % 4 == 2:
                client.send(build_request("GET", "/large?3000000"))
            if number % 3:
                client.close()
            else:
                client.reset()
        assert server.get("/").text == "hello"

    leave(100)
    server.wait_until(lambda: descriptors(worker) < 60)
    files, memory = descriptors(worker), kilobytes(worker)
    leave(400)
    server.wait_until(lambda: descriptors(worker) <= files + 2)
    assert kilobytes(worker) - memory < 4000


def test_large_bodies_leave_no_memory_and_no_file(serve: Serve, plain: str) -> None:
    server = serve(plain)
    (worker,) = server.worker_pids()
    body = b"x" * 5_000_000
    for _ in range(5):
        server.post("/echo", body)
    files, memory = descriptors(worker), kilobytes(worker)
    for _ in range(20):
        assert len(server.post("/echo", body).body) == len(body)
    server.wait_until(lambda: descriptors(worker) <= files + 1)
    assert kilobytes(worker) - memory < 12_000
