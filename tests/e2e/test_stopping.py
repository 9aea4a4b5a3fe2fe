"""Stopping: TERM finishes what is in flight, INT and QUIT do not, nothing takes too long."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import Serve
from support.commandline import patience
from support.raw import Connection, CutError, build_request

pytestmark = pytest.mark.only("rgunicorn", "gunicorn")


def test_term_finishes_the_requests_in_flight(serve: Serve, plain: str) -> None:
    server = serve(plain)
    reply = server.get_in_background("/sleep?0.7")
    server.wait_log("note: sleeping")
    assert server.stop() == 0
    assert reply.result(10).text == "hello"
    assert server.log_lines("Handling signal: term") == 1
    assert server.log_lines(r"Worker exiting \(pid: \d+\)") == 1
    assert server.log_lines("Shutting down: Master") == 1


@pytest.mark.only("rgunicorn")
def test_term_closes_idle_connections_within_a_second(serve: Serve, plain: str) -> None:
    server = serve(plain, keepalive=60, graceful_timeout=30)
    with server.connect() as client:
        assert client.get("/").text == "hello"
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < patience(2)
        assert client.closed_by_server()


@pytest.mark.only("rgunicorn")
def test_a_client_that_was_active_may_make_its_next_request_after_term(
    serve: Serve, plain: str
) -> None:
    server = serve(plain, keepalive=60, graceful_timeout=30)
    with server.connect() as client:
        assert client.get("/").header("Connection") is None
        server.signal("TERM")

        # The worker hears of it when it hears of it: no request is lost before or after that.
        def last() -> bool:
            response = client.get("/")
            assert response.text == "hello"
            return response.header("Connection") == "close"

        server.wait_until(last)
        assert client.closed_by_server()
    assert server.wait_exit() == 0


@pytest.mark.only("rgunicorn")
def test_a_connection_that_never_asked_does_not_hold_a_stop_for_long(
    serve: Serve, plain: str
) -> None:
    server = serve(plain, graceful_timeout=30)
    with server.connect() as client:
        server.get("/")
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < patience(2.5)
        assert client.closed_by_server()


@pytest.mark.only("rgunicorn")
def test_half_a_request_head_does_not_hold_a_stop(serve: Serve, plain: str) -> None:
    server = serve(plain, graceful_timeout=30)
    with server.connect() as client:
        client.send(b"GET / HT")
        server.get("/")
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < patience(5)
        assert b"200 OK" not in client.read_to_close()


@pytest.mark.only("rgunicorn")
def test_the_last_response_before_the_stop_says_close(serve: Serve, plain: str) -> None:
    server = serve(plain, keepalive=60)
    with server.connect() as client:
        client.send(b"GET /sleep?0.5 HTTP/1.1\r\nHost: x\r\n\r\n")
        server.wait_log("note: sleeping")
        server.signal("TERM")
        server.wait_log("Handling signal: term")
        response = client.read_response()
        assert response.text == "hello"
        assert client.closed_by_server()
    assert server.wait_exit() == 0


@pytest.mark.only("rgunicorn")
def test_a_request_body_in_flight_is_finished_too(serve: Serve, plain: str) -> None:
    server = serve(plain)
    with server.connect() as client:
        client.send(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\nhalf")
        server.get("/")
        server.signal("TERM")
        server.wait_log("Handling signal: term")
        client.send(b"half")
        assert client.read_response().body == b"halfhalf"
        assert client.closed_by_server()
    assert server.wait_exit() == 0


@pytest.mark.parametrize("name", ["INT", "QUIT"])
def test_int_and_quit_do_not_wait(serve: Serve, plain: str, name: str) -> None:
    server = serve(plain)
    with server.connect() as client:
        client.send(b"GET /sleep?20 HTTP/1.1\r\nHost: x\r\n\r\n")
        server.wait_log("note: sleeping")
        server.expect("SIGKILL|signal|Error handling request")
        began = time.monotonic()
        server.signal(name)
        assert server.wait_exit() == 0
        assert time.monotonic() - began < patience(4)
        assert b"200 OK" not in client.read_to_close()
    assert server.log_lines(f"Handling signal: {name.lower()}") == 1


@pytest.mark.only("rgunicorn")
def test_a_graceful_stop_ends_within_its_timeout(serve: Serve, plain: str) -> None:
    server = serve(plain, graceful_timeout=1)
    with server.connect() as client:
        client.send(b"GET /block?60 HTTP/1.1\r\nHost: x\r\n\r\n")
        server.wait_log("note: blocking")
        server.expect("SIGKILL|signal|graceful|timeout|has worked for|Error handling request")
        began = time.monotonic()
        assert server.stop() == 0
        assert 0.9 <= time.monotonic() - began < patience(2.5)
        client.read_to_close()


@pytest.mark.only("rgunicorn")
def test_an_asgi_request_that_outlasts_the_timeout_is_cancelled(serve: Serve) -> None:
    server = serve("apps.asgi_receive:app", asgi_lifespan="off", graceful_timeout=1)
    with server.connect() as client:
        client.send(b"GET /sleeper?grace HTTP/1.1\r\nHost: x\r\n\r\n")
        server.wait_log("note: sleeping grace")
        server.expect("SIGKILL|signal|graceful|timeout|has worked for|Error handling request")
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < patience(2.5)
        client.read_to_close()


def test_control_c_reaches_master_and_workers_and_shows_no_traceback(
    serve: Serve, plain: str
) -> None:
    server = serve(plain, workers=2)
    with server.connect() as client:
        client.send(b"GET /sleep?20 HTTP/1.1\r\nHost: x\r\n\r\n")
        server.wait_log("note: sleeping")
        server.expect("SIGKILL|signal|Error handling request")
        os.killpg(server.pid, signal.SIGINT)
        assert server.wait_exit() == 0
        client.read_to_close()
    if server.kind.name == "rgunicorn":
        assert "KeyboardInterrupt" not in server.log()


def test_term_to_the_whole_group_still_finishes_what_is_in_flight(serve: Serve, plain: str) -> None:
    server = serve(plain, workers=2)
    reply = server.get_in_background("/sleep?0.7")
    server.wait_log("note: sleeping")
    os.killpg(server.pid, signal.SIGTERM)
    assert reply.result(10).text == "hello"
    assert server.wait_exit() == 0


@pytest.mark.only("rgunicorn")
def test_no_response_is_cut_by_a_stop_under_load(serve: Serve, plain: str) -> None:
    server = serve(plain, workers=2)
    address = server.address
    stopped = threading.Event()
    cut: list[str] = []

    def ask() -> int:
        whole = 0
        while not stopped.is_set():
            head = None
            try:
                with Connection(address) as client:
                    client.send(build_request("GET", "/large?200000"))
                    head = client.read_head()
                    client.read_exactly(200_000)
                    whole += 1
            except (ConnectionError, CutError) as problem:
                if head is not None:
                    cut.append(repr(problem))
        return whole

    with ThreadPoolExecutor(8) as pool:
        clients = [pool.submit(ask) for _ in range(8)]
        server.wait_until(lambda: server.get("/count").status == 200)
        server.stop()
        stopped.set()
    assert sum(client.result() for client in clients) > 0
    assert cut == []


def test_int_after_term_ends_the_wait(serve: Serve, plain: str) -> None:
    server = serve(plain, graceful_timeout=60)
    with server.connect() as client:
        client.send(b"GET /sleep?50 HTTP/1.1\r\nHost: x\r\n\r\n")
        server.wait_log("note: sleeping")
        server.expect("SIGKILL|signal|Error handling request")
        server.signal("TERM")
        server.wait_log("Handling signal: term")
        server.signal("INT")
        assert server.wait_exit(within=patience(6)) == 0
        client.read_to_close()


def test_no_connection_is_taken_after_the_stop(serve: Serve, plain: str) -> None:
    server = serve(plain)
    address = server.address
    server.stop()
    with pytest.raises(ConnectionError):
        address.open(timeout=1)


@pytest.mark.only("rgunicorn")
def test_a_stop_is_heard_while_a_worker_boots(serve: Serve) -> None:
    server = serve("apps.flaky:app")
    (server.directory / "slow").touch()
    server.expect("SIGKILL|signal|died after")
    server.signal("KILL", min(server.worker_pids()))
    server.wait_log("note: boot is slow")
    began = time.monotonic()
    server.signal("INT")
    assert server.wait_exit() == 0
    assert time.monotonic() - began < patience(4)


def test_a_stop_of_several_workers_ends_them_all(serve: Serve, plain: str) -> None:
    server = serve(plain, workers=3)
    server.wait_log("Booting worker", times=3)
    server.get("/")
    assert server.stop() == 0
    assert server.log_lines(r"Worker exiting \(pid: \d+\)") == 3
