"""The conformance table through nginx: no request hides in another."""

from __future__ import annotations

import pytest
from conftest import Serve
from support.boundaries import disagreements
from support.nginx import StartNginx, upstream

pytestmark = [pytest.mark.only("rgunicorn"), pytest.mark.timeout(120)]

#: It lets as much pass as it can.
CONFIGURATION = """
    upstream site {{ server {site}; keepalive 1; }}
    server {{
        listen 127.0.0.1:{port};
        ignore_invalid_headers off;
        underscores_in_headers on;
        client_header_timeout 1s;
        client_body_timeout 1s;
        location / {{
            proxy_pass http://site;
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Connection "";
            proxy_next_upstream off;
            proxy_request_buffering {buffering};
        }}
    }}
"""


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
@pytest.mark.parametrize("buffering", ["on", "off"])
def test_no_request_hides_in_another(
    nginx: StartNginx, serve: Serve, interface: str, buffering: str
) -> None:
    server = serve(f"apps.{interface}_conformance:app", keepalive=75)
    proxy = nginx()
    places = {"site": upstream(server), "port": proxy.ports[0]}
    proxy.start(CONFIGURATION.format(**places, buffering=buffering))
    proxy.expect(r"client sent|upstream")
    found = disagreements(proxy.address(), server)
    assert not found, "\n".join(found)
