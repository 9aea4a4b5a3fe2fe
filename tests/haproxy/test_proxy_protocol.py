"""The PROXY protocol, as HAProxy speaks it, with the example configuration."""

from __future__ import annotations

import http.client
import json
import os
import ssl
from typing import Any

import pytest
from conftest import Serve
from support.haproxy import HAProxy, StartHAProxy
from support.raw import Connection
from support.server import Server

pytestmark = pytest.mark.only("rgunicorn")

SEND = "send-proxy-v2-ssl"
#: Every way in which HAProxy can say it, with what its version offers beside the addresses.
WAYS = ["send-proxy", "send-proxy-v2", SEND, f"{SEND}-cn proxy-v2-options crc32c,unique-id"]


@pytest.fixture
def server(serve: Serve, behind: str) -> Server:
    """A server that expects PROXY headers, whichever."""
    log = {"accesslog": "-", "access_log_format": "%(h)s %(r)s"}
    return serve(behind, proxy_protocol="auto", keepalive=30, **log)


def over_tls(proxy: HAProxy, path: str) -> dict[str, Any]:
    """What the application sees of a request over TLS."""
    context = ssl.create_default_context(cafile=str(proxy.certificate))
    client = http.client.HTTPSConnection("localhost", proxy.ports[1], timeout=10, context=context)
    client.request("GET", path)
    answer: dict[str, Any] = json.load(client.getresponse())
    client.close()
    return answer


@pytest.mark.parametrize("way", WAYS)
def test_the_client_is_the_one_that_haproxy_names(
    haproxy: StartHAProxy, server: Server, way: str
) -> None:
    proxy = haproxy(server, (SEND, way))
    with Connection(proxy.address) as client:
        for _ in range(3):
            seen = client.get("/who").json()
            assert [seen["client"], seen["port"]] == [str(x) for x in client.sock.getsockname()]
            assert seen["server"] == ["127.0.0.1", str(proxy.ports[0])]
            assert seen["scheme"] == "http"


@pytest.mark.parametrize("way", WAYS)
def test_tls_that_haproxy_ends_is_the_scheme_if_it_tells(
    haproxy: StartHAProxy, server: Server, way: str
) -> None:
    proxy = haproxy(server, (SEND, way))
    assert over_tls(proxy, "/who")["scheme"] == ("https" if "ssl" in way else "http")


def test_its_health_checks_are_its_own(haproxy: StartHAProxy, server: Server) -> None:
    haproxy(server, ("inter 2s", "inter 100ms"), ("GET /", "GET /health"))

    def checks() -> int:
        lines = server.output_path.read_text().splitlines()
        return lines.count("127.0.0.1 GET /health HTTP/1.0")

    server.wait_until(lambda: checks() >= 3)


def test_a_large_body_arrives_whole(haproxy: StartHAProxy, server: Server) -> None:
    proxy, body = haproxy(server), os.urandom(1 << 20) * 4
    with Connection(proxy.address) as client:
        assert client.post("/digest", body).json()["size"] == len(body)


def test_a_server_that_does_not_believe_it_is_down_for_it(
    haproxy: StartHAProxy, serve: Serve, behind: str
) -> None:
    server = serve(behind, proxy_protocol="v2", proxy_allow_ips="192.0.2.1")
    proxy = haproxy(server, (" check inter 2s", ""))
    with Connection(proxy.address) as client:
        assert client.get("/who").status == 403
