"""ASGI HTTP: how the messages of the application become a response."""

from __future__ import annotations

import re

import pytest
from conftest import Serve
from support.raw import CutError
from support.server import Server

#: What each server writes for an exception of the application.
FAILED = r"Error handling request|ASGI application|\] GET /"


@pytest.fixture
def server(shared: Serve) -> Server:
    """The application with every way to answer."""
    return shared("apps.asgi_response:app", asgi_lifespan="off")


@pytest.mark.only("rgunicorn")
def test_one_part_is_sent_with_its_length(server: Server) -> None:
    response = server.get("/single")
    assert (response.status, response.reason) == (200, "OK")
    assert (response.framing, response.body) == ("length", b"one part")


def test_several_parts_are_chunked(server: Server) -> None:
    response = server.get("/several")
    assert (response.framing, response.body) == ("chunked", b"one two three")


@pytest.mark.differs("uvicorn", "sends chunks")
def test_http_1_0_gets_no_chunks(server: Server) -> None:
    response = server.get("/several", version="HTTP/1.0")
    assert (response.framing, response.body) == ("close", b"one two three")


def test_the_length_of_the_application_is_kept(server: Server) -> None:
    response = server.get("/own_length")
    assert response.header_list("Content-Length") == ["10"]
    assert response.body == b"0123456789"


def test_headers_and_body_may_be_left_out(server: Server) -> None:
    response = server.get("/defaults")
    assert (response.status, response.body) == (200, b"")


@pytest.mark.differs("gunicorn", "takes a sequence only")
def test_headers_may_be_any_iterable_of_pairs(server: Server) -> None:
    response = server.get("/iterator_headers")
    assert (response.header("x-a"), response.body) == ("a", b"headers from an iterator")


@pytest.mark.only("rgunicorn")
def test_any_bytes_like_body_is_taken(server: Server) -> None:
    assert server.get("/other_bytes").body == b"array view"


@pytest.mark.parametrize("path", ["/single", "/several", "/own_length", "/large?100000"])
def test_head_gets_the_headers_and_no_body(server: Server, path: str) -> None:
    with server.connect() as client:
        head = client.request("HEAD", path)
        assert (head.status, head.header("Content-Type")) == (200, "text/plain")
        assert client.get("/single").body == b"one part"


@pytest.mark.parametrize(("path", "status"), [("/no_content", 204), ("/not_modified", 304)])
def test_statuses_without_a_body_get_none(server: Server, path: str, status: int) -> None:
    with server.connect() as client:
        response = client.get(path)
        assert response.status == status
        assert client.get("/single").body == b"one part"
    if server.kind.name == "rgunicorn":
        assert response.header("Transfer-Encoding") is None


def test_the_status_and_the_headers_are_the_applications(server: Server) -> None:
    response = server.get("/shows_headers")
    assert response.status == 418
    assert response.header_list("Set-Cookie") == ["a=1", "b=2"]
    assert response.header("X-Latin") == "caf\xe9"
    assert response.header("X-Empty") == ""


def test_date_and_server_are_added(server: Server) -> None:
    response = server.get("/single")
    assert str(response.header("Server")).startswith(server.kind.name)
    assert response.header("Date") is not None


@pytest.mark.only("rgunicorn")
def test_a_date_and_a_server_of_the_application_are_kept(server: Server) -> None:
    response = server.get("/own_date")
    assert (response.header("Date"), response.header("Server")) == ("yesterday", "mine")


@pytest.mark.parametrize("size", [0, 1, 65536, 1_000_003, 20_000_000])
def test_large_bodies_arrive_whole(server: Server, size: int) -> None:
    assert server.get(f"/large?{size}").body == b"x" * size


def test_many_small_parts_arrive_in_order(server: Server) -> None:
    body = server.get("/many?20000").body
    assert body == b"".join(b"%06d\n" % n for n in range(20000))


# Beside and after the response.


@pytest.mark.only("rgunicorn")
def test_head_and_first_part_leave_together(server: Server) -> None:
    with server.connect() as client:
        client.send(b"GET /head_alone?0.1 HTTP/1.1\r\nHost: x\r\n\r\n")
        server.wait_log("note: head sent")
        assert client.silent(0.03)
        assert client.read_response().body == b"after the head"


def test_background_work_goes_on_after_the_response(server: Server) -> None:
    with server.connect() as client:
        assert client.get("/background?plain").body == b"one part"
        assert server.log_lines("note: background plain done") == 0
        server.wait_log("note: background plain done")


@pytest.mark.only("rgunicorn")
def test_the_next_request_does_not_wait_for_background_work(server: Server) -> None:
    with server.connect() as client:
        client.get("/background?first")
        assert client.get("/single").body == b"one part"
        assert server.log_lines("note: background first done") == 0
        server.wait_log("note: background first done")


def test_background_work_goes_on_when_the_client_left(server: Server) -> None:
    server.get("/background?alone")
    server.wait_log("note: background alone done")


@pytest.mark.differs("gunicorn", "cancels the request of a client that left")
def test_an_exception_after_the_response_is_logged_and_the_response_whole(server: Server) -> None:
    server.expect(FAILED)
    assert server.get("/background_fails").body == b"one part"
    server.wait_log("BrokenError: in the background")


def test_the_response_may_come_from_another_task(server: Server) -> None:
    assert server.get("/detached").body == b"one part"


# Exceptions.


def test_an_exception_before_the_start_is_a_500(server: Server) -> None:
    server.expect(FAILED)
    before = server.log_lines("BrokenError: before the start$")
    response = server.get("/raises")
    assert response.status == 500
    assert b"Broken" not in response.body
    server.wait_log("BrokenError: before the start$", times=before + 1)
    server.wait_log("Traceback")


@pytest.mark.only("rgunicorn")
def test_an_exception_before_the_first_part_is_a_500_too(server: Server) -> None:
    server.expect(FAILED)
    assert server.get("/raises_started").status == 500
    server.wait_log("BrokenError: after the start$")


@pytest.mark.only("rgunicorn")
def test_the_log_names_the_request_line_of_an_exception(server: Server) -> None:
    server.expect(FAILED)
    server.get("/raises?find=me")
    server.wait_log(r"\[ERROR\] .*GET /raises\?find=me")


def test_an_exception_after_the_first_part_cuts_the_connection(server: Server) -> None:
    server.expect(FAILED)
    with server.connect() as client:
        client.send(b"GET /raises_later HTTP/1.1\r\nHost: x\r\n\r\n")
        everything = client.read_to_close()
    assert everything.startswith(b"HTTP/1.1 200")
    assert b"first" in everything
    assert not everything.endswith(b"0\r\n\r\n"), "it must not look whole"
    server.wait_log("BrokenError: after the first part$")


def test_the_worker_goes_on_after_exceptions(server: Server) -> None:
    server.expect(FAILED)
    pids = server.worker_pids()
    for _ in range(5):
        server.get("/raises")
    assert server.get("/single").status == 200
    assert server.worker_pids() == pids


@pytest.mark.only("rgunicorn")
def test_a_request_that_cancels_itself_is_a_500(server: Server) -> None:
    server.expect(FAILED, "cancel")
    response = server.get("/cancels_itself")
    assert response.status == 500
    assert server.get("/single").status == 200


# Messages that are wrong.


@pytest.mark.only("rgunicorn")
@pytest.mark.parametrize(
    "path",
    ["/wrong_type", "/no_type", "/body_first", "/started_twice", "/text_body", "/says_nothing"],
)
def test_misuse_before_the_first_part_is_a_500(server: Server, path: str) -> None:
    server.expect(FAILED)
    response = server.get(path)
    assert response.status == 500
    assert b"never" not in response.body
    server.wait_log(rf"\[ERROR\] .*{path}")


WRONG = [
    "status-text",
    "status-none",
    "status-small",
    "status-large",
    "headers-number",
    "header-not-a-pair",
    "name-text",
    "value-text",
    "value-none",
    "name-empty",
    "name-space",
]

SPLITTING = ["name-newline", "value-crlf", "value-lf", "value-cr", "value-nul"]


@pytest.mark.only("rgunicorn")
@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_status_or_header_is_a_500(server: Server, case: str) -> None:
    server.expect(FAILED)
    response = server.get(f"/wrong_start?{case}")
    assert response.status == 500
    assert b"never" not in response.body
    server.wait_log(rf"\[ERROR\] .*{case}")


@pytest.mark.differs("uvicorn", "writes the header values as they are")
@pytest.mark.differs("gunicorn", "writes the header values as they are")
@pytest.mark.parametrize("case", SPLITTING)
def test_a_response_is_never_split(server: Server, case: str) -> None:
    server.expect(FAILED)
    with server.connect() as client:
        client.send(
            f"GET /wrong_start?{case} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
        )
        everything = client.read_to_close()
    assert everything.startswith(b"HTTP/1.1 500 ")
    assert b"x-split" not in everything.partition(b"\r\n\r\n")[0].lower()
    assert b"never" not in everything


@pytest.mark.only("rgunicorn")
@pytest.mark.parametrize("path", ["/starts_only", "/unfinished"])
def test_an_application_that_returns_too_early_is_an_error(server: Server, path: str) -> None:
    server.expect(FAILED)
    with server.connect() as client:
        client.send(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        everything = client.read_to_close()
    server.wait_log(rf"\[ERROR\] .*{path}")
    assert not everything.endswith(b"0\r\n\r\n")
    assert everything.startswith(b"HTTP/1.1 500" if path == "/starts_only" else b"HTTP/1.1 200")


@pytest.mark.differs("gunicorn", "closes the connection")
def test_sending_after_the_end_does_not_disturb_the_next_response(server: Server) -> None:
    with server.connect() as client:
        assert client.get("/sends_after_end").body == b"one part"
        assert client.get("/single").body == b"one part"
    server.wait_log("note: send after the end")


@pytest.mark.only("rgunicorn")
def test_more_than_the_length_is_an_error(server: Server) -> None:
    server.expect(FAILED)
    with server.connect() as client:
        client.send(b"GET /too_long HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        everything = client.read_to_close()
    head, _, body = everything.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 500") or len(body) <= 4
    server.wait_log(r"\[(ERROR|WARNING)\] .*too_long")


@pytest.mark.only("rgunicorn")
def test_less_than_the_length_ends_the_connection(server: Server) -> None:
    server.expect(FAILED)
    with server.connect() as client, pytest.raises(CutError):
        client.get("/too_short")
    server.wait_log(r"\[(ERROR|WARNING)\] .*too_short")


# A client that leaves, or does not read.


@pytest.mark.parametrize("leave", ["close", "reset"])
@pytest.mark.differs("uvicorn", "says nothing to the application")
@pytest.mark.differs("gunicorn", "says nothing to the application")
def test_send_raises_oserror_when_the_client_left(server: Server, leave: str) -> None:
    client = server.connect()
    client.send(f"GET /endless?{leave} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    client.read_head()
    getattr(client, leave)()
    server.wait_log(f"note: endless {leave} OSError")
    assert server.get("/single").status == 200


@pytest.mark.only("rgunicorn")
def test_an_oserror_because_the_client_left_is_not_logged_as_an_error(server: Server) -> None:
    with server.connect() as client:
        client.send(b"GET /endless?quiet HTTP/1.1\r\nHost: x\r\n\r\n")
        client.read_head()
    server.wait_log("note: endless quiet OSError")
    assert server.get("/single").status == 200


@pytest.mark.differs("gunicorn", "buffers without a limit")
@pytest.mark.differs("uvicorn", "never stops an endless response whose client left")
def test_send_waits_while_the_client_does_not_read(server: Server) -> None:
    def sent() -> int:
        return max(map(int, re.findall(r"endless slow sent (\d+)", server.log())), default=0)

    with server.connect(receive_buffer=4096) as client:
        client.send(b"GET /endless?slow HTTP/1.1\r\nHost: x\r\n\r\n")
        client.read_head()
        stalled = server.wait_stable(sent)
        assert 0 < stalled < 16_000_000
        client.read_exactly(stalled // 2)
        server.wait_until(lambda: sent() > stalled)
        assert server.get("/single").status == 200, "others are served meanwhile"
