"""Fixtures of the tests of hooks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.hooks import Record, Recorded, write_config


@pytest.fixture(params=["wsgi", "asgi"])
def app(request: pytest.FixtureRequest) -> str:
    """The application of one of the interfaces."""
    return f"apps.{request.param}_recorded:app"


@pytest.fixture
def recorded(serve: Any, app: str, tmp_path: Path) -> Recorded:
    """Start a server with recording hooks: those that are named, or all."""

    def start(
        *hooks: str, env: dict[str, str] | None = None, more: str = "", **settings: Any
    ) -> Record:
        config = write_config(tmp_path, *hooks, more=more)
        return Record(serve(app, config=config, env=env, **settings))

    return start
