"""A server whose application must not be asked for files."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Serve
from support.server import Server
from support.site import fill


@pytest.fixture(scope="session")
def site() -> Iterator[Path]:
    """The directory of the site; its path is short enough for a socket."""
    directory = Path(tempfile.mkdtemp(prefix="rg-site-"))
    fill(directory)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(params=["wsgi", "asgi"])
def static(request: pytest.FixtureRequest, shared: Serve, site: Path) -> Server:
    """A server of each worker class with a few mounts."""
    mounts = [
        f"/static={site}/public",
        f"/static/old={site}/deeper",
        f"/linked/={site}/linked",
    ]
    return shared(f"apps.touched_{request.param}:app", static_path=mounts)
