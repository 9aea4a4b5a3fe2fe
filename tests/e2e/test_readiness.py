"""Whether the server wants requests: what balancers are told while it serves, drains and stops."""

from __future__ import annotations

import time

import pytest
from conftest import Serve
from support.raw import build_request

pytestmark = pytest.mark.only("rgunicorn")


def test_the_server_answers_at_the_readiness_path_itself(serve: Serve, plain: str) -> None:
    server = serve(plain, readiness_path="/ready", keepalive=30)
    with server.connect() as client:
        before = int(client.get("/count").text)
        for _ in range(3):
            response = client.get("/ready")
            assert (response.status, response.text) == (200, "ready\n")
            assert response.header("Cache-Control") == "no-store"
        assert int(client.get("/count").text) == before + 1


def test_without_the_setting_every_path_is_the_applications(serve: Serve, plain: str) -> None:
    assert serve(plain).get("/ready").text == "hello"


def test_a_server_that_drains_serves_on_and_says_that_it_is_not_ready(
    serve: Serve, plain: str
) -> None:
    server = serve(plain, readiness_path="/ready", drain_delay=60, keepalive=30)
    with server.connect() as client, server.connect() as idle:
        assert client.get("/ready").status == 200
        assert idle.get("/").text == "hello"
        server.signal("TERM")
        server.wait_log("Handling signal: term")
        server.wait_until(lambda: server.get("/ready").status == 503)
        # A connection that is idle while the server drains stays open until its next answer.
        response = idle.get("/")
        assert (response.text, response.header("Connection")) == ("hello", "close")
        assert idle.closed_by_server()
        assert server.get("/").text == "hello"
        response = client.get("/ready")
        assert (response.status, response.text) == (503, "leaving\n")
        assert response.header("Connection") == "close"
        assert server.alive
        # Nobody needs to wait for the end of the delay.
        server.signal("TERM")
        assert server.wait_exit() == 0


def test_a_drain_lasts_as_long_as_was_asked_for(serve: Serve, plain: str) -> None:
    server = serve(plain, readiness_path="/ready", drain_delay=2)
    # Who serves nobody yet has nothing to drain.
    assert server.get("/ready").status == 200
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began >= 2


def test_a_worker_that_stops_is_not_ready(serve: Serve, plain: str) -> None:
    server = serve(plain, readiness_path="/ready", keepalive=30)
    with server.connect() as working, server.connect() as asking:
        assert asking.get("/ready").status == 200
        if "asgi" in plain:
            working.send(build_request("GET", "/sleep?1"))
            server.wait_log("note: sleeping")
        assert asking.get("/ready").status == 200
        server.signal("TERM")
        # The worker hears of it after the master, and closes who has been silent for long.
        server.wait_until(lambda: asking.get("/ready").status == 503)
        assert asking.closed_by_server()
    assert server.wait_exit() == 0
