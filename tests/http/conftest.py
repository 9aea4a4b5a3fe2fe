"""The HTTP tests ask the same of both worker classes."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import Serve
from support.commands import Kind
from support.server import Server


@pytest.fixture(params=["wsgi", "asgi"])
def plain(request: pytest.FixtureRequest) -> str:
    """The application of one of the interfaces."""
    return f"apps.{request.param}_plain:app"


@pytest.fixture
def quiet(kind: Kind, plain: str) -> dict[str, Any]:
    """The settings every server of these tests has; gunicorn's sync has no keep-alive."""
    settings: dict[str, Any] = {"keepalive": 30}
    if kind.name == "gunicorn" and "wsgi" in plain:
        settings["worker_class"] = "gthread"
    return settings


@pytest.fixture
def server(shared: Serve, plain: str, quiet: dict[str, Any]) -> Server:
    """A server for tests that only ask."""
    return shared(plain, **quiet)
