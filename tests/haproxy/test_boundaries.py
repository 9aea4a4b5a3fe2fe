"""The conformance table through an HAProxy that speaks HTTP: no request hides in another."""

from __future__ import annotations

import pytest
from conftest import Serve
from support.boundaries import disagreements
from support.haproxy import StartHAProxy

pytestmark = [pytest.mark.only("rgunicorn"), pytest.mark.timeout(120)]

#: From the example, which does not look into what it passes on; it lets as much pass as it can.
CHANGES = (
    ("mode tcp", "mode http"),
    ("timeout client 60s", "timeout client 2s\n    timeout http-request 1s"),
    ("default_backend", "option accept-invalid-http-request\n    default_backend"),
    ("option httpchk GET /", "http-reuse always"),
    ("send-proxy-v2-ssl check inter 2s", "maxconn 1 pool-max-conn 1"),
)


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
def test_no_request_hides_in_another(haproxy: StartHAProxy, serve: Serve, interface: str) -> None:
    server = serve(f"apps.{interface}_conformance:app", keepalive=75)
    found = disagreements(haproxy(server, *CHANGES).address, server)
    assert not found, "\n".join(found)
