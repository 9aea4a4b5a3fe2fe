"""Pid files, and `--daemon`: the shell waits for the outcome and is told it."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import Serve
from support.address import Address
from support.commandline import Daemon, Outcome, patience, run
from support.commands import script
from support.processes import all_processes, read_process
from support.raw import Connection
from support.waiting import wait_until

pytestmark = pytest.mark.only("rgunicorn")

Daemonise = Callable[..., Daemon]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Where the daemon runs."""
    path = tmp_path / "run"
    path.mkdir()
    return path


@pytest.fixture
def daemonise(directory: Path, short_directory: str) -> Iterator[Daemonise]:
    """Start daemons, and end them."""

    def start(app: str, *options: str) -> Daemon:
        command = ["rgunicorn", app, "--daemon", "--pid", "x.pid", *options]
        outcome = run(command, directory)
        assert outcome.status == 0, outcome.text
        return Daemon(directory / "x.pid")

    yield start
    if (directory / "x.pid").exists():
        Daemon(directory / "x.pid").kill()


# Pid files.


def test_the_pid_file_holds_the_master_and_goes_with_it(serve: Serve, plain: str) -> None:
    server = serve(plain, pidfile="x.pid")
    path = server.directory / "x.pid"
    assert path.read_text() == f"{server.pid}\n"
    assert path.stat().st_mode & 0o777 == 0o644
    server.stop()
    assert not path.exists()


@pytest.mark.parametrize("content", ["999999999\n", ""])
def test_a_stale_pid_file_is_taken_over(serve: Serve, content: str, tmp_path: Path) -> None:
    path = tmp_path / "stale.pid"
    path.write_text(content)
    server = serve("apps.wsgi_plain:app", pidfile=path)
    assert path.read_text() == f"{server.pid}\n"


def test_a_worker_that_ends_leaves_the_pid_file(serve: Serve, plain: str) -> None:
    server = serve(plain, pidfile="x.pid")
    server.expect("SIGKILL|signal|died after")
    old = int(server.get("/pid").text)
    server.signal("KILL", old)
    server.wait_until(lambda: server.worker_pids() - {old})
    server.signal("TERM", int(server.get("/pid").text))
    server.wait_log("Booting worker", times=3)
    assert (server.directory / "x.pid").read_text() == f"{server.pid}\n"


# A daemon that starts.


def ask(address: Address, target: str = "/") -> str:
    """One answer of the daemon."""
    with Connection(address) as client:
        return client.get(target).text


def test_the_shell_returns_when_the_workers_are_ready(
    daemonise: Daemonise, plain: str, short_directory: str
) -> None:
    path = f"{short_directory}/site.sock"
    daemon = daemonise(plain, "--bind", f"unix:{path}", "--workers", "2")
    assert ask(Address(path=path)) == "hello"
    assert len(daemon.members()) == 3
    daemon.stop()
    assert not daemon.pidfile.exists()
    assert not Path(path).exists()


def test_a_daemon_leaves_its_session_and_its_terminal(
    daemonise: Daemonise, plain: str, short_directory: str
) -> None:
    daemon = daemonise(plain, "--bind", f"unix:{short_directory}/site.sock")
    row = read_process(daemon.pid)
    assert row is not None
    assert row.session != os.getsid(0)
    assert row.session != row.pid, "a session leader could take a terminal again"
    links = {os.readlink(f"/proc/{daemon.pid}/fd/{number}") for number in (0, 1, 2)}
    assert links == {"/dev/null"}
    daemon.stop()


@pytest.mark.parametrize("closed", ["<&-", "<&- >&-", "<&- >&- 2>&-"])
def test_a_daemon_started_with_closed_descriptors_hears_its_signals(
    directory: Path, short_directory: str, closed: str
) -> None:
    path = f"{short_directory}/site.sock"
    command = f"{script('rgunicorn')} apps.wsgi_plain:app --daemon --pid x.pid --bind unix:{path}"
    outcome = run(["/bin/sh", "-c", f"{command} {closed}"], directory)
    assert outcome.status == 0, outcome.text
    daemon = Daemon(directory / "x.pid")
    try:
        assert ask(Address(path=path)) == "hello"
        daemon.stop()
    finally:
        daemon.kill()


def test_a_daemon_writes_its_logs_where_it_was_told(
    daemonise: Daemonise, directory: Path, plain: str
) -> None:
    options = ["--bind", "127.0.0.1:0", "--error-logfile", "e.log", "--access-logfile", "a.log"]
    daemon = daemonise(plain, *options)
    match = re.search(r"Listening at: (\S+)", (directory / "e.log").read_text())
    assert match is not None
    assert ask(Address.parse(match[1])) == "hello"
    wait_until(lambda: "GET / HTTP/1.1" in (directory / "a.log").read_text())
    daemon.stop()
    assert "Shutting down" in (directory / "e.log").read_text()


def test_a_second_daemon_is_refused(
    daemonise: Daemonise, directory: Path, short_directory: str
) -> None:
    daemon = daemonise("apps.wsgi_plain:app", "--bind", f"unix:{short_directory}/1.sock")
    command = ["rgunicorn", "apps.wsgi_plain:app", "--daemon", "--pid", "x.pid"]
    outcome = run([*command, "--bind", f"unix:{short_directory}/2.sock"], directory)
    assert outcome.status == 1
    assert str(daemon.pid) in outcome.text
    assert daemon.alive
    daemon.stop()


# A daemon that cannot start.


def failed(outcome: Outcome, directory: Path, status: int, *says: str) -> None:
    """Check that the shell was told, and nothing runs."""
    assert outcome.status == status, outcome.text
    for word in says:
        assert word in outcome.errors
    assert outcome.seconds < patience(2)
    names = {path.name for path in directory.iterdir()}
    assert names <= {"e.log"}
    wait_until(lambda: not _running_in(directory), what="the end of every process")


def _running_in(directory: Path) -> list[int]:
    """Processes that have the directory as their own."""
    found = []
    for row in all_processes():
        try:
            if row.alive and os.readlink(f"/proc/{row.pid}/cwd") == str(directory):
                found.append(row.pid)
        except OSError:
            continue
    return found


@pytest.mark.parametrize("log", [[], ["--error-logfile", "e.log"]], ids=["no log", "log file"])
def test_the_shell_is_told_of_an_application_that_cannot_be_imported(
    directory: Path, log: list[str]
) -> None:
    command = ["rgunicorn", "apps.broken_import:app", "--bind", "127.0.0.1:0", "--daemon"]
    outcome = run([*command, "--pid", "x.pid", *log], directory)
    failed(outcome, directory, 3, "broken while importing")


@pytest.mark.parametrize("log", [[], ["--error-logfile", "e.log"]], ids=["no log", "log file"])
def test_the_shell_is_told_of_a_port_in_use(directory: Path, log: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        command = ["rgunicorn", "apps.wsgi_plain:app", "--bind", address, "--daemon"]
        outcome = run([*command, "--pid", "x.pid", *log], directory)
    failed(outcome, directory, 1, address)


def test_the_shell_is_told_of_a_lifespan_that_failed(directory: Path) -> None:
    command = ["rgunicorn", "apps.asgi_lifespan:refuses", "--bind", "127.0.0.1:0", "--daemon"]
    failed(run(command, directory), directory, 3, "the database is not there")


def test_the_shell_is_told_of_a_missing_attribute(directory: Path) -> None:
    command = ["rgunicorn", "apps.broken:missing", "--bind", "127.0.0.1:0", "--daemon"]
    failed(run(command, directory), directory, 4, "missing")
