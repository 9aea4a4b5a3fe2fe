"""The HTTP tests ask the same of both worker classes."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import Serve
from support.server import Server


@pytest.fixture
def server(shared: Serve, plain: str, quiet: dict[str, Any]) -> Server:
    """A server for tests that only ask."""
    return shared(plain, **quiet)
