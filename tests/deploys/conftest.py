"""What these tests deploy."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.project import Project


@pytest.fixture(params=["wsgi", "asgi"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Project:
    """A project of one of the interfaces, in the directory of the test's first server."""
    return Project(tmp_path / "server-0", request.param)
