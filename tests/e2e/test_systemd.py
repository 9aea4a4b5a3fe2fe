"""Under systemd: what the server tells it, and the sockets that it gives the server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Serve
from support.activation import ServiceManager, activated
from support.address import Address
from support.commandline import run
from support.commands import EXAMPLES, script
from support.raw import Connection

pytestmark = pytest.mark.only("rgunicorn")


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, short_directory: str) -> Iterator[ServiceManager]:
    """Whoever listens, by either kind of address."""
    path = f"{short_directory}/notify"
    listening = ServiceManager("@" + path if request.param == "abstract" else path)
    yield listening
    listening.close()


# What it is told.


def test_ready_is_said_when_the_workers_are(serve: Serve, manager: ServiceManager) -> None:
    env = {"NOTIFY_SOCKET": manager.address}
    server = serve("apps.wsgi_plain:app", workers=2, env=env)
    manager.wait("^READY=1$")
    manager.wait(r"^STATUS=.*\b2 workers")
    assert server.get("/").status == 200
    server.stop()
    assert [text for text in manager.messages() if not text.startswith("STATUS=")] == [
        "READY=1",
        "STOPPING=1",
    ]


def test_a_server_that_cannot_boot_is_never_ready(serve: Serve, manager: ServiceManager) -> None:
    server = serve("apps.broken_import:app", ready=False, env={"NOTIFY_SOCKET": manager.address})
    server.expect(".*")
    server.expected_status = server.wait_exit()
    assert server.expected_status == 3
    assert "READY=1" not in manager.messages()


def test_the_watchdog_is_fed_twice_in_its_time(serve: Serve, manager: ServiceManager) -> None:
    env = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "400000"}
    began = time.monotonic()
    serve("apps.wsgi_plain:app", env=env)
    manager.wait("^WATCHDOG=1$", times=6)
    assert time.monotonic() - began > 0.9


def test_a_reload_is_told_from_its_begin_to_its_end(serve: Serve, manager: ServiceManager) -> None:
    server = serve("apps.wsgi_plain:app", env={"NOTIFY_SOCKET": manager.address})
    manager.wait("^READY=1$")
    server.signal("HUP")
    said = manager.wait("^RELOADING=1\n")
    micros = int(re.search(r"MONOTONIC_USEC=(\d+)", said)[1])  # type: ignore[index]
    assert abs(time.monotonic() - micros / 1e6) < 60
    manager.wait("^READY=1$", times=2)


def test_the_application_does_not_see_what_was_meant_for_the_master(
    serve: Serve, manager: ServiceManager
) -> None:
    env = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "60000000"}
    server = serve("apps.processes_wsgi:app", env=env, prefix=activated("127.0.0.1:0", names="web"))
    seen = server.get("/environment").text.split()
    for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"):
        assert name not in seen


# Its sockets.


def test_sockets_of_every_kind_are_taken_and_named(serve: Serve, short_directory: str) -> None:
    path, name = f"{short_directory}/web.sock", f"unix:@rgunicorn-{os.getpid()}-web"
    prefix = activated("127.0.0.1:0", "[::1]:0", f"unix:{path}", name, names="tcp::file:hidden")
    server = serve("apps.wsgi_plain:app", bind="127.0.0.1:1", prefix=prefix)
    assert [server.kind.name, len(server.addresses)] == ["rgunicorn", 4]
    line = server.wait_log("Sockets of the service manager: .*")
    assert f"http://127.0.0.1:{server.addresses[0].port} (tcp), http://[::1]:" in line
    assert f"unix:{path} (file), {name} (hidden)" in line
    for address in server.addresses:
        with Connection(address) as client:
            client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.read_response("GET").status == 200
    server.stop()
    assert Path(path).exists(), "the file is systemd's"


def test_a_reload_keeps_the_sockets_of_systemd_and_binds_nothing(serve: Serve) -> None:
    prefix = activated("127.0.0.1:0", names="web")
    server = serve("apps.wsgi_plain:app", bind="127.0.0.1:1", prefix=prefix)
    server.signal("HUP")
    server.wait_log("Reloaded: ")
    assert server.get("/").status == 200
    assert server.log_lines("Listening at") == 1


def test_a_socket_speaks_what_the_bind_of_its_address_says(
    serve: Serve, short_directory: str
) -> None:
    path = f"{short_directory}/web.sock"
    server = serve(
        "apps.wsgi_plain:app",
        bind=f"uwsgi://unix:{path}",
        prefix=activated(f"unix:{path}", names=""),
    )
    assert server.addresses == [Address(path=path)]
    server.wait_log(f"Listening at: uwsgi://unix:{path} ")


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("file:/dev/null", "it is not a socket"),
        ("udp:127.0.0.1:0", "it is not a stream socket"),
        ("idle:127.0.0.1:0", "the socket does not listen"),
    ],
)
def test_what_is_no_listening_socket_is_refused(tmp_path: Path, address: str, reason: str) -> None:
    server = [script("rgunicorn"), "apps.wsgi_plain:app"]
    for command, where in [
        ([*activated(address, names=""), *server], "LISTEN_FDS"),
        ([*activated(address), *server, "--bind", "fd://3"], "fd://3"),
    ]:
        outcome = run(command, tmp_path)
        assert (outcome.status, reason in outcome.text, where in outcome.text) == (1, True, True), (
            outcome.text
        )


def test_sockets_for_another_process_are_left_alone(serve: Serve) -> None:
    env = {"LISTEN_PID": "1", "LISTEN_FDS": "1"}
    server = serve("apps.wsgi_plain:app", env=env)
    assert server.get("/").status == 200
    assert server.log_lines("service manager") == 0


def test_an_address_may_be_a_descriptor(serve: Serve) -> None:
    prefix = activated("127.0.0.1:0")
    server = serve("apps.wsgi_plain:app", bind=["fd://3", "127.0.0.1:0"], prefix=prefix)
    assert len(server.addresses) == 2
    assert server.get("/").status == 200


# The examples.


def test_the_units_of_the_examples_are_valid(tmp_path: Path) -> None:
    checker = shutil.which("systemd-analyze")
    if checker is None:
        pytest.skip("needs systemd-analyze (package systemd)")
    units = []
    for example in sorted((EXAMPLES / "systemd").iterdir()):
        unit = tmp_path / example.name
        text = example.read_text().replace("/srv/site/.venv/bin/rgunicorn", sys.executable)
        unit.write_text(text)
        units.append(str(unit))
    assert len(units) == 3
    done = subprocess.run(
        [checker, "verify", "--man=no", *units],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    said = [line for line in done.stderr.splitlines() if "site" in line]
    assert (done.returncode, said) == (0, [])


def test_the_command_lines_of_the_examples_are_understood(tmp_path: Path) -> None:
    commands = [
        line.partition("=")[2].split()
        for example in sorted((EXAMPLES / "systemd").glob("*.service"))
        for line in example.read_text().replace("\\\n", " ").splitlines()
        if line.startswith("ExecStart=")
    ]
    assert len(commands) == 2
    for command in commands:
        outcome = run(["rgunicorn", *command[1:], "--print-config"], tmp_path)
        assert outcome.status == 0, outcome.text
