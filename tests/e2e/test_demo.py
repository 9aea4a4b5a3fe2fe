"""The built-in demo, and what `rgunicorn.status()` tells an application."""

from __future__ import annotations

import json
import re
import time
from contextlib import ExitStack
from html.parser import HTMLParser
from typing import Any

import pytest
from conftest import Serve
from support.raw import Connection, build_request
from support.server import Server

pytestmark = pytest.mark.only("rgunicorn")


@pytest.fixture
def server(shared: Serve) -> Server:
    """The demo with two workers, its class left to the application."""
    return shared("rgunicorn.demo", workers=2, worker_class=None)


def status(server: Server) -> dict[str, Any]:
    """What the page is told."""
    return server.get("/status").json()


def test_the_page_is_whole_and_loads_nothing_from_elsewhere(server: Server) -> None:
    response = server.get("/")
    assert response.status == 200
    assert response.header("Content-Type") == "text/html; charset=utf-8"
    links = re.findall(r'(?:src|href)="([^"]*)"', response.text)
    assert all(link.startswith("data:") for link in links), links
    assert "https://" not in response.text
    assert "default-src 'none'" in str(response.header("Content-Security-Policy"))
    HTMLParser().feed(response.text)


def test_head_and_unknown_paths(server: Server) -> None:
    assert server.request("HEAD", "/").status == 200
    assert server.get("/nothing").status == 404
    assert server.request("POST", "/").status == 404


def test_status_lists_every_worker(server: Server) -> None:
    server.wait_until(
        lambda: [worker["state"] for worker in status(server)["workers"]] == ["ready", "ready"]
    )
    seen = status(server)
    workers = {worker["pid"]: worker for worker in seen["workers"]}
    assert set(workers) == server.worker_pids()
    assert seen["pid"] in workers
    assert seen["master"] == server.pid
    for worker in workers.values():
        assert 0 <= worker["heartbeat_age"] < 30
    assert workers[seen["pid"]]["in_flight"] >= 1


def test_requests_are_counted_over_all_workers(server: Server) -> None:
    def total() -> int:
        return sum(worker["requests"] for worker in status(server)["workers"])

    before = total()
    for _ in range(20):
        server.get("/hello")
    server.wait_until(lambda: total() >= before + 20)


def test_connections_and_requests_in_flight_are_counted(serve: Serve) -> None:
    server = serve("rgunicorn.demo", worker_class=None)
    with server.connect() as one, server.connect() as two:
        one.send(build_request("GET", "/poll"))
        two.get("/hello")

        def counted() -> bool:
            (worker,) = two.get("/status").json()["workers"]
            return worker["in_flight"] == 2 and worker["connections"] == 2

        server.wait_until(counted)
        two.request("POST", "/ring")
        assert one.read_response().status == 200


def test_the_event_stream_brings_what_runs(server: Server) -> None:
    with server.connect() as client:
        client.send(build_request("GET", "/events"))
        assert client.read_head().header("Content-Type") == "text/event-stream"
        for _ in range(3):
            event = client.read_chunk().decode()
            data = re.search(r"^data: (.*)$", event, re.MULTILINE)
            assert data is not None
            assert json.loads(data[1])["workers"]


def test_the_bell_is_heard_in_every_worker(server: Server) -> None:
    with ExitStack() as stack:
        clients: list[Connection] = []
        waiting: set[int] = set()
        while len(waiting) < 2 and len(clients) < 200:
            clients.append(stack.enter_context(server.connect()))
            waiting.add(clients[-1].get("/hello").json()["pid"])
        assert len(waiting) == 2, "every connection went to one worker"
        now = time.monotonic_ns() // 1000
        for client in clients:
            client.send(build_request("GET", f"/poll?after={now}"))
        server.request("POST", "/ring")
        answers = [client.read_response().json() for client in clients]
    assert {answer["pid"] for answer in answers} == waiting
    assert all(answer["rang"] for answer in answers)


def test_a_poll_that_missed_a_ring_is_answered_at_once(server: Server) -> None:
    latest = server.request("POST", "/ring") and 0
    answer = server.get(f"/poll?after={latest}").json()
    assert answer["rang"] is True


def test_a_stop_does_not_wait_for_windows_left_open(serve: Serve) -> None:
    server = serve("rgunicorn.demo", worker_class=None, graceful_timeout=3)
    with server.connect() as events, server.connect() as poll:
        events.send(build_request("GET", "/events"))
        events.read_head()
        poll.send(build_request("GET", "/poll"))
        server.expect("graceful|timeout|has worked for|SIGKILL|Error handling request")
        assert server.stop() == 0
