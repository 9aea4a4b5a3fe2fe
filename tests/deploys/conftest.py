"""What these tests deploy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import Serve
from support.project import Project
from support.server import Server

#: The ways to reload, and their settings.
STRATEGIES: dict[str, dict[str, Any]] = {
    "all": {},
    "rolling": {"reload_strategy": "rolling"},
    "preload": {"preload_app": True},
}


@pytest.fixture(params=["wsgi", "asgi"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Project:
    """A project of one of the interfaces, in the directory of the test's first server."""
    return Project(tmp_path / "server-0", request.param)


@pytest.fixture
def deploy(serve: Serve, project: Project) -> Serve:
    """Start the project, and wait until every worker has loaded it."""

    def start(**settings: Any) -> Server:
        server = serve(project.app, **settings)
        server.wait_log("note: loaded 1 in", times=settings.get("workers", 1), within=20)
        return server

    return start


@pytest.fixture(params=list(STRATEGIES))
def strategy(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The settings of one way to reload."""
    return STRATEGIES[request.param]
