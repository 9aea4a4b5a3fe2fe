"""The PROXY protocol, as the stream module of nginx speaks it, with the example configuration."""

from __future__ import annotations

import pytest
from conftest import Serve
from support.examples import example
from support.nginx import Nginx, StartNginx
from support.processes import descriptors
from support.server import Server

pytestmark = pytest.mark.only("rgunicorn")


@pytest.fixture
def server(serve: Serve, behind: str, bind: str) -> Server:
    """A server that expects the protocol of proxies."""
    return serve(behind, bind=bind, proxy_protocol=True, keepalive=30)


@pytest.fixture
def proxy(nginx: StartNginx, server: Server) -> Nginx:
    """nginx in front of it, passing connections on."""
    started = nginx()
    return started.start(stream=example("proxy_protocol.conf", started, server))


def test_the_client_is_the_one_that_the_proxy_names(proxy: Nginx) -> None:
    client = proxy.connect()
    seen = client.get("/who").json()
    assert seen["client"] == "127.0.0.1"
    assert seen["port"] == str(client.sock.getsockname()[1])
    assert seen["server"][1] == str(proxy.ports[0])


def test_the_client_stays_the_same_for_all_requests_of_its_connection(proxy: Nginx) -> None:
    client, other = proxy.connect(), proxy.connect()
    for connection in (client, other, client, other):
        port = connection.sock.getsockname()[1]
        assert connection.get("/who").json()["port"] == str(port)


def test_header_fields_of_the_client_are_not_believed_for_its_load_balancer(
    nginx: StartNginx, serve: Serve, behind: str, bind: str
) -> None:
    # The clients of this test are on this machine, so it must not be trusted by default.
    server = serve(
        behind,
        bind=bind,
        proxy_protocol=True,
        proxy_headers=True,
        forwarded_allow_ips="192.0.2.1",
    )
    proxy = nginx()
    proxy.start(stream=example("proxy_protocol.conf", proxy, server))
    forged = {"X-Forwarded-For": "192.0.2.66", "X-Forwarded-Proto": "https", "Script_Name": "/evil"}
    seen = proxy.get("/who", headers=forged).json()
    assert (seen["client"], seen["scheme"], seen["root"]) == ("127.0.0.1", "http", "")


def test_bodies_follow_the_header_as_always(proxy: Nginx) -> None:
    body = b"x" * 3_000_000
    assert proxy.post("/digest", body).json()["size"] == len(body)


def test_the_access_log_names_the_client(
    nginx: StartNginx, serve: Serve, behind: str, short_directory: str
) -> None:
    server = serve(
        behind,
        bind=f"unix:{short_directory}/site.sock",
        proxy_protocol=True,
        accesslog="access.log",
        access_log_format="%(h)s %(U)s",
    )
    proxy = nginx()
    proxy.start(stream=example("proxy_protocol.conf", proxy, server))
    proxy.get("/who")
    path = server.directory / "access.log"
    server.wait_until(lambda: path.exists() and "127.0.0.1 /who" in path.read_text())


def test_a_proxy_that_is_not_allowed_is_refused(
    nginx: StartNginx, serve: Serve, behind: str
) -> None:
    server = serve(behind, proxy_protocol=True, proxy_allow_ips="192.0.2.1")
    proxy = nginx()
    proxy.start(stream=example("proxy_protocol.conf", proxy, server))
    assert proxy.get("/who").status == 403


def test_without_the_setting_the_header_is_no_request(
    nginx: StartNginx, serve: Serve, behind: str
) -> None:
    server, proxy = serve(behind), nginx()
    proxy.start(stream=example("proxy_protocol.conf", proxy, server))
    assert proxy.get("/who").status == 400


def test_a_client_that_leaves_leaves_nothing_behind(proxy: Nginx, server: Server) -> None:
    (worker,) = server.worker_pids()
    proxy.get("/who")
    before = server.wait_stable(lambda: descriptors(worker))
    client = proxy.connect()
    assert client.get("/who").status == 200
    client.reset()
    server.wait_until(lambda: descriptors(worker) == before)
