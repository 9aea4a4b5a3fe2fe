"""PEP 3333: how an answer of the application becomes a response."""

from __future__ import annotations

import pytest
from conftest import Serve
from support.raw import CutError
from support.server import Server


@pytest.fixture
def server(shared: Serve) -> Server:
    """The application with every way to answer."""
    return shared("apps.wsgi_response:app")


@pytest.mark.differs("gunicorn", "sends one part as a chunk")
def test_one_part_is_sent_with_its_length(server: Server) -> None:
    response = server.get("/single")
    assert (response.status, response.reason) == (200, "OK")
    assert response.framing == "length"
    assert response.body == b"one part"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/several", b"one two three"),
        ("/generator", b"generated"),
        ("/late_start", b"started late"),
        ("/empty_parts", b"ab"),
        ("/writes", b"written twice and returned"),
        ("/writes_only", b"only written"),
    ],
)
def test_several_parts_are_chunked(server: Server, path: str, body: bytes) -> None:
    response = server.get(path)
    assert response.framing == "chunked"
    assert response.body == body


@pytest.mark.parametrize("path", ["/several", "/generator", "/writes"])
def test_http_1_0_gets_the_end_of_the_connection_instead_of_chunks(
    server: Server, path: str
) -> None:
    response = server.get(path, version="HTTP/1.0")
    assert response.framing == "close"
    assert response.header("Transfer-Encoding") is None
    assert response.body == server.get(path).body


@pytest.mark.differs("gunicorn", "counts nothing")
def test_http_1_0_gets_the_length_when_it_is_known(server: Server) -> None:
    response = server.get("/single", version="HTTP/1.0")
    assert (response.framing, response.body) == ("length", b"one part")


def test_the_length_of_the_application_is_kept(server: Server) -> None:
    response = server.get("/own_length")
    assert response.header_list("Content-Length") == ["10"]
    assert response.body == b"0123456789"


@pytest.mark.parametrize("path", ["/empty", "/empty_generator"])
def test_an_empty_body_is_a_whole_response(server: Server, path: str) -> None:
    with server.connect() as client:
        response = client.get(path)
    assert (response.status, response.body) == (200, b"")
    assert response.framing in ("length", "chunked")


def test_start_response_may_be_called_in_the_first_step_of_the_iterable(server: Server) -> None:
    response = server.get("/late_start")
    assert (response.status, response.header("X-Late")) == (201, "yes")


@pytest.mark.only("rgunicorn")
@pytest.mark.parametrize("path", ["/single", "/several", "/own_length", "/large?100000", "/empty"])
def test_head_gets_the_headers_of_get_and_no_body(server: Server, path: str) -> None:
    with server.connect() as client:
        head = client.request("HEAD", path)
        assert head.status == 200
        follow_up = client.get("/single")
    assert follow_up.body == b"one part"
    assert head.header("Content-Type") == "text/plain"


@pytest.mark.only("rgunicorn")
@pytest.mark.parametrize(("path", "status"), [("/no_content", 204), ("/not_modified", 304)])
def test_statuses_without_a_body_get_none(server: Server, path: str, status: int) -> None:
    with server.connect() as client:
        response = client.get(path)
        assert response.status == status
        assert response.header("Transfer-Encoding") is None
        assert client.get("/single").body == b"one part"
    if status == 204:
        assert response.header("Content-Length") is None


def test_the_status_line_and_the_headers_are_the_applications(server: Server) -> None:
    response = server.get("/shows_headers")
    assert (response.status, response.reason) == (418, "I'm a teapot")
    assert response.header_list("Set-Cookie") == ["a=1", "b=2"]
    assert response.header("X-Latin") == "caf\xe9"
    assert response.header("X-Empty") == ""


def test_date_and_server_are_added(server: Server) -> None:
    response = server.get("/single")
    assert str(response.header("Server")).startswith(server.kind.name)
    assert response.header("Date") is not None


@pytest.mark.differs("gunicorn", "adds its own beside them")
def test_a_date_and_a_server_of_the_application_are_kept(server: Server) -> None:
    response = server.get("/own_date")
    assert response.header("Date") == "yesterday"
    assert response.header("Server") == "mine"


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 1_000_003, 20_000_000])
def test_large_bodies_arrive_whole(server: Server, size: int) -> None:
    response = server.get(f"/large?{size}")
    assert len(response.body) == size
    assert response.body.count(b"x") == size


def test_many_small_parts_arrive_in_order(server: Server) -> None:
    body = server.get("/many?20000").body
    assert body == b"".join(b"%06d\n" % n for n in range(20000))


def test_a_body_longer_than_its_length_is_cut_at_it(server: Server) -> None:
    with server.connect() as client:
        client.send(b"GET /too_long HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        everything = client.read_to_close()
    server.expect("too_long|Content-Length|more")
    body = everything.partition(b"\r\n\r\n")[2]
    assert body in (b"0123", b"") or everything.startswith(b"HTTP/1.1 500")


def test_a_body_shorter_than_its_length_ends_the_connection(server: Server) -> None:
    server.expect("too_short|Content-Length|fewer|less")
    with server.connect() as client, pytest.raises(CutError):
        client.get("/too_short")


@pytest.mark.differs("gunicorn", "cuts the connection")
def test_write_text_instead_of_bytes_is_an_error(server: Server) -> None:
    server.expect("Error handling request")
    assert server.get("/writes_text").status == 500


# start_response() used wrongly.


@pytest.mark.differs("gunicorn", "sends a response without a head, or cuts the connection")
@pytest.mark.parametrize(
    "path", ["/started_twice", "/never_started", "/returns_none", "/yields_text"]
)
def test_misuse_is_a_500(server: Server, path: str) -> None:
    server.expect("Error handling request")
    response = server.get(path)
    assert response.status == 500
    assert b"never" not in response.body
    server.wait_log(f"Error handling request .*{path}")


@pytest.mark.differs("gunicorn", "sends the headers of both calls")
def test_exc_info_replaces_what_was_not_sent_yet(server: Server) -> None:
    response = server.get("/replaced")
    assert (response.status, response.header("X-Replaced")) == (503, "yes")
    assert response.header_list("Content-Type") == ["text/plain"]
    assert response.body == b"the error page"


def test_exc_info_after_the_headers_raises_it_and_cuts_the_connection(server: Server) -> None:
    server.expect("Error handling request")
    with server.connect() as client:
        client.send(b"GET /replaced_too_late HTTP/1.1\r\nHost: x\r\n\r\n")
        everything = client.read_to_close()
    assert everything.startswith(b"HTTP/1.1 200")
    assert b"already on the way" in everything
    assert b"never" not in everything
    assert not everything.endswith(b"0\r\n\r\n")
    server.wait_log("after the headers were sent")


WRONG = [
    "status-number",
    "status-bytes",
    "status-empty",
    "status-text",
    "status-short",
    "headers-dict",
    "header-not-a-pair",
    "name-bytes",
    "value-bytes",
    "value-number",
    "value-none",
    "name-empty",
    "name-space",
    "name-colon",
    "value-not-latin",
    "name-not-ascii",
]

SPLITTING = ["status-newline", "name-newline", "value-crlf", "value-lf", "value-cr", "value-nul"]


@pytest.mark.only("rgunicorn")
@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_status_or_header_is_a_500(server: Server, case: str) -> None:
    server.expect("Error handling request")
    response = server.get(f"/wrong_start?{case}")
    assert response.status == 500
    assert b"never" not in response.body
    server.wait_log(f"Error handling request .*{case}")


@pytest.mark.differs("gunicorn", "sends a bare CR and a status with a line end as they are")
@pytest.mark.parametrize("case", SPLITTING)
def test_a_response_is_never_split(server: Server, case: str) -> None:
    server.expect("Error handling request")
    with server.connect() as client:
        client.send(
            f"GET /wrong_start?{case} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
        )
        everything = client.read_to_close()
    assert everything.startswith(b"HTTP/1.1 500 ")
    assert b"X-Split" not in everything.partition(b"\r\n\r\n")[0]
    assert b"never" not in everything
    server.wait_log(f"Error handling request .*{case}")


@pytest.mark.only("rgunicorn")
@pytest.mark.parametrize("case", ["hop-by-hop", "transfer-encoding"])
def test_hop_by_hop_headers_of_the_application_do_not_reach_the_framing(
    server: Server, case: str
) -> None:
    server.expect("Error handling request")
    response = server.get(f"/wrong_start?{case}")
    assert response.status in (200, 500)
    if response.status == 200:
        assert response.framing in ("length", "chunked")
        assert response.body == b"never"


@pytest.mark.only("rgunicorn")
def test_a_final_status_below_200_is_refused(server: Server) -> None:
    server.expect("Error handling request")
    assert server.get("/wrong_start?status-informational").status == 500


def test_headers_given_as_a_tuple_are_taken_or_refused_as_a_whole(server: Server) -> None:
    server.expect("Error handling request")
    response = server.get("/wrong_start?headers-tuple")
    assert (response.status, response.header("X-A")) in [(200, "a"), (500, None)]
