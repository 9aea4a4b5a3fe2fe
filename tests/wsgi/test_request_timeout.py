"""WSGI: a thread that takes longer than `request_timeout` is interrupted, its client answered."""

from __future__ import annotations

import time

import pytest
from conftest import Serve
from support.commandline import patience
from support.raw import build_request
from support.server import Server

pytestmark = pytest.mark.only("rgunicorn")

LIMIT = 0.5
#: What a thread has to answer by itself before it is done for it, in seconds.
CLEANUP = 0.5


@pytest.fixture
def server(serve: Serve) -> Server:
    """A server with little patience."""
    server = serve(
        "apps.lasting_wsgi:app", request_timeout=LIMIT, accesslog="-", graceful_timeout=2
    )
    server.expect("has taken longer than")
    return server


@pytest.mark.parametrize(("path", "name"), [("/sleep", "a_long_wait"), ("/receive", "receive")])
def test_blocking_calls_are_interrupted(server: Server, path: str, name: str) -> None:
    with server.connect() as client:
        before = client.get("/pid").text
        began = time.monotonic()
        client.send(build_request("GET", path + "?x=1"))
        response = client.read_response()
        took = time.monotonic() - began
        assert (response.status, response.text) == (504, "Gateway Timeout\n")
        assert LIMIT - 0.1 <= took < patience(LIMIT + 0.4)
        # Connection and worker are as good as new.
        assert client.get("/pid").text == before
    server.wait_log(
        rf"\[ERROR\] Request GET {path}\?x=1 has taken longer than 0.5 s \(--request-timeout\)"
    )
    assert server.log_lines(f"in {name}$") == 1
    assert server.log_lines("Error handling request") == 0
    assert server.log_lines("note: cleaned up") == (1 if path == "/sleep" else 0)
    server.wait_until(lambda: f'"GET {path}?x=1 HTTP/1.1" 504' in server.output_path.read_text())


def test_a_busy_loop_is_interrupted(server: Server) -> None:
    assert server.get("/compute").status == 504
    assert server.get("/hello").text == "hello"
    assert server.log_lines("in compute$") == 1


def test_half_an_answer_is_cut_off(server: Server) -> None:
    with server.connect() as client:
        client.send(build_request("GET", "/half"))
        received = client.read_to_close()
    assert received.startswith(b"HTTP/1.1 200")
    assert received.endswith(b"4\r\nhalf\r\n"), "the answer looks complete"
    assert server.get("/hello").text == "hello"


def test_an_application_that_catches_it_may_answer_at_once(server: Server) -> None:
    assert server.get("/late").text == "hello"
    assert server.log_lines("note: caught rgunicorn.RequestTimeout") == 1


def test_what_catches_the_exceptions_of_applications_does_not_catch_it(server: Server) -> None:
    assert server.get("/careless").status == 504
    assert server.log_lines("note: caught") == 0


def test_the_next_request_has_its_own_time(server: Server) -> None:
    with server.connect() as client:
        for _ in range(3):
            assert client.get("/sleep").status == 504
            assert client.get("/hello").text == "hello"
    server.expect("has taken longer than")


@pytest.mark.parametrize("path", ["/in_c", "/holding"])
def test_a_thread_in_c_code_is_answered_for_and_goes_on_afterwards(
    server: Server, path: str
) -> None:
    with server.connect() as client:
        began = time.monotonic()
        client.send(build_request("GET", f"{path}?2"))
        response = client.read_response()
        took = time.monotonic() - began
        assert (response.status, response.header("Connection")) == (504, "close")
        assert took < patience(LIMIT + CLEANUP + 0.8)
        assert client.closed_by_server()
    line = f'"GET {path}?2 HTTP/1.1" 504'
    server.wait_until(lambda: line in server.output_path.read_text())
    (pid,) = server.worker_pids()
    assert int(server.get("/pid").text) == pid
    assert server.log_lines("note: out of C") == 0, "the exception came too late"
    assert server.log_lines("to be replaced") == 0


def test_a_thread_that_does_not_return_costs_a_worker(server: Server) -> None:
    server.expect("has taken longer than", "has not returned", "SIGKILL|did not stop")
    (stuck,) = server.worker_pids()
    with server.connect() as client, server.connect() as waiting:
        assert waiting.get("/hello").text == "hello"
        client.send(build_request("GET", "/holding?30"))
        server.wait_log("note: in C")
        waiting.send(build_request("GET", "/hello"))
        assert client.read_response().status == 504
        server.wait_log(r"\[ERROR\] A request that was given up has not returned after 5.5 s")
        # Whoever was behind it hears so, and whoever comes is served by the next worker.
        response = waiting.read_response()
        assert (response.status, response.header("Connection")) == (503, "close")
        assert int(server.get("/pid").text) != stuck
    server.wait_until(lambda: stuck not in server.worker_pids(), within=15)
    assert len(server.worker_pids()) == 1
    server.wait_log(rf"Worker \(pid:{stuck}\) has not returned from a request that was given up")
