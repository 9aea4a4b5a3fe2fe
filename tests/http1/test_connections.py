"""HTTP connections: keep-alive, pipelining, slow and half-closed clients."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from conftest import Serve
from support.raw import build_request, chunked
from support.server import Server


def test_a_connection_serves_many_requests(server: Server) -> None:
    with server.connect() as client:
        for number in range(50):
            assert client.get(f"/query?{number}").text == str(number)


def test_connection_close_is_honoured_and_announced(server: Server) -> None:
    with server.connect() as client:
        response = client.get("/", headers={"Connection": "close"})
        assert str(response.header("Connection")).lower() == "close"
        assert client.closed_by_server()


@pytest.mark.differs("gunicorn", "looks at the whole value only")
@pytest.mark.parametrize("value", ["Close", "keep-alive, close", "x-token , close"])
def test_connection_close_is_found_in_a_list_in_any_case(server: Server, value: str) -> None:
    with server.connect() as client:
        assert client.get("/", headers={"Connection": value}).status == 200
        assert client.closed_by_server()


def test_http_1_0_closes_unless_asked(server: Server) -> None:
    with server.connect() as client:
        assert client.get("/", version="HTTP/1.0").text == "hello"
        assert client.closed_by_server()


@pytest.mark.only("rgunicorn")
def test_http_1_0_keep_alive_is_granted_and_announced(server: Server) -> None:
    with server.connect() as client:
        for _ in range(3):
            response = client.get("/", version="HTTP/1.0", headers={"Connection": "keep-alive"})
            assert str(response.header("Connection")).lower() == "keep-alive"
            assert response.text == "hello"


def test_an_idle_connection_is_closed_after_the_keep_alive_time(
    serve: Serve, plain: str, quiet: dict[str, Any]
) -> None:
    server = serve(plain, **{**quiet, "keepalive": 1})
    with server.connect() as client:
        assert client.get("/").text == "hello"
        assert client.silent(0.3), "not yet"
        assert client.closed_by_server(within=5)


def test_pipelined_requests_are_answered_in_order(server: Server) -> None:
    with server.connect() as client:
        client.send(b"".join(build_request("GET", f"/query?{n}") for n in range(100)))
        assert [client.read_response().text for _ in range(100)] == [str(n) for n in range(100)]


def test_pipelined_bodies_belong_to_their_requests(server: Server) -> None:
    headers = {"Transfer-Encoding": "chunked"}
    with server.connect() as client:
        client.send(
            build_request("POST", "/echo", body=b"first")
            + build_request("POST", "/echo", headers=headers, body=chunked(b"sec", b"ond"))
            + build_request("GET", "/query?third")
            + build_request("POST", "/echo", body=b"GET / HTTP/1.1\r\n\r\n")
        )
        answers = [client.read_response().body for _ in range(4)]
    assert answers == [b"first", b"second", b"third", b"GET / HTTP/1.1\r\n\r\n"]


def test_a_close_in_the_pipeline_ends_it(server: Server) -> None:
    with server.connect() as client:
        client.send(
            build_request("GET", "/query?1")
            + build_request("GET", "/query?2", headers={"Connection": "close"})
            + build_request("GET", "/query?3")
        )
        everything = client.read_to_close()
    assert everything.count(b"HTTP/1.1 200") == 2


def test_a_request_may_arrive_byte_by_byte(server: Server) -> None:
    with server.connect() as client:
        for byte in build_request("POST", "/echo", body=b"body"):
            client.send(bytes([byte]))
        assert client.read_response().body == b"body"


def test_a_request_may_be_split_anywhere(server: Server) -> None:
    headers = {"Transfer-Encoding": "chunked", "X-Long": "y" * 50}
    request = build_request("POST", "/echo", headers=headers, body=chunked(b"split", b"body"))
    with server.connect() as client:
        for at in range(1, len(request), 7):
            client.send(request[:at])
            client.send(request[at:])
            assert client.read_response().body == b"splitbody"


def test_empty_lines_before_a_request_are_skipped(server: Server) -> None:
    with server.connect() as client:
        client.send(b"\r\n" + build_request("GET", "/"))
        assert client.read_response().text == "hello"


@pytest.mark.differs("uvicorn", "drops the request")
@pytest.mark.differs("gunicorn", "asgi drops the request")
def test_a_half_closed_client_gets_its_answer(server: Server) -> None:
    with server.connect() as client:
        client.send(build_request("GET", "/sleep?0.1"))
        client.half_close()
        assert client.read_response().text == "hello"
        assert client.closed_by_server()


@pytest.mark.differs("uvicorn", "drops the requests")
@pytest.mark.differs("gunicorn", "asgi drops the requests")
def test_a_half_closed_client_gets_every_answer_of_its_pipeline(server: Server) -> None:
    with server.connect() as client:
        client.send(b"".join(build_request("GET", f"/query?{n}") for n in range(5)))
        client.half_close()
        assert [client.read_response().text for _ in range(5)] == ["0", "1", "2", "3", "4"]
        assert client.closed_by_server()


@pytest.mark.differs("gunicorn", "gthread waits for it")
def test_a_client_that_says_nothing_disturbs_nobody(server: Server) -> None:
    silent = [server.connect() for _ in range(20)]
    assert server.get("/").text == "hello"
    for client in silent:
        client.close()


@pytest.mark.differs("gunicorn", "gthread loses the second request")
@pytest.mark.parametrize("size", [100, 70_000, 5_000_000, 40_000_000])
def test_a_slow_reader_gets_everything(server: Server, size: int) -> None:
    with server.connect(receive_buffer=4096) as client:
        client.send(build_request("GET", f"/large?{size}"))
        response = client.read_head()
        assert response.status == 200
        body = client.read_exactly(size) if response.header("Content-Length") else b""
        if not body:
            body = b"".join(iter(client.read_chunk, b""))
        assert body == b"x" * size
        assert client.get("/query?next").text == "next"


def test_clients_that_leave_do_not_disturb_the_others(server: Server) -> None:
    for number in range(20):
        client = server.connect()
        client.send(build_request("GET", "/large?2000000"))
        if number % 2:
            client.reset()
        else:
            client.close()
    assert server.get("/").text == "hello"


def test_many_connections_at_once(server: Server) -> None:
    clients = [server.connect() for _ in range(200)]
    for number, client in enumerate(clients):
        client.send(build_request("GET", f"/query?{number}"))
    for number, client in enumerate(clients):
        assert client.read_response().text == str(number)
        client.close()


def test_the_date_is_an_http_date_of_now(server: Server) -> None:
    response = server.get("/")
    date = str(response.header("Date"))
    assert date.endswith(" GMT")
    assert len(date) == len("Sun, 06 Nov 1994 08:49:37 GMT")
    parsedate_to_datetime(date)


def test_the_server_header_names_the_server(server: Server) -> None:
    assert str(server.get("/").header("Server")).startswith(server.kind.name)


# Deadlines.


@pytest.mark.only("rgunicorn")
def test_every_wait_on_a_client_ends(serve: Serve, plain: str, quiet: dict[str, Any]) -> None:
    server = serve(plain, header_timeout=2, body_timeout=2, write_timeout=2, **quiet)
    with (
        server.connect() as silent,
        server.connect() as half_head,
        server.connect() as half_body,
        server.connect(receive_buffer=4096) as deaf,
    ):
        half_head.send(b"GET / HTTP/1.1\r\nHost: x\r\n")
        half_body.send(build_request("POST", "/echo", headers={"Content-Length": "9"}) + b"half")
        deaf.send(build_request("GET", "/large?50000000"))
        deaf.read_head()
        for client in (silent, half_head, half_body):
            assert b" 200 " not in client.read_to_close()
        # What it has taken by the first look at it may count in its favour, once.
        server.wait_log("the client does not read the response")
        assert len(deaf.read_to_close()) < 50_000_000
    assert server.get("/").text == "hello"


@pytest.mark.only("rgunicorn")
def test_connections_beyond_the_limit_wait_for_their_turn(
    serve: Serve, plain: str, quiet: dict[str, Any]
) -> None:
    server = serve(plain, worker_connections=4, **{**quiet, "keepalive": 1})
    clients = [server.connect() for _ in range(12)]
    for client in clients:
        client.send(build_request("GET", "/", headers={"Connection": "close"}))
    for client in clients:
        assert client.read_response().text == "hello"
        client.close()
