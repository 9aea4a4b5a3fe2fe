"""HTTP behind nginx, with the configuration of `examples/nginx`: connections, bodies, answers."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import Serve
from support.examples import example
from support.nginx import Nginx, StartNginx
from support.processes import descriptors
from support.raw import build_request, chunked
from support.server import Server

pytestmark = pytest.mark.only("rgunicorn")

#: Longer than nginx keeps a connection, as the example says; and the port is that of nginx.
KEPT = {"keepalive": 75, "proxy_headers": "off"}
LARGE = os.urandom(1 << 20) * 8


@pytest.fixture
def server(serve: Serve, behind: str, bind: str) -> Server:
    """The server, on TCP and on a unix socket, under both worker classes."""
    return serve(behind, bind=bind, **KEPT)


@pytest.fixture
def proxy(nginx: StartNginx, server: Server) -> Nginx:
    """nginx in front of it, as the example configures it."""
    started = nginx()
    return started.start(example("http.conf", started, server))


def open_files(server: Server) -> int:
    """How many files the only worker of a server has open."""
    (worker,) = server.worker_pids()
    return descriptors(worker)


def open_files_at_rest(server: Server) -> int:
    """The same once it has answered a first request, which loads what is loaded late."""
    server.get("/")
    return server.wait_stable(lambda: open_files(server))


# Connections between nginx and the server.


def test_requests_one_after_the_other_share_one_connection(proxy: Nginx, server: Server) -> None:
    before = open_files_at_rest(server)
    client = proxy.connect()
    ports = {client.get("/").json()["port"] for _ in range(40)}
    assert len(ports) == 1
    assert open_files(server) == before + 1


def test_many_clients_share_few_connections(nginx: StartNginx, serve: Serve, behind: str) -> None:
    server, proxy = serve(behind, **KEPT), nginx()
    proxy.start(example("http.conf", proxy, server))

    def ask(_: int) -> list[str]:
        return [proxy.get("/").json()["port"] for _ in range(25)]

    with ThreadPoolExecutor(max_workers=8) as pool:
        ports = [port for taken in pool.map(ask, range(8)) for port in taken]
    assert len(ports) == 200
    assert len(set(ports)) <= 8
    assert "0" not in ports


def test_a_refused_request_leaves_the_connections_of_others_alone(
    proxy: Nginx, server: Server
) -> None:
    client = proxy.connect()
    port = client.get("/").json()["port"]
    assert proxy.get("/status?404").status == 404
    assert client.get("/").json()["port"] == port


def test_a_proxy_that_closes_idle_connections_first_never_meets_a_closed_one(
    nginx: StartNginx, server: Server
) -> None:
    proxy = nginx()
    proxy.start(
        example("http.conf", proxy, server, ("keepalive_timeout 60s", "keepalive_timeout 1s"))
    )
    before = open_files_at_rest(server)
    for _ in range(3):
        assert burst(proxy) == [200] * 16
        server.wait_until(lambda: open_files(server) == before)


def test_a_server_that_closes_idle_connections_first_does_not_fail_what_can_be_sent_again(
    nginx: StartNginx, serve: Serve, behind: str, bind: str
) -> None:
    server, proxy = serve(behind, bind=bind, keepalive=1), nginx()
    proxy.start(example("http.conf", proxy, server))
    before = open_files_at_rest(server)
    for _ in range(3):
        assert burst(proxy) == [200] * 16
        server.wait_until(lambda: open_files(server) == before)
    # nginx may say that it met a closed connection; it took another one.
    proxy.expect("upstream prematurely closed", "Connection reset by peer")


def burst(proxy: Nginx) -> list[int]:
    """The statuses of sixteen requests at once."""
    with ThreadPoolExecutor(max_workers=16) as pool:
        return list(pool.map(lambda _: proxy.get("/").status, range(16)))


# Request bodies.


def test_a_large_body_arrives_whole_buffered_and_streamed(proxy: Nginx) -> None:
    for path in ("/digest", "/uploads/digest"):
        assert proxy.post(path, LARGE).json() == seen(LARGE), path


def test_a_large_chunked_body_arrives_whole_buffered_and_streamed(proxy: Nginx) -> None:
    parts = [LARGE[at : at + 100_000] for at in range(0, len(LARGE), 100_000)]
    headers = {"Transfer-Encoding": "chunked"}
    for path in ("/digest", "/uploads/digest"):
        answer = proxy.request("POST", path, headers=headers, body=chunked(*parts))
        assert answer.json() == seen(LARGE), path


def test_an_unbuffered_upload_reaches_an_asgi_application_while_it_is_sent(
    nginx: StartNginx, serve: Serve, bind: str
) -> None:
    server, proxy = serve("apps.asgi_behind:app", bind=bind, **KEPT), nginx()
    proxy.start(example("http.conf", proxy, server))
    client = proxy.connect()
    client.send(build_request("POST", "/uploads/digest", {"Content-Length": str(len(LARGE))}))
    client.send(LARGE[:100_000])
    server.wait_log("note: the body begins")
    client.send(LARGE[100_000:])
    assert client.read_response("POST").json() == seen(LARGE)


def test_a_body_that_the_application_leaves_unread_does_not_disturb_the_next_request(
    proxy: Nginx,
) -> None:
    for path in ("/", "/uploads/"):
        answer = proxy.post(path, LARGE)
        assert answer.status == 200
        assert answer.json()["length"] == str(len(LARGE))
        assert proxy.get("/status?202").status == 202


def seen(body: bytes) -> dict[str, object]:
    """What `/digest` says of a body."""
    return {"size": len(body), "sha256": hashlib.sha256(body).hexdigest()}


# Answers.


def test_parts_are_passed_on_as_they_are_made(proxy: Nginx, tmp_path: Path) -> None:
    fifo = tmp_path / "gate"
    os.mkfifo(fifo)
    client = proxy.connect()
    client.send(build_request("GET", f"/events/parts?{fifo}"))
    assert client.read_head().status == 200
    assert client.read_chunk() == b"first"
    fifo.write_text("go on")
    assert client.read_chunk() == b"second"
    assert client.read_chunk() == b""


def test_head_has_the_headers_of_get_and_no_body(proxy: Nginx) -> None:
    client = proxy.connect()
    head, get = client.request("HEAD", "/digest"), client.get("/digest")
    assert head.status == get.status == 200
    assert head.header("Content-Length") == get.header("Content-Length") is not None
    assert head.body == b""


def test_an_answer_without_body_leaves_the_connection_usable(proxy: Nginx, server: Server) -> None:
    client = proxy.connect()
    client.get("/")
    before = open_files(server)
    for status in (204, 304):
        answer = client.get(f"/status?{status}")
        assert answer.status == status
        assert answer.header("X-Answer") == str(status)
        assert answer.body == b""
    assert client.get("/").status == 200
    assert open_files(server) == before


def test_an_error_of_the_application_passes_through(proxy: Nginx) -> None:
    client = proxy.connect()
    for status in (400, 403, 404, 418, 500, 503):
        answer = client.get(f"/status?{status}")
        assert answer.status == status
        assert answer.header("X-Answer") == str(status)
        assert answer.text == f"asked for {status}", "what the application answers is kept"
    assert client.get("/").status == 200


def test_a_static_file_is_served_whole_in_part_and_not_again(
    nginx: StartNginx, serve: Serve, behind: str, bind: str, tmp_path: Path
) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "large.bin").write_bytes(LARGE)
    server = serve(behind, bind=bind, static_path=f"/static={tmp_path}/files", **KEPT)
    proxy = nginx()
    proxy.start(example("http.conf", proxy, server))
    client = proxy.connect()
    whole = client.get("/static/large.bin")
    assert whole.body == LARGE
    part = client.get("/static/large.bin", headers={"Range": "bytes=1000-1999"})
    assert (part.status, part.body) == (206, LARGE[1000:2000])
    again = client.get("/static/large.bin", headers={"If-None-Match": whole.header("ETag")})
    assert (again.status, again.body) == (304, b"")
    assert client.get("/status?202").status == 202


def test_an_exception_is_a_500_for_the_client(proxy: Nginx, server: Server) -> None:
    server.expect("Error handling request", "on purpose")
    assert proxy.get("/raise").status == 500
    assert proxy.get("/").status == 200


def test_a_stopped_server_gives_the_page_of_the_proxy(proxy: Nginx, server: Server) -> None:
    proxy.expect(r"connect\(\) (failed|to)")
    server.stop()
    answer = proxy.get("/")
    assert answer.status == 502
    assert answer.text == "<h1>Back in a moment</h1>\n"


# Clients that leave.


def test_a_client_that_leaves_in_an_answer_ends_it(proxy: Nginx, server: Server) -> None:
    before = open_files_at_rest(server)
    client = proxy.connect()
    client.send(build_request("GET", "/endless"))
    assert client.read_head().status == 200
    assert client.read_chunk()
    client.reset()
    server.wait_log("note: the client left")
    server.wait_until(lambda: open_files(server) == before)
    assert proxy.get("/").status == 200


def test_a_client_that_leaves_in_its_upload_leaves_nothing_behind(
    proxy: Nginx, server: Server
) -> None:
    before = open_files_at_rest(server)
    client = proxy.connect()
    client.send(build_request("POST", "/uploads/digest", {"Content-Length": str(len(LARGE))}))
    client.send(LARGE[: 1 << 20])
    server.wait_until(lambda: open_files(server) > before)
    client.reset()
    server.wait_until(lambda: open_files(server) == before)
    assert proxy.get("/").status == 200
