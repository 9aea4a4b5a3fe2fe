"""ASGI: what requests without an end hear of a stop."""

from __future__ import annotations

import time

import pytest
from conftest import Serve
from support.commandline import patience
from support.raw import build_request

pytestmark = pytest.mark.only("rgunicorn")

APP = "apps.lasting_asgi:app"


def test_a_stream_of_events_ends_with_the_stop(serve: Serve) -> None:
    server = serve(APP, asgi_lifespan="off", graceful_timeout=30)
    with server.connect() as client:
        client.send(build_request("GET", "/events"))
        server.wait_log("note: streaming")
        began = time.monotonic()
        server.signal("TERM")
        server.wait_log("note: heard http.disconnect")
        response = client.read_response()
        assert response.body == b"data: first\n\ndata: last\n\n"
        assert client.closed_by_server()
    assert server.wait_exit() == 0
    assert time.monotonic() - began < patience(3)


def test_another_stream_has_its_time_and_hears_of_the_end_before_it_comes(serve: Serve) -> None:
    server = serve(APP, asgi_lifespan="off", graceful_timeout=3)
    with server.connect() as client:
        client.send(build_request("GET", "/watch"))
        server.wait_log("note: streaming")
        began = time.monotonic()
        server.signal("TERM")
        server.wait_log("note: heard http.disconnect")
        assert time.monotonic() - began > 0.8
        assert client.read_response().body == b"first"
    assert server.wait_exit() == 0
    assert server.log_lines("Unfinished requests") == 0


def test_what_does_not_end_is_logged_with_its_stack_and_cancelled(serve: Serve) -> None:
    server = serve(APP, asgi_lifespan="off", graceful_timeout=2)
    with server.connect() as client:
        client.send(build_request("GET", "/hang?x=1"))
        server.wait_log("note: waiting")
        assert server.stop() == 0
        assert client.read_response().status == 503
    assert server.log_lines("note: cleaned up") == 1
    assert server.log_lines(r"\[WARNING\] The worker leaves before the request GET /hang\?x=1") == 1
    assert server.log_lines("in a_long_wait") == 1
