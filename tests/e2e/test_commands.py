"""The command lines people type, as they are written."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.address import Address
from support.commandline import Daemon, free_port, run, words_of
from support.commands import environment
from support.django import MYSITE
from support.processes import children, kill_session
from support.raw import Connection
from support.waiting import wait_until

pytestmark = pytest.mark.only("rgunicorn")

ASGI = "rgunicorn mysite.asgi:application"
COMMANDS = {
    f"{ASGI} -k asgi --workers 3": ("asgi", 3),
    f"{ASGI} -k uvicorn.workers.UvicornWorker --timeout=120 --workers 3": ("asgi", 3),
    "rgunicorn rgunicorn.demo": ("asgi", 1),
    "rgunicorn mysite.wsgi": ("sync", 1),
    "python -m rgunicorn mysite.wsgi:application -w 2 -t 60 --log-level debug": ("sync", 2),
}


@pytest.fixture
def site(variables: dict[str, str]) -> dict[str, str]:
    """The Django example, and a port that is free."""
    return {**variables, "RGUNICORN_BIND": f"127.0.0.1:{free_port()}"}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where the standard error of a command goes."""
    return tmp_path / "stderr.log"


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[bytes]]]:
    """The commands a test started, to be ended."""
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        kill_session(process.pid)
        process.wait(10)


def start(command: str, directory: Path, log: Path, env: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a command as a shell would."""
    with log.open("wb") as errors:
        return subprocess.Popen(
            words_of(command),
            cwd=directory,
            env=environment(env),
            stdin=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_serves_and_stops(
    command: str,
    log: Path,
    site: dict[str, str],
    started: list[subprocess.Popen[bytes]],
) -> None:
    name, workers = COMMANDS[command]
    process = start(command, MYSITE, log, site)
    started.append(process)
    wait_until(lambda: "Booting worker" in log.read_text(), what="the first worker", within=20)
    answer = httpx.get(f"http://{site['RGUNICORN_BIND']}/", timeout=20)
    assert answer.status_code == 200
    said = rf"(Using worker|Worker class of .*): {name}"
    wait_until(lambda: re.search(said, log.read_text()), what="the worker class")
    wait_until(lambda: len(children(process.pid)) == workers, what="every worker")
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0, log.read_text()
    assert "[ERROR]" not in log.read_text()


def test_the_daemon_command(site: dict[str, str], tmp_path: Path) -> None:
    command = (
        "python -m rgunicorn mysite.asgi:application --daemon --pid x.pid "
        "--access-logfile ./access_log.log"
    )
    env = {**site, "PYTHONPATH": f"{MYSITE}"}
    outcome = run(command, tmp_path, env=env)
    assert outcome.status == 0, outcome.text
    daemon = Daemon(tmp_path / "x.pid")
    try:
        answer = httpx.get(f"http://{site['RGUNICORN_BIND']}/", timeout=20)
        assert "Guest book" in answer.text
        access = tmp_path / "access_log.log"
        wait_until(lambda: '"GET / HTTP/1.1" 200' in access.read_text())
        daemon.stop()
    finally:
        daemon.kill()
    assert {path.name for path in tmp_path.iterdir()} == {"access_log.log"}


def test_the_command_with_a_unix_socket(
    site: dict[str, str],
    short_directory: str,
    log: Path,
    started: list[subprocess.Popen[bytes]],
) -> None:
    path = f"{short_directory}/site.sock"
    command = f"rgunicorn mysite.wsgi --chdir {shlex.quote(str(MYSITE))} --bind unix:{path}"
    process = start(command, Path("/"), log, {**site, "RGUNICORN_BIND": ""})
    started.append(process)
    wait_until(lambda: f"Listening at: unix:{path}" in log.read_text(), within=20)
    with Connection(Address(path=path), timeout=20) as client:
        assert client.get("/", headers={"Host": "localhost"}).status == 200
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert not Path(path).exists()


EMBEDDED = """
import sys
import rgunicorn

if __name__ == "__main__":
    sys.exit(rgunicorn.run("apps.asgi_plain:app", workers=2, bind="127.0.0.1:0"))
"""


def test_embedding_in_a_program(
    tmp_path: Path, log: Path, started: list[subprocess.Popen[bytes]]
) -> None:
    (tmp_path / "program.py").write_text(EMBEDDED)
    process = start(f"{sys.executable} program.py", tmp_path, log, {})
    started.append(process)
    wait_until(lambda: log.read_text().count("Booting worker") == 2, within=20)
    text = log.read_text().split("Listening at: ")[1].split()[0]
    with Connection(Address.parse(text)) as client:
        assert client.get("/").text == "hello"
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
