"""ASGI: a request is a real asyncio task, on both event loops."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from conftest import Serve
from support.server import Server


@pytest.fixture(params=["asyncio", "uvloop"])
def server(shared: Serve, request: pytest.FixtureRequest) -> Server:
    """The application on each event loop."""
    return shared("apps.asgi_tasks:app", asgi_loop=request.param, asgi_lifespan="off")


def test_the_loop_is_the_one_asked_for_and_runs_on_the_main_thread(server: Server) -> None:
    seen = server.get("/loop").json()
    assert seen == {"module": server.settings["asgi_loop"], "main_thread": True}


def test_current_task_is_the_request(server: Server) -> None:
    seen = server.get("/current_task").json()
    assert seen["task"] is True
    assert seen["same"] is True
    assert seen["listed"] is True
    assert seen["name"]


def test_a_receive_that_was_given_up_swallows_no_message(server: Server) -> None:
    seen = server.get("/wait_for_receive").json()
    assert seen[:2] == ["http.request", "timed out"]


ANSWERS: list[tuple[str, Any]] = [
    ("/task_receive", ["http.request", 0, "cancelled"]),
    ("/cancelled_at_once", None),
    ("/task_group", [2, 1, 0]),
    ("/cancelled_group", []),
    ("/fail_after", "timed out"),
    ("/to_thread", [False, "seen in the thread"]),
    ("/gather", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
    ("/subprocess", ["child", 0]),
]


@pytest.mark.parametrize(("path", "answer"), ANSWERS)
def test_asyncio_and_anyio_behave(server: Server, path: str, answer: Any) -> None:
    with server.connect() as client:
        assert client.get(path).json() == answer
        assert client.get(path).json() == answer


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.timeout came with 3.11")
def test_asyncio_timeout(server: Server) -> None:
    assert server.get("/timeout").json() == "timed out"


def test_a_wait_for_receive_sees_a_body_that_comes_later(server: Server) -> None:
    with server.connect() as client:
        client.send(b"POST /wait_for_receive HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n")
        client.send(b"body")
        seen = client.read_response().json()
    assert "http.request" in seen


@pytest.mark.differs("gunicorn", "handles the requests of a connection in one context")
def test_context_variables_of_one_request_are_not_seen_by_the_next(server: Server) -> None:
    with server.connect() as client:
        assert client.get("/variable?one").json() == ["unset", "one"]
        assert client.get("/variable?two").json() == ["unset", "two"]


def test_context_variables_of_requests_at_the_same_time_are_apart(server: Server) -> None:
    replies = [server.get_in_background(f"/variable?{number}") for number in range(20)]
    for number, reply in enumerate(replies):
        assert reply.result(10).json() == ["unset", str(number)]


def test_a_task_started_by_a_request_outlives_it(server: Server) -> None:
    before = server.log_lines("note: forgotten task done")
    assert server.get("/fire_and_forget").json() == "started"
    server.wait_log("note: forgotten task done", times=before + 1)


@pytest.mark.only("rgunicorn")
def test_auto_takes_uvloop_when_it_is_installed(serve: Serve) -> None:
    server = serve("apps.asgi_tasks:app", asgi_loop="auto", asgi_lifespan="off")
    assert server.get("/loop").json()["module"] == "uvloop"


@pytest.mark.only("rgunicorn")
@pytest.mark.parametrize("name", ["loop", "asgi_loop"])
def test_the_option_has_the_names_of_uvicorn_and_of_gunicorn(serve: Serve, name: str) -> None:
    server = serve("apps.asgi_tasks:app", asgi_lifespan="off", **{name: "asyncio"})
    assert server.get("/loop").json()["module"] == "asyncio"
