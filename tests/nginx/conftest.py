"""The fixtures of the tests behind nginx: the proxy itself, and where the server listens."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from support.nginx import MissingError, Nginx, StartNginx

PROXIES = pytest.StashKey[list[Nginx]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the configuration and the log of nginx when a test failed."""
    report = yield
    if report.failed:
        for proxy in item.stash.get(PROXIES, []):
            report.sections.append(("nginx", proxy.report()))
    return report


@pytest.fixture
def nginx(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[StartNginx]:
    """An nginx that the test configures and starts; without one, CI fails and others skip."""
    proxies: list[Nginx] = []
    request.node.stash[PROXIES] = proxies

    def make(listeners: int = 1) -> Nginx:
        directory = tmp_path / f"nginx-{len(proxies)}"
        directory.mkdir()
        try:
            proxies.append(Nginx(directory, listeners))
        except MissingError as reason:
            if os.environ.get("CI"):
                pytest.fail(f"{reason} (CI does not skip)", pytrace=False)
            pytest.skip(str(reason))
        return proxies[-1]

    yield make
    problems = []
    for proxy in proxies:
        try:
            proxy.finish()
        except AssertionError as problem:
            problems.append(str(problem))
    if problems:
        pytest.fail("\n\n".join(problems), pytrace=False)


@pytest.fixture(params=["tcp", "unix"])
def bind(request: pytest.FixtureRequest, short_directory: str) -> str:
    """Where the server listens for nginx."""
    return "127.0.0.1:0" if request.param == "tcp" else f"unix:{short_directory}/site.sock"
