"""ASGI HTTP: what `receive` gives, and what happens when the client leaves."""

from __future__ import annotations

import hashlib
import itertools

import pytest
from conftest import Serve
from support.raw import build_request, chunked
from support.server import Server

NAMES = (f"gate-{number}" for number in itertools.count())


@pytest.fixture
def server(shared: Serve) -> Server:
    """The application that receives in every way."""
    return shared("apps.asgi_receive:app", asgi_lifespan="off")


@pytest.fixture
def name() -> str:
    """A gate nobody else waits for."""
    return next(NAMES)


def test_no_body_is_one_empty_message(server: Server) -> None:
    (message,) = server.get("/messages").json()
    assert message["type"] == "http.request"
    assert message.get("body", "") == ""
    assert message.get("more_body", False) is False


def test_a_small_body_is_the_sum_of_the_messages(server: Server) -> None:
    messages = server.post("/messages", b"small body").json()
    assert {message["type"] for message in messages} == {"http.request"}
    assert "".join(message["body"] for message in messages) == "small body"
    assert messages[-1].get("more_body", False) is False


def test_a_chunked_body_is_decoded(server: Server) -> None:
    body = chunked(b"one ", b"two ", b"three")
    messages = server.post("/messages", body, headers={"Transfer-Encoding": "chunked"}).json()
    assert "".join(message["body"] for message in messages) == "one two three"


@pytest.mark.parametrize("size", [1, 65_537, 1_000_000, 30_000_000])
@pytest.mark.parametrize("coding", ["length", "chunked"])
def test_large_bodies_arrive_whole_in_bounded_parts(server: Server, size: int, coding: str) -> None:
    body = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    if coding == "chunked":
        parts = [body[at : at + 70_000] for at in range(0, size, 70_000)]
        answer = server.post("/digest", chunked(*parts), headers={"Transfer-Encoding": "chunked"})
    else:
        answer = server.post("/digest", body)
    seen = answer.json()
    assert (seen["size"], seen["sha256"]) == (size, hashlib.sha256(body).hexdigest())
    assert seen["largest"] <= 4_000_000


def test_a_part_is_delivered_before_the_next_is_sent(server: Server) -> None:
    headers = {"Transfer-Encoding": "chunked"}
    with server.connect() as client:
        client.send(build_request("POST", "/echo", headers=headers))
        client.send(b"3\r\none\r\n")
        assert client.read_head().status == 200
        assert client.read_chunk() == b"one"
        client.send(b"3\r\ntwo\r\n")
        assert client.read_chunk() == b"two"
        client.send(b"0\r\n\r\n")
        assert client.read_chunk() == b""


@pytest.mark.differs("gunicorn", "closes without a word")
@pytest.mark.parametrize("body", [b"short", b"long" * 1_000_000])
def test_a_body_the_application_ignored_does_not_disturb_the_next_request(
    server: Server, body: bytes
) -> None:
    with server.connect() as client:
        first = client.post("/ignore", body)
        assert first.json() == "not read"
        if first.header("Connection") == "close" or server.kind.name == "uvicorn":
            return
        assert client.post("/digest", b"next").json()["size"] == 4


@pytest.mark.differs("gunicorn", "buffers without a limit")
def test_a_body_is_read_only_as_the_application_receives(server: Server, name: str) -> None:
    size = 40_000_000
    headers = {"Content-Length": str(size)}
    with server.connect() as client:
        client.send(build_request("POST", f"/gated_digest?{name}", headers=headers))
        server.wait_log(f"note: gated {name}")
        client.sock.setblocking(False)
        sent = 0

        def push() -> int:
            nonlocal sent
            try:
                while sent < size:
                    sent += client.sock.send(b"x" * min(1 << 20, size - sent))
            except BlockingIOError:
                pass
            return sent

        assert server.wait_stable(push) < 20_000_000
        assert server.post("/digest", b"others").json()["size"] == 6
        server.get(f"/release?{name}")
        server.wait_until(lambda: push() == size)
        client.sock.settimeout(10)
        assert client.read_response().json()["size"] == size


# Expect: 100-continue


def test_continue_is_sent_when_the_application_receives(server: Server) -> None:
    headers = {"Expect": "100-continue", "Content-Length": "5"}
    with server.connect() as client:
        client.send(build_request("POST", "/digest", headers=headers))
        assert client.read_head().status == 100
        client.send(b"12345")
        assert client.read_response().json()["size"] == 5


@pytest.mark.differs("gunicorn", "asks for every body at once")
def test_continue_is_not_sent_when_the_application_does_not_receive(server: Server) -> None:
    headers = {"Expect": "100-continue", "Content-Length": "5"}
    with server.connect() as client:
        client.send(build_request("POST", "/ignore", headers=headers))
        response = client.read_response()
    assert (response.status, response.interim) == (200, [])


@pytest.mark.only("rgunicorn")
def test_a_body_that_was_never_asked_for_is_not_taken_for_a_request(server: Server) -> None:
    headers = {"Expect": "100-continue", "Content-Length": "5"}
    with server.connect() as client:
        client.send(build_request("POST", "/ignore", headers=headers))
        assert client.read_response().interim == []
        try:
            client.send(b"12345" + build_request("GET", "/messages"))
            answer = client.read_to_close()
        except ConnectionError:
            answer = b""
    assert b" 400 " not in answer


# Long-poll and events.


def test_a_long_poll_is_answered_when_its_event_comes(server: Server, name: str) -> None:
    waiting = server.get_in_background(f"/long_poll?{name}")
    server.wait_log(f"note: waiting {name}$")
    assert not waiting.done()
    server.get(f"/release?{name}")
    assert waiting.result(10).json() == "the gate is open"


def test_many_long_polls_wait_in_one_worker(server: Server, name: str) -> None:
    clients = [server.connect() for _ in range(100)]
    for client in clients:
        client.send(build_request("GET", f"/long_poll?{name}"))
    server.wait_log(f"note: waiting {name}$", times=100)
    server.get(f"/release?{name}")
    for client in clients:
        assert client.read_response().json() == "the gate is open"
        client.close()


def test_every_part_is_seen_before_the_next_is_produced(server: Server, name: str) -> None:
    with server.connect() as client:
        client.send(build_request("GET", f"/parts?{name}"))
        assert client.read_head().header("Content-Type") == "text/event-stream"
        for number in range(4):
            assert client.read_chunk() == b"data: %d\n\n" % number
            server.get(f"/release?{name}")
        assert client.read_chunk() == b""


# A client that leaves.


@pytest.mark.parametrize("leave", ["close", "reset"])
def test_receive_gives_disconnect_when_the_client_leaves(
    server: Server, name: str, leave: str
) -> None:
    client = server.connect()
    client.send(build_request("POST", f"/until_disconnect?{name}", body=b"whole"))
    server.wait_log(f"note: watching {name}$")
    getattr(client, leave)()
    server.wait_log(f"note: {name} saw http.disconnect")
    server.wait_log(f"note: {name} again saw http.disconnect")


@pytest.mark.differs("uvicorn", "says nothing to the application")
@pytest.mark.differs("gunicorn", "says nothing to the application")
def test_a_whole_response_after_the_client_left_raises_oserror(server: Server, name: str) -> None:
    with server.connect() as client:
        client.send(build_request("GET", f"/until_disconnect?{name}"))
        server.wait_log(f"note: watching {name}$")
    server.wait_log(f"note: {name} send raised OSError")


@pytest.mark.differs("gunicorn", "cancels the request")
def test_receive_gives_disconnect_after_the_response(server: Server) -> None:
    with server.connect() as client:
        assert client.get("/after_response").body == b"complete"
        server.wait_log("note: after the response http.disconnect")


def test_a_client_that_leaves_in_its_upload_is_a_disconnect(server: Server, name: str) -> None:
    with server.connect() as client:
        head = build_request("POST", f"/until_disconnect?{name}", headers={"Content-Length": "100"})
        client.send(head + b"only this")
    server.wait_log(f"note: {name} left in the body$")


def test_a_stream_is_ended_when_the_client_leaves(server: Server, name: str) -> None:
    with server.connect() as client:
        client.send(build_request("GET", f"/watching_stream?{name}"))
        client.read_head()
        assert client.read_chunk() == b"tick\n"
        assert client.read_chunk() == b"tick\n"
    server.wait_log(f"note: stream {name} ended by http.disconnect")


@pytest.mark.differs("uvicorn", "never cancels a request")
def test_a_request_that_does_not_listen_is_cancelled_after_the_grace_period(serve: Serve) -> None:
    server = serve("apps.asgi_receive:app", asgi_disconnect_grace_period=1)
    with server.connect() as client:
        client.send(build_request("GET", "/sleeper?sleepy"))
        server.wait_log("note: sleeping sleepy$")
    server.wait_log("note: cancelled sleepy$")
    server.wait_log("note: finally sleepy$")
    assert server.get("/messages").status == 200


@pytest.mark.only("rgunicorn")
def test_a_cancelled_request_is_not_an_error_in_the_log(serve: Serve) -> None:
    server = serve("apps.asgi_receive:app", asgi_disconnect_grace_period=0)
    with server.connect() as client:
        client.send(build_request("GET", "/sleeper?quiet"))
        server.wait_log("note: sleeping quiet$")
    server.wait_log("note: finally quiet$")
    assert server.get("/messages").status == 200
    assert server.log_lines("Traceback") == 0
