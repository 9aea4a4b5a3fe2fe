"""`uwsgi_pass` of nginx, with the configuration of `examples/nginx`, over TCP and unix sockets."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from conftest import Serve
from support.examples import UWSGI_PARAMS, example
from support.nginx import Nginx, StartNginx, upstream
from support.raw import build_request, chunked
from support.server import Server

pytestmark = pytest.mark.only("rgunicorn")

LARGE = os.urandom(1 << 20) * 8


@pytest.fixture
def server(serve: Serve, behind: str, bind: str) -> Server:
    """A server that speaks uwsgi."""
    return serve(behind, bind=f"uwsgi://{bind}")


@pytest.fixture
def proxy(nginx: StartNginx, server: Server) -> Nginx:
    """nginx in front of it, as the example configures it."""
    started = nginx()
    return started.start(example("uwsgi.conf", started, server))


def test_a_request_arrives_with_all_that_nginx_says_of_it(proxy: Nginx) -> None:
    client = proxy.connect()
    headers = {"Host": "site.example", "X-Own": "a, b", "Cookie": "c=d"}
    seen = client.get("/some/p%C3%A4th?a=b&c=%20", headers=headers).json()
    assert seen["method"] == "GET"
    assert seen["path"] in ("/some/p\u00e4th", "/some/p\u00c3\u00a4th")
    assert seen["query"] == "a=b&c=%20"
    assert seen["client"] == "127.0.0.1"
    assert seen["port"] == str(client.sock.getsockname()[1])
    assert seen["scheme"] == "http"
    assert seen["server"] == ["site.example", str(proxy.ports[0])]
    assert seen["headers"]["host"] == "site.example"
    assert seen["headers"]["x-own"] == "a, b"
    assert seen["headers"]["cookie"] == "c=d"


def test_the_client_is_the_one_of_nginx_and_cannot_be_forged(
    nginx: StartNginx, serve: Serve, behind: str, bind: str
) -> None:
    # This machine is where the clients of this test are, so it must not be trusted by default.
    server = serve(behind, bind=f"uwsgi://{bind}", forwarded_allow_ips="192.0.2.1")
    proxy = nginx()
    proxy.start(example("uwsgi.conf", proxy, server))
    forged = {
        "X-Forwarded-For": "192.0.2.66",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "evil.example",
        "Forwarded": "for=192.0.2.66;proto=https",
        "Remote-Addr": "192.0.2.66",
        "Remote_Addr": "192.0.2.66",
        "Script-Name": "/evil",
        "Https": "on",
    }
    honest, seen = proxy.get("/who").json(), proxy.get("/who", headers=forged).json()
    for name in ("client", "scheme", "server", "root", "path", "user"):
        assert seen[name] == honest[name], name


def test_a_prefix_is_the_script_name(proxy: Nginx) -> None:
    seen = proxy.get("/app/who?x").json()
    assert (seen["root"], seen["path"], seen["query"]) == ("/app", "/who", "x")


def test_parameters_of_the_frontend_reach_a_wsgi_application(
    nginx: StartNginx, serve: Serve, bind: str
) -> None:
    server, proxy = serve("apps.wsgi_behind:app", bind=f"uwsgi://{bind}"), nginx()
    more = "uwsgi_param REMOTE_USER ada; uwsgi_param HTTPS on;"
    proxy.start(location(proxy, server, more))
    seen = proxy.get("/who").json()
    assert seen["user"] == "ada"
    assert seen["scheme"] == "https"


def location(proxy: Nginx, server: Server, more: str) -> str:
    """A server of nginx that passes everything on, with further lines."""
    return (
        f"server {{ listen 127.0.0.1:{proxy.ports[0]}; server_name site.example;"
        f" location / {{ {UWSGI_PARAMS} {more} uwsgi_pass {upstream(server)}; }} }}"
    )


# Bodies.


def test_a_small_body_arrives(proxy: Nginx) -> None:
    client = proxy.connect()
    for _ in range(3):
        assert client.post("/digest", b"hello").json() == digest_of(b"hello")


@pytest.mark.parametrize("more", ["", "uwsgi_request_buffering off;"], ids=["buffered", "streamed"])
def test_a_large_body_arrives_whole(nginx: StartNginx, server: Server, more: str) -> None:
    proxy = nginx()
    proxy.start(location(proxy, server, more))
    assert proxy.post("/digest", LARGE).json() == digest_of(LARGE)
    headers = {"Transfer-Encoding": "chunked"}
    parts = [LARGE[at : at + 100_000] for at in range(0, len(LARGE), 100_000)]
    answer = proxy.request("POST", "/digest", headers=headers, body=chunked(*parts))
    assert answer.json() == digest_of(LARGE)


def test_a_body_that_is_not_read_does_not_spoil_the_answer(proxy: Nginx) -> None:
    answer = proxy.post("/who", LARGE)
    assert answer.status == 200
    assert answer.json()["length"] == str(len(LARGE))


def digest_of(body: bytes) -> dict[str, object]:
    """What `/digest` says of a body."""
    return {"size": len(body), "sha256": hashlib.sha256(body).hexdigest()}


# Answers.


def test_head_has_the_headers_of_get_and_no_body(proxy: Nginx) -> None:
    head, get = proxy.request("HEAD", "/digest"), proxy.get("/digest")
    assert head.header("Content-Length") == get.header("Content-Length") is not None
    assert head.body == b""


def test_a_status_passes_through(proxy: Nginx) -> None:
    client = proxy.connect()
    for status in (204, 304, 400, 404, 500):
        answer = client.get(f"/status?{status}")
        assert answer.status == status
        assert answer.header("X-Answer") == str(status)
        assert answer.body == (b"" if status < 400 else b"asked for %d" % status)
    assert client.get("/who").status == 200


def test_an_exception_is_a_500_for_the_client(proxy: Nginx, server: Server) -> None:
    server.expect("Error handling request", "on purpose")
    assert proxy.get("/raise").status == 500
    assert proxy.get("/who").status == 200


def test_an_answer_in_parts_is_no_chunked_one_for_nginx(proxy: Nginx, tmp_path: Path) -> None:
    fifo = tmp_path / "gate"
    os.mkfifo(fifo)
    client = proxy.connect()
    client.send(build_request("GET", f"/parts?{fifo}"))
    fifo.write_text("go on")
    answer = client.read_response()
    assert (answer.framing, answer.body) == ("chunked", b"firstsecond")


def test_a_client_that_leaves_ends_its_answer(proxy: Nginx, server: Server) -> None:
    client = proxy.connect()
    client.send(build_request("GET", "/endless"))
    assert client.read_head().status == 200
    client.reset()
    server.wait_log("note: the client left")
    assert proxy.get("/who").status == 200


# What is refused.


def test_an_http_client_is_told_that_it_is_at_the_wrong_door(server: Server) -> None:
    with server.connect() as client:
        client.send(build_request("GET", "/who"))
        answer = client.read_response()
        assert answer.status == 501
        assert "does the client speak HTTP?" in answer.text


def test_the_access_log_names_client_and_request(
    nginx: StartNginx, serve: Serve, behind: str, bind: str
) -> None:
    server = serve(
        behind,
        bind=f"uwsgi://{bind}",
        accesslog="access.log",
        access_log_format="%(h)s %(m)s %(U)s %(s)s",
    )
    proxy = nginx()
    proxy.start(example("uwsgi.conf", proxy, server))
    proxy.get("/who")
    path = server.directory / "access.log"
    line = "127.0.0.1 GET /who 200"
    server.wait_until(lambda: path.exists() and line in path.read_text())


def test_http_and_uwsgi_are_served_side_by_side(
    nginx: StartNginx, serve: Serve, behind: str, short_directory: str
) -> None:
    server = serve(behind, bind=[f"uwsgi://unix:{short_directory}/site.uwsgi", "127.0.0.1:0"])
    (port,) = [address.port for address in server.addresses if address.port]
    proxy = nginx()
    proxy.start(
        f"server {{ listen 127.0.0.1:{proxy.ports[0]};"
        f" location /http/ {{ proxy_pass http://127.0.0.1:{port}; }}"
        f" location /uwsgi/ {{ {UWSGI_PARAMS} uwsgi_pass unix:{short_directory}/site.uwsgi; }} }}"
    )
    assert proxy.get("/http/who").json()["path"] == "/http/who"
    assert proxy.get("/uwsgi/who").json()["path"] == "/uwsgi/who"
