"""The access log: gunicorn's formats and atoms, one line a request."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from conftest import Serve
from support.raw import build_request
from support.server import Server

pytestmark = pytest.mark.only("rgunicorn", "gunicorn")

Lines = Callable[[str, int], list[str]]

COMBINED = (
    r"127\.0\.0\.1 - - \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "
    r'"GET /query\?a=b HTTP/1\.1" 200 3 "http://from\.test/" "agent/1\.0"'
)


def access_lines(server: Server, count: int = 1) -> list[str]:
    """The lines of the access log, once there are that many."""

    def lines() -> list[str]:
        found = server.output_path.read_text().splitlines()
        return found if len(found) >= count else []

    server.wait_until(lines)
    return lines()


def test_the_default_is_the_combined_format(serve: Serve, plain: str) -> None:
    server = serve(plain, accesslog="-")
    server.get("/query?a=b", headers={"Referer": "http://from.test/", "User-Agent": "agent/1.0"})
    (line,) = access_lines(server)
    assert re.fullmatch(COMBINED, line), line


def test_there_is_none_unless_asked_for(serve: Serve, plain: str) -> None:
    server = serve(plain)
    server.get("/")
    server.stop()
    assert server.output_path.read_text() == ""
    assert server.log_lines("GET / HTTP") == 0


def test_it_may_be_a_file(serve: Serve, plain: str) -> None:
    server = serve(plain, accesslog="access.log")
    server.get("/")
    path = server.directory / "access.log"
    server.wait_until(lambda: path.exists() and "GET / HTTP/1.1" in path.read_text())


ATOMS: dict[str, str] = {
    "h": r"127\.0\.0\.1",
    "l": "-",
    "u": "-",
    "t": r"\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]",
    "r": r"POST /echo\?q=1 HTTP/1\.1",
    "m": "POST",
    "U": "/echo",
    "q": "q=1",
    "H": r"HTTP/1\.1",
    "s": "200",
    "b": "4",
    "B": "4",
    "f": r"http://from\.test/",
    "a": r"agent/1\.0",
    "T": "0",
    "D": r"\d+",
    "M": r"\d+",
    "L": r"\d+\.\d{6}",
    "p": r"<\d+>",
    "{x-one}i": "first",
    "{X-One}i": "first",
    "{content-type}o": "text/plain",
    "{none}i": "-",
    "{none}o": "-",
}


def test_every_atom(serve: Serve, plain: str) -> None:
    layout = "|".join(f"%({atom})s" for atom in ATOMS)
    server = serve(plain, accesslog="-", access_log_format=layout)
    headers = {"Referer": "http://from.test/", "User-Agent": "agent/1.0", "X-One": "first"}
    server.post("/echo?q=1", b"body", headers=headers)
    (line,) = access_lines(server)
    values = line.split("|")
    assert len(values) == len(ATOMS)
    for (atom, pattern), value in zip(ATOMS.items(), values, strict=True):
        assert re.fullmatch(pattern, value), f"%({atom})s is {value!r}"


def test_the_environ_atom_shows_the_environ_of_wsgi(serve: Serve) -> None:
    layout = "%({REMOTE_ADDR}e)s %({wsgi.url_scheme}e)s %({none}e)s"
    server = serve("apps.wsgi_plain:app", accesslog="-", access_log_format=layout)
    server.get("/")
    assert access_lines(server) == ["127.0.0.1 http -"]


@pytest.mark.only("rgunicorn")
def test_the_environ_atom_shows_the_request_where_there_is_no_environ(serve: Serve) -> None:
    layout = "%({REQUEST_METHOD}e)s %({query_string}e)s %({HTTP_X_ONE}e)s %({wsgi.url_scheme}e)s"
    server = serve("apps.asgi_plain:app", accesslog="-", access_log_format=layout)
    server.get("/?a=b", headers={"X-One": "first"})
    assert access_lines(server) == ["GET a=b first -"]


def test_a_percent_sign_and_plain_text_are_kept(serve: Serve, plain: str) -> None:
    server = serve(plain, accesslog="-", access_log_format="100%% [%(s)s] \u20ac")
    server.get("/")
    assert access_lines(server) == ["100% [200] \u20ac"]


@pytest.mark.differs("gunicorn", "lets a client end the quotes with control characters")
def test_a_client_cannot_forge_a_line(serve: Serve, plain: str) -> None:
    server = serve(plain, accesslog="-")
    with server.connect() as client:
        client.send(
            b'GET /"x HTTP/1.1\r\nHost: x\r\nUser-Agent: a"b\x1b[31m\xe9\\\r\n'
            b"Connection: close\r\n\r\n"
        )
        client.read_to_close()
    server.get("/query?last")
    lines = access_lines(server, 1)
    for line in lines:
        assert line.count('"') - line.count('\\"') == 6, line
        assert "\x1b" not in line


def test_users_come_from_basic_authorization(serve: Serve, plain: str) -> None:
    server = serve(plain, accesslog="-", access_log_format="%(u)s")
    server.get("/", headers={"Authorization": "Basic YWxpY2U6c2VjcmV0"})
    assert access_lines(server) == ["alice"]


@pytest.mark.only("rgunicorn")
def test_there_is_one_line_a_request_on_a_connection(serve: Serve, plain: str) -> None:
    server = serve(plain, accesslog="-", access_log_format="%(U)s %(q)s %(s)s %(B)s")
    with server.connect() as client:
        client.send(b"".join(build_request("GET", f"/query?{n}") for n in range(50)))
        for _ in range(50):
            client.read_response()
    assert access_lines(server, 50) == [f"/query {n} 200 {len(str(n))}" for n in range(50)]


@pytest.mark.only("rgunicorn")
def test_a_line_is_written_while_the_connection_stays_open(serve: Serve, plain: str) -> None:
    server = serve(plain, accesslog="-", access_log_format="%(s)s", keepalive=30)
    with server.connect() as client:
        client.get("/")
        assert access_lines(server) == ["200"]


@pytest.mark.only("rgunicorn")
def test_a_failed_request_is_logged_with_its_status(serve: Serve, plain: str) -> None:
    server = serve(plain, accesslog="-", access_log_format="%(s)s %(r)s")
    server.expect("Error handling request")
    server.get("/raise")
    assert access_lines(server) == ["500 GET /raise HTTP/1.1"]


@pytest.mark.only("rgunicorn")
def test_a_large_response_is_counted_in_body_bytes(serve: Serve, plain: str) -> None:
    server = serve(plain, accesslog="-", access_log_format="%(B)s")
    server.get("/large?3000000")
    assert access_lines(server) == ["3000000"]


def test_an_unknown_atom_is_a_dash_or_refused(serve: Serve, plain: str) -> None:
    server = serve(plain, ready=False, accesslog="-", access_log_format="%(nonsense)s %(s)s")
    server.wait_until(lambda: not server.alive or server.log_lines("Listening at"))
    if not server.alive:
        server.expected_status = server.wait_exit()
        assert server.expected_status == 1
        assert "access_log_format" in server.log() or "nonsense" in server.log()
        return
    server.get("/")
    assert access_lines(server) == ["- 200"]
