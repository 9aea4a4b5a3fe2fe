"""Listeners that speak the uwsgi protocol: packets become requests, answers are plain HTTP."""

from __future__ import annotations

import re
from typing import Any

import pytest
from conftest import Serve
from support.frontends import CLIENT, PLAIN, packet
from support.raw import Response
from support.server import Server

pytestmark = pytest.mark.only("rgunicorn")

UWSGI = {"bind": "uwsgi://127.0.0.1:0"}
Pair = tuple[str, str]


@pytest.fixture
def server(shared: Serve, behind: str) -> Server:
    """A server on a uwsgi listener."""
    return shared(behind, **UWSGI)


def at(path: str, query: str = "") -> list[Pair]:
    """The variables that say what is asked for."""
    target = f"{path}?{query}" if query else path
    return [("REQUEST_URI", target), ("PATH_INFO", path), ("QUERY_STRING", query)]


def ask(server: Server, *more: Pair, body: bytes = b"") -> Response:
    """Send a packet, read the answer, and see the connection end."""
    with server.connect() as client:
        length = [("CONTENT_LENGTH", str(len(body))), ("REQUEST_METHOD", "POST")] if body else []
        client.send(packet(*length, *more) + body)
        method = dict(more).get("REQUEST_METHOD", "GET")
        answer = client.read_response(method)
        assert answer.header("Connection") == "close"
        assert client.closed_by_server()
        return answer


def told(server: Server, *more: Pair) -> dict[str, Any]:
    """What the application sees of a request."""
    answer: dict[str, Any] = ask(server, *more).json()
    return answer


def test_a_packet_is_a_request(server: Server) -> None:
    answer = told(server, ("HTTP_X_ONE", "1"), ("HTTP_COOKIE", "a=1"))
    assert answer == {
        "method": "GET",
        "scheme": "http",
        "client": CLIENT[0],
        "port": str(CLIENT[1]),
        "server": ["site.example", "80"],
        "root": "",
        "path": "/a b",
        "query": "x=1",
        "user": None,
        "length": None,
        "headers": {"host": "site.example", "x-one": "1", "cookie": "a=1"},
    }


def test_a_packet_may_come_byte_by_byte(server: Server) -> None:
    data = packet(*at("/digest"), ("REQUEST_METHOD", "POST"), ("CONTENT_LENGTH", "4")) + b"body"
    with server.connect() as client:
        client.send_slowly(data)
        assert client.read_response().json()["size"] == 4


@pytest.mark.parametrize("size", [1, 5_000, 100_000, 5_000_000])
def test_a_body_arrives_whole(server: Server, size: int) -> None:
    assert ask(server, *at("/digest"), body=b"x" * size).json()["size"] == size


def test_a_rewritten_path_counts_and_not_the_one_the_client_sent(server: Server) -> None:
    more = [("REQUEST_URI", "/old?a=b"), ("PATH_INFO", "/new"), ("QUERY_STRING", "c=d")]
    answer = told(server, *more)
    assert (answer["path"], answer["query"]) == ("/new", "c=d")


def test_a_path_that_is_not_sent_is_that_of_the_target(server: Server) -> None:
    with server.connect() as client:
        left = {key: PLAIN[key] for key in PLAIN if key not in ("PATH_INFO", "QUERY_STRING")}
        client.send(packet(plain=left))
        answer = client.read_response().json()
    assert (answer["path"], answer["query"]) == ("/a b", "x=1")


def test_a_target_that_is_not_sent_is_built(server: Server) -> None:
    with server.connect() as client:
        client.send(packet(plain={key: PLAIN[key] for key in PLAIN if key != "REQUEST_URI"}))
        answer = client.read_response().json()
    assert (answer["path"], answer["query"]) == ("/a b", "x=1")


@pytest.mark.parametrize(
    ("target", "path"),
    [("/app/page", "/app/page"), ("/app/page", "/page")],
    ids=["as nginx", "as Apache"],
)
def test_an_application_under_a_prefix(server: Server, target: str, path: str) -> None:
    answer = told(server, ("SCRIPT_NAME", "/app"), ("REQUEST_URI", target), ("PATH_INFO", path))
    assert (answer["root"], answer["path"]) == ("/app", "/page")


@pytest.mark.parametrize("pair", [("HTTPS", "on"), ("REQUEST_SCHEME", "https")])
def test_the_scheme_is_what_the_frontend_says(server: Server, pair: Pair) -> None:
    assert told(server, pair)["scheme"] == "https"


def test_what_the_client_itself_sends_is_not_believed(server: Server) -> None:
    forged = [("HTTP_X_FORWARDED_FOR", "203.0.113.9"), ("HTTP_X_FORWARDED_PROTO", "https")]
    answer = told(server, *forged, ("HTTP_HTTPS", "on"), ("HTTP_REMOTE_ADDR", "203.0.113.9"))
    assert (answer["client"], answer["scheme"], answer["user"]) == (CLIENT[0], "http", None)


def test_a_proxy_in_front_of_the_frontend_is_believed_if_it_is_trusted(
    shared: Serve, behind: str
) -> None:
    server = shared(behind, **UWSGI, proxy_headers="on", forwarded_allow_ips=CLIENT[0])
    fields = [("HTTP_X_FORWARDED_FOR", "203.0.113.9"), ("HTTP_X_FORWARDED_PROTO", "https")]
    answer = told(server, *fields)
    assert (answer["client"], answer["scheme"]) == ("203.0.113.9", "https")
    answer = told(server, *fields, ("REMOTE_ADDR", "192.0.2.99"))
    assert (answer["client"], answer["scheme"]) == ("192.0.2.99", "http")


def test_header_fields_of_a_client_that_is_not_named_are_not_believed(
    shared: Serve, behind: str
) -> None:
    server = shared(behind, **UWSGI, proxy_headers="on")
    left = {key: PLAIN[key] for key in PLAIN if key != "REMOTE_ADDR"}
    with server.connect() as client:
        client.send(packet(("HTTP_X_FORWARDED_FOR", "203.0.113.9"), plain=left))
        assert client.read_response().json()["client"] == "127.0.0.1"


def test_wsgi_has_the_variables_that_the_frontend_adds(shared: Serve) -> None:
    server = shared("apps.wsgi_environ:app", **UWSGI)
    more = [("REMOTE_USER", "ada"), ("SSL_CLIENT_VERIFY", "SUCCESS"), ("wsgi.input", "x")]
    answer = told(server, *more, ("SERVER_PROTOCOL", "HTTP/2.0"), ("CUSTOM", "\xe9"))
    plain = answer["plain"]
    wanted = {
        "REMOTE_USER": "ada",
        "SSL_CLIENT_VERIFY": "SUCCESS",
        "DOCUMENT_ROOT": "/srv/www",
        "REQUEST_URI": "/a%20b?x=1",
        "RAW_URI": "/a%20b?x=1",
        "PATH_INFO": "/a b",
        "SERVER_PROTOCOL": "HTTP/2.0",
        "SERVER_NAME": "site.example",
        "CUSTOM": "\xe9",
    }
    assert {key: plain.get(key) for key in wanted} == wanted
    assert "CONTENT_LENGTH" not in plain
    assert "CONTENT_TYPE" not in plain
    assert answer["types"]["wsgi.input"] != "str"


def test_asgi_has_the_target_and_a_version_it_knows(shared: Serve) -> None:
    server = shared("apps.asgi_scope:app", **UWSGI)
    for protocol, version in (("HTTP/2.0", "1.1"), ("HTTP/1.1", "1.1"), ("HTTP/1.0", "1.0")):
        values = told(server, ("SERVER_PROTOCOL", protocol))["values"]
        assert values["raw_path"] == {"bytes": "/a%20b"}
        assert values["query_string"] == {"bytes": "x=1"}
        assert values["http_version"] == version


def test_an_answer_of_unknown_length_has_no_chunks(server: Server, tmp_path: Any) -> None:
    fifo = tmp_path / "go"
    fifo.write_text("")
    answer = ask(server, *at("/parts", str(fifo)))
    assert answer.header("Transfer-Encoding") is None
    assert (answer.framing, answer.body) == ("close", b"firstsecond")


@pytest.mark.parametrize("status", ["204", "304"])
def test_an_answer_without_a_body_has_none(server: Server, status: str) -> None:
    answer = ask(server, *at("/status", status))
    assert (answer.status, answer.body) == (int(status), b"")


def test_an_answer_to_head_has_no_body(server: Server) -> None:
    answer = ask(server, ("REQUEST_METHOD", "HEAD"))
    assert (answer.status, answer.body) == (200, b"")


def test_nobody_is_told_to_continue(server: Server) -> None:
    head = packet(*at("/digest"), ("HTTP_EXPECT", "100-continue"), ("CONTENT_LENGTH", "2"))
    with server.connect() as client:
        client.send(head)
        assert client.silent(0.2)
        client.send(b"ok")
        answer = client.read_response()
    assert (answer.interim, answer.json()["size"]) == ([], 2)


def test_an_exception_is_answered_as_ever(server: Server) -> None:
    server.expect("on purpose", "Error handling request", "Exception in ASGI")
    assert ask(server, *at("/raise")).status == 500


def test_only_one_request_comes_on_a_connection(server: Server) -> None:
    with server.connect() as client:
        client.send(packet() * 2)
        assert client.read_response().status == 200
        assert client.read_to_close() == b""


MALFORMED: dict[str, tuple[int, bytes]] = {
    "http": (501, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    "modifier": (501, packet(modifier=5)),
    "empty": (400, bytes(4)),
    "length of a key": (400, b"\0\x03\0\0\x09\0A"),
    "length of a value": (400, b"\0\x06\0\0\x01\0A\x09\0x"),
    "no method": (400, packet(("REQUEST_METHOD", ""))),
    "no protocol": (400, packet(("SERVER_PROTOCOL", ""))),
    "empty key": (400, packet(("", "x"))),
    "key with a colon": (400, packet(("HTTP_A:", "x"))),
    "key with a line end": (400, packet(("HTTP_A\r\nB", "x"))),
    "line end in a value": (400, packet(("HTTP_A", "x\r\nContent-Length: 5"))),
    "nul in a value": (400, packet(("REMOTE_USER", "x\0y"))),
    "control character in a value": (400, packet(("HTTP_A", "x\x01"))),
    "method with a space": (400, packet(("REQUEST_METHOD", "GET /x"))),
    "target with a space": (400, packet(("REQUEST_URI", "/ HTTP/1.1"))),
    "target without a slash": (400, packet(("REQUEST_URI", "x"))),
    "two hosts": (400, packet(("HTTP_HOST", "other.example"))),
    "length with a sign": (400, packet(("CONTENT_LENGTH", "+5"))),
    "chunks without a length": (411, packet(("HTTP_TRANSFER_ENCODING", "chunked"))),
    "two lengths": (400, packet(("CONTENT_LENGTH", "5"), ("HTTP_CONTENT_LENGTH", "6"))),
    "client that is none": (400, packet(("REMOTE_ADDR", "nobody"))),
    "port that is none": (400, packet(("SERVER_PORT", "http"))),
    "long target": (414, packet(("REQUEST_URI", "/" + "x" * 5000))),
    "long field": (431, packet(("HTTP_A", "x" * 9000))),
    "many fields": (431, packet(*[("HTTP_A", "x")] * 101)),
    "many variables": (400, packet(*[("A", "x")] * 1000)),
}


@pytest.mark.parametrize(("status", "data"), MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_request_is_refused(server: Server, status: int, data: bytes) -> None:
    with server.connect() as client:
        client.send(data + b"left over")
        answer = client.read_response()
        assert (answer.status, answer.header("Connection")) == (status, "close")
        client.half_close()
        assert client.closed_by_server()
    assert ask(server).status == 200


@pytest.mark.parametrize("length", [1, 4, 50, -1])
def test_a_packet_that_breaks_off_is_no_request(server: Server, length: int) -> None:
    with server.connect() as client:
        client.send(packet()[:length])
        client.half_close()
        assert client.read_to_close() == b""


def test_a_slow_packet_has_the_time_of_a_head(shared: Serve, behind: str) -> None:
    server = shared(behind, **UWSGI, header_timeout="300ms")
    for sent, answer in ((b"", b""), (packet()[:40], b"HTTP/1.1 408 ")):
        with server.connect() as client:
            client.send(sent)
            assert client.read_to_close()[:13] == answer


def test_who_may_not_speak_uwsgi_is_forbidden(shared: Serve, behind: str) -> None:
    server = shared(behind, **UWSGI, uwsgi_allow_ips="192.0.2.0/24")
    assert ask(server).status == 403


def test_a_peer_on_a_unix_socket_may(serve: Serve, behind: str, short_directory: str) -> None:
    bind = f"uwsgi://unix:{short_directory}/site.sock"
    server = serve(behind, bind=bind, uwsgi_allow_ips="")
    assert told(server)["client"] == CLIENT[0]


def test_each_listener_speaks_its_own_protocol(serve: Serve, behind: str) -> None:
    server = serve(behind, bind=["http://127.0.0.1:0", "127.0.0.1:0"], protocol="uwsgi")
    plain, other = server.addresses
    assert re.search(r"uwsgi://127\.0\.0\.1:", server.log())
    assert server.get("/page").json()["path"] == "/page"
    with other.open(10) as sock:
        sock.sendall(packet())
        assert sock.recv(13) == b"HTTP/1.1 200 "
    with plain.open(10) as sock:
        sock.sendall(packet())
        assert sock.recv(13) == b"HTTP/1.1 400 "


def test_the_access_log_shows_what_the_client_sent(serve: Serve, behind: str) -> None:
    form = "%(h)s %(r)s %(s)s %({remote_user}e)s %({none}e)s"
    server = serve(behind, **UWSGI, accesslog="-", access_log_format=form)
    ask(server, ("SERVER_PROTOCOL", "HTTP/2.0"), ("REMOTE_USER", "ada"))
    line = f"{CLIENT[0]} GET /a%20b?x=1 HTTP/2.0 200 ada -\n"
    server.wait_until(lambda: server.output_path.read_text() == line)
