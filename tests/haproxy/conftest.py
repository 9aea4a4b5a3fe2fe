"""The fixture of the tests behind HAProxy: HAProxy itself, in front of a server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.haproxy import HAProxy, MissingError, StartHAProxy
from support.server import Server


@pytest.fixture
def haproxy(tmp_path: Path) -> Iterator[StartHAProxy]:
    """Start an HAProxy in front of a server; without one, CI fails and others skip."""
    started: list[HAProxy] = []

    def start(server: Server, *changes: tuple[str, str]) -> HAProxy:
        directory = tmp_path / f"haproxy-{len(started)}"
        directory.mkdir()
        try:
            started.append(HAProxy(directory))
        except MissingError as reason:
            if os.environ.get("CI"):
                pytest.fail(f"{reason} (CI does not skip)", pytrace=False)
            pytest.skip(str(reason))
        return started[-1].start(server, *changes)

    yield start
    for each in started:
        each.finish()
