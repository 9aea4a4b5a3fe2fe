"""Fixtures: `serve` starts a server for one test, `shared` one for many tests that only ask."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from support.commands import KINDS, Kind, UnsupportedError
from support.django import prepare_site
from support.server import Server

SERVERS = pytest.StashKey[list[Server]]()

Serve = Callable[..., Server]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which server the suite runs against."""
    parser.addoption("--server", choices=sorted(KINDS), default="rgunicorn")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what a peer does not promise, and what is a known difference of it."""
    server = config.getoption("--server")
    for item in items:
        for mark in item.iter_markers("only"):
            if server not in mark.args:
                item.add_marker(pytest.mark.skip(reason=f"not promised by {server}"))
        for mark in item.iter_markers("differs"):
            if mark.args[0] == server:
                item.add_marker(pytest.mark.skip(reason=f"{server}: {mark.args[1]}"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the logs of the servers of a test that failed."""
    report = yield
    if report.failed:
        for server in item.stash.get(SERVERS, []):
            report.sections.append((f"server {server.pid}", server.report()))
    return report


@pytest.fixture(scope="session")
def kind(pytestconfig: pytest.Config) -> Kind:
    """The server under test."""
    return KINDS[pytestconfig.getoption("--server")]


def finish_all(servers: list[Server]) -> None:
    """Stop every one of them, the latest first, and fail if any left something behind."""
    problems = []
    for server in reversed(servers):
        try:
            server.finish()
        except AssertionError as problem:
            problems.append(str(problem))
    if problems:
        pytest.fail("\n\n".join(problems), pytrace=False)


@pytest.fixture
def serve(
    kind: Kind, tmp_path: Path, short_directory: str, request: pytest.FixtureRequest
) -> Iterator[Serve]:
    """Start servers for this test; each is stopped and inspected at its end."""
    servers: list[Server] = []
    request.node.stash[SERVERS] = servers

    def start(
        app: str,
        *,
        ready: bool = True,
        env: dict[str, str] | None = None,
        prefix: Sequence[str] = (),
        by: Kind | None = None,
        **settings: Any,
    ) -> Server:
        directory = tmp_path / f"server-{len(servers)}"
        directory.mkdir(exist_ok=True)
        try:
            server = Server(by or kind, app, directory, settings, env, prefix)
        except UnsupportedError as reason:
            pytest.skip(str(reason))
        servers.append(server)
        return server.wait_ready() if ready else server

    yield start
    finish_all(servers)


@pytest.fixture
def short_directory() -> Iterator[str]:
    """A directory whose path is short enough for a unix socket."""
    with tempfile.TemporaryDirectory(prefix="rg-") as directory:
        yield directory


@pytest.fixture(params=["wsgi", "asgi"])
def plain(request: pytest.FixtureRequest) -> str:
    """The application of one of the interfaces."""
    return f"apps.{request.param}_plain:app"


@pytest.fixture(params=["wsgi", "asgi"])
def behind(request: pytest.FixtureRequest) -> str:
    """The application that shows its client, under one of the interfaces."""
    return f"apps.{request.param}_behind:app"


@pytest.fixture
def quiet(kind: Kind, plain: str) -> dict[str, Any]:
    """The settings every server of these tests has; gunicorn's sync has no keep-alive."""
    settings: dict[str, Any] = {"keepalive": 30}
    if kind.name == "gunicorn" and "wsgi" in plain:
        settings["worker_class"] = "gthread"
    return settings


@pytest.fixture(scope="session")
def variables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of the Django example, with a database for this session."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    return prepare_site(tmp_path_factory.mktemp("mysite"), shared)


@pytest.fixture(scope="session")
def pool(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Server]]:
    """The servers of this session, by what they serve."""
    servers: dict[str, Server] = {}
    yield servers
    for server in servers.values():
        server.begin_stop()
    finish_all(list(servers.values()))


@pytest.fixture
def shared(
    kind: Kind,
    pool: dict[str, Server],
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Serve]:
    """A server that lives on for the tests that ask for the same one."""
    used: list[Server] = []
    request.node.stash[SERVERS] = used
    counter = itertools.count()

    def start(app: str, *, env: dict[str, str] | None = None, **settings: Any) -> Server:
        key = f"{app} {sorted(settings.items())} {env}"
        if key not in pool or not pool[key].alive:
            directory = tmp_path_factory.mktemp(f"shared-{next(counter)}")
            try:
                pool[key] = Server(kind, app, directory, settings, env).wait_ready()
            except UnsupportedError as reason:
                pytest.skip(str(reason))
        server = pool[key]
        used.append(server)
        return server

    yield start
    for server in dict.fromkeys(used):
        server.hang_up()
        assert server.alive, "the server ended"
        errors = server.judge()
        assert not errors, f"unexpected in the log: {errors}"
