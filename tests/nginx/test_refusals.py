"""Requests that the server refuses, as clients of nginx see them."""

from __future__ import annotations

import pytest
from conftest import Serve
from support.examples import example
from support.nginx import Nginx, StartNginx, upstream
from support.raw import build_request, chunked
from support.server import Server

pytestmark = pytest.mark.only("rgunicorn")

LIMITS = {
    "keepalive": 75,
    "limit_request_line": 200,
    "limit_request_fields": 20,
    "limit_request_field_size": 500,
    "limit_request_body": 100_000,
}


@pytest.fixture
def server(serve: Serve, behind: str, bind: str) -> Server:
    """A server with narrow limits."""
    return serve(behind, bind=bind, **LIMITS)


@pytest.fixture
def proxy(nginx: StartNginx, server: Server) -> Nginx:
    """nginx in front of it, as the example configures it."""
    started = nginx()
    return started.start(example("http.conf", started, server))


def test_a_long_request_line_is_414(proxy: Nginx) -> None:
    client = proxy.connect()
    assert client.get("/" + "x" * 300).status == 414
    assert client.get("/who").status == 200


def test_a_long_or_a_further_field_is_431(proxy: Nginx) -> None:
    client = proxy.connect()
    assert client.get("/who", headers={"X-Long": "x" * 600}).status == 431
    assert client.get("/who", headers={f"X-{n}": "x" for n in range(21)}).status == 431
    assert client.get("/who").status == 200


@pytest.mark.parametrize("path", ["/digest", "/uploads/digest"], ids=["buffered", "streamed"])
def test_a_long_body_is_413_and_no_bad_gateway(proxy: Nginx, path: str) -> None:
    assert proxy.post(path, b"x" * 5_000_000).status == 413
    headers = {"Transfer-Encoding": "chunked"}
    parts = [b"x" * 50_000] * 100
    assert proxy.request("POST", path, headers=headers, body=chunked(*parts)).status == 413
    assert proxy.post(path, b"x" * 100_000).status == 200


def test_a_body_that_comes_too_slowly_is_408(
    nginx: StartNginx, serve: Serve, behind: str, bind: str
) -> None:
    server, proxy = serve(behind, bind=bind, body_timeout=1), nginx()
    proxy.start(example("http.conf", proxy, server))
    client = proxy.connect()
    client.send(build_request("POST", "/uploads/digest", {"Content-Length": "1000"}) + b"x")
    assert client.read_head().status == 408


def test_the_proxy_may_show_its_own_page_for_an_error(nginx: StartNginx, server: Server) -> None:
    proxy = nginx()
    proxy.start(
        f"server {{ listen 127.0.0.1:{proxy.ports[0]};"
        f" location / {{ proxy_pass http://{upstream(server)}; proxy_intercept_errors on;"
        " error_page 404 414 /ours.html; }"
        ' location = /ours.html { internal; return 200 "a page of nginx"; } }'
    )
    for target, status in (("/status?404", 404), ("/" + "x" * 300, 414)):
        answer = proxy.get(target)
        assert (answer.status, answer.text) == (status, "a page of nginx")
    assert proxy.get("/status?403").text == "asked for 403"


def test_the_last_request_of_a_connection_costs_the_proxy_nothing(
    nginx: StartNginx, serve: Serve, behind: str
) -> None:
    server, proxy = serve(behind, keepalive=75, keepalive_requests=5, proxy_headers="off"), nginx()
    proxy.start(example("http.conf", proxy, server))
    client = proxy.connect()
    ports = [client.post("/who", b"x").json()["port"] for _ in range(20)]
    assert len(set(ports)) == 4
