"""ASGI: a websocket upgrade is refused in order."""

from __future__ import annotations

import pytest
from conftest import Serve

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.mark.only("rgunicorn")
def test_an_upgrade_to_websocket_is_refused_and_the_application_not_called(shared: Serve) -> None:
    server = shared("apps.asgi_response:app", asgi_lifespan="off")
    with server.connect() as client:
        response = client.get("/single", headers=UPGRADE)
    assert 400 <= response.status < 600
    assert response.status != 500
    assert b"one part" not in response.body
    assert b"websocket" in response.body.lower()
    assert server.get("/single").status == 200
