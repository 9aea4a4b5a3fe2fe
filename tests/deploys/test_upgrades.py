"""USR2 under load: a new master takes over, or does not, and no client notices either."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Serve
from support.commands import Kind
from support.load import Load
from support.processes import children, is_alive
from support.project import Project
from support.server import Server
from support.waiting import wait_until

pytestmark = pytest.mark.only("rgunicorn")


@pytest.fixture
def kind(request: pytest.FixtureRequest, kind: Kind) -> Kind:
    """The server, started as a test asks for it."""
    if getattr(request, "param", "rgunicorn") == "rgunicorn":
        return kind
    module = [sys.executable, "-m", "rgunicorn"]
    return replace(kind, command=lambda app, settings: [*module, *kind.command(app, settings)[1:]])


class Site:
    """A server with a pid file, and the masters that follow it."""

    def __init__(self, server: Server, pidfile: Path) -> None:
        self.server = server
        self.pidfile = pidfile
        self.second = Path(f"{pidfile}.2")
        self.successors: list[int] = []

    @property
    def pid(self) -> int:
        """What the pid file says."""
        return int(self.pidfile.read_text())

    def upgrade(self) -> int:
        """Start a new master, and wait until it has written its pid."""
        os.kill(self.pid, signal.SIGUSR2)
        wait_until(lambda: self.second.exists() and self.second.read_text().strip() != "")
        pid = int(self.second.read_text())
        self.successors.append(pid)
        return pid

    def retire(self) -> None:
        """Stop the old master, and wait until the new one has its place."""
        old = self.pid
        members = children(old)
        os.kill(old, signal.SIGTERM)
        if old == self.server.pid:
            assert self.server.wait_exit() == 0
        wait_until(lambda: self.pidfile.exists() and self.pid == self.successors[-1])
        wait_until(lambda: not self.second.exists())
        wait_until(lambda: not any(is_alive(pid) for pid in members - {self.pid}))

    def end(self) -> None:
        """Stop the masters that followed."""
        for pid in self.successors:
            if is_alive(pid):
                os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not any(map(is_alive, self.successors)))


@pytest.fixture
def site(deploy: Serve, short_directory: str) -> Iterator[Site]:
    """The first master, with two workers."""
    pidfile = Path(short_directory) / "site.pid"
    server = deploy(workers=2, pidfile=str(pidfile))
    site = Site(server, pidfile)
    yield site
    site.end()
    server.stop()
    assert not pidfile.exists()
    assert not site.second.exists()


@pytest.mark.parametrize("kind", ["rgunicorn", "python -m rgunicorn"], indirect=True)
def test_an_upgrade_loses_no_request(site: Site, project: Project) -> None:
    with Load(site.server.address) as load:
        project.release("2")
        new = site.upgrade()
        wait_until(lambda: load.by_version["2"] > 0)
        wait_until(lambda: len(children(new)) == 2)
        site.retire()
        load.wait_round()
        seen = load.by_version
        load.wait_round()
        assert set(load.by_version - seen) == {"2"}
    load.check()


def test_two_upgrades_in_a_row(site: Site, project: Project) -> None:
    with Load(site.server.address, stay=8, leave=8) as load:
        for version in ("2", "3"):
            project.release(version)
            site.upgrade()
            wait_until(lambda version=version: load.by_version[version] > 0)
            site.retire()
    load.check()
    assert site.pid == site.successors[-1]


def test_an_upgrade_can_be_taken_back(site: Site, project: Project) -> None:
    with Load(site.server.address, stay=8, leave=8) as load:
        project.release("2")
        new = site.upgrade()
        wait_until(lambda: load.by_version["2"] > 0)
        project.release("1")
        os.kill(site.pid, signal.SIGHUP)
        os.kill(new, signal.SIGTERM)
        wait_until(lambda: not is_alive(new))
        wait_until(lambda: not site.second.exists())
        load.wait_round()
        seen = load.by_version
        load.wait_round()
        assert set(load.by_version - seen) == {"1"}
        assert site.pid == site.server.pid
    load.check()


def test_a_new_master_that_cannot_boot_changes_nothing(site: Site, project: Project) -> None:
    site.server.expect(".*")
    old = site.server.worker_pids()
    with Load(site.server.address, stay=8, leave=8) as load:
        pattern = project.break_by("exception")
        os.kill(site.pid, signal.SIGUSR2)
        site.server.wait_log(pattern)
        wait_until(lambda: site.server.worker_pids() == old)
        wait_until(lambda: not site.second.exists())
        load.wait_round()
        project.release("2")
        site.upgrade()
        wait_until(lambda: load.by_version["2"] > 0)
        site.retire()
    load.check()


def test_a_new_master_goes_on_when_the_old_one_is_killed(site: Site, project: Project) -> None:
    site.server.expected_status = -9
    site.server.expect(".*")
    project.release("2")
    site.upgrade()
    server = site.server
    wait_until(lambda: server.get("/").header("X-Version") == "2")
    server.signal("KILL")
    server.wait_exit()
    wait_until(lambda: site.pidfile.exists() and site.pid == site.successors[-1])
    wait_until(lambda: not site.second.exists())
    assert server.get("/").header("X-Version") == "2"
