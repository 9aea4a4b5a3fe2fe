"""ASGI: a request that takes longer than `request_timeout` is cancelled and answered."""

from __future__ import annotations

import time

import pytest
from conftest import Serve
from support.commandline import patience
from support.raw import build_request
from support.server import Server

pytestmark = pytest.mark.only("rgunicorn")

LIMIT = 0.5


@pytest.fixture(params=["asyncio", "uvloop"])
def server(serve: Serve, request: pytest.FixtureRequest) -> Server:
    """A server with little patience."""
    server = serve(
        "apps.lasting_asgi:app",
        request_timeout=LIMIT,
        asgi_loop=request.param,
        asgi_lifespan="off",
        graceful_timeout=3,
        accesslog="-",
    )
    server.expect("has taken longer than")
    return server


def test_the_client_is_answered_and_the_task_cancelled(server: Server) -> None:
    with server.connect() as client:
        began = time.monotonic()
        client.send(build_request("GET", "/hang?x=1"))
        response = client.read_response()
        took = time.monotonic() - began
        assert (response.status, response.text) == (504, "Gateway Timeout\n")
        assert LIMIT - 0.1 <= took < patience(LIMIT + 1)
        server.wait_log("note: cleaned up")
        # The connection is as good as new.
        assert client.get("/hello").text == "hello"
    server.wait_log(
        r"\[ERROR\] Request GET /hang\?x=1 has taken longer than 0.5 s \(--request-timeout\)"
    )
    assert server.log_lines("in a_long_wait") == 1
    assert server.log_lines("in hang") == 1
    server.wait_until(lambda: '"GET /hang?x=1 HTTP/1.1" 504' in server.output_path.read_text())


def test_others_are_served_meanwhile_and_have_their_own_time(server: Server) -> None:
    slow = server.get_in_background("/hang")
    server.wait_log("note: waiting")
    for _ in range(20):
        assert server.get("/hello").text == "hello"
    assert slow.result(10).status == 504


def test_half_an_answer_is_cut_off(server: Server) -> None:
    with server.connect() as client:
        client.send(build_request("GET", "/half"))
        received = client.read_to_close()
    assert received.startswith(b"HTTP/1.1 200")
    assert received.endswith(b"4\r\nhalf\r\n"), "the answer looks complete"


def test_what_the_application_sends_too_late_goes_nowhere(server: Server) -> None:
    with server.connect() as client:
        assert client.get("/late").status == 504
        server.wait_log("note: told: the client has disconnected")
        assert client.get("/hello").text == "hello"
    assert server.log_lines("Error handling request") == 0


def test_a_body_that_does_not_come_counts_as_well(server: Server) -> None:
    with server.connect() as client:
        client.send(b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345")
        assert client.read_response().status == 504


def test_work_after_the_answer_is_not_limited(server: Server) -> None:
    assert server.get("/background").text == "hello"
    server.wait_log("note: worked on")
    assert server.log_lines("has taken longer") == 0


def test_a_task_that_cannot_be_cancelled_is_told_of(server: Server) -> None:
    server.expect("has taken longer than", "has not ended 5 s after")
    assert server.get("/stubborn").status == 504
    server.wait_log(r"\[ERROR\] Request GET /stubborn has not ended 5 s after", within=15)
    assert server.get("/hello").text == "hello"
