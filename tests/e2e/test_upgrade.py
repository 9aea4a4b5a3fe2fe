"""USR2: a second master on the same sockets, and what becomes of both."""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Serve
from support.activation import ServiceManager, activated
from support.commands import KINDS, Kind, script
from support.processes import is_alive, read_process, session_members
from support.server import Server
from support.waiting import wait_until

pytestmark = pytest.mark.only("rgunicorn")

APP = "apps.processes_wsgi:app"
OURS = KINDS["rgunicorn"]

PROGRAM = """\
import os, sys
os.environ["STAGE"] = os.environ.get("STAGE", "") + "x"
os.chdir(os.path.dirname(os.path.abspath(__file__)) + "/..")
import rgunicorn
sys.exit(rgunicorn.run({app!r}, **{settings!r}))
"""


def as_module(app: str, settings: dict[str, Any]) -> list[str]:
    """`python -m rgunicorn`."""
    return [sys.executable, "-m", "rgunicorn", *OURS.command(app, settings)[1:]]


@pytest.fixture(params=["command", "module", "program"])
def way(request: pytest.FixtureRequest, tmp_path: Path) -> Kind:
    """How the server is started."""

    def program(app: str, settings: dict[str, Any]) -> list[str]:
        settings.setdefault("bind", "127.0.0.1:0")
        path = tmp_path / "server-0" / "bin" / "serve.py"
        path.parent.mkdir()
        path.write_text(PROGRAM.format(app=app, settings=settings))
        return [sys.executable, "bin/serve.py"]

    ways = {"command": OURS.command, "module": as_module, "program": program}
    return dataclasses.replace(OURS, command=ways[request.param])


def pid_in(path: Path) -> int:
    """The pid of a pid file, once it is there."""
    return wait_until(lambda: path.exists() and int(path.read_text() or 0), what=f"{path}")


def upgraded(server: Server) -> int:
    """Start a second master, wait until its workers serve, and return its pid."""
    server.signal("USR2")
    new = pid_in(server.directory / "x.pid.2")
    server.wait_log(rf"\[{new}\] \[INFO\] Listening at")
    server.wait_until(lambda: int(server.get("/pid").text) in workers(new))
    return new


def workers(master: int) -> set[int]:
    """The workers of a master, of whichever session."""
    return {pid for pid in session_members(os.getsid(master)) if parent(pid) == master}


def parent(pid: int) -> int:
    """The parent of a process that may be gone."""
    row = read_process(pid)
    return row.parent if row else 0


def wait_gone(pid: int) -> None:
    """Wait for the end of a process."""
    wait_until(lambda: not is_alive(pid), what=f"the end of {pid}")


@pytest.fixture
def second(request: pytest.FixtureRequest) -> Iterator[list[int]]:
    """Masters to stop at the end."""
    masters: list[int] = []
    yield masters
    for pid in masters:
        if is_alive(pid):
            os.kill(pid, signal.SIGTERM)
            wait_gone(pid)


def test_the_new_master_takes_over_when_the_old_one_leaves(
    serve: Serve, way: Kind, second: list[int]
) -> None:
    server = serve(APP, by=way, pidfile="x.pid", workers=2)
    pidfile = server.directory / "x.pid"
    old_workers = server.worker_pids()
    second.append(new := upgraded(server))
    assert pid_in(pidfile) == server.pid
    assert parent(new) == server.pid

    server.signal("TERM")
    assert server.wait_exit() == 0
    wait_until(lambda: pid_in(pidfile) == new)
    assert not pidfile.with_suffix(".pid.2").exists()
    assert not any(is_alive(pid) for pid in old_workers)
    assert int(server.get("/pid").text) in workers(new)
    server.wait_until(lambda: server.log_lines("Master has been promoted"))

    os.kill(new, signal.SIGTERM)
    wait_gone(new)
    assert not pidfile.exists()
    assert server.log_lines(r"Shutting down: Master$") == 2


def test_a_program_starts_again_with_the_environment_and_directory_of_its_start(
    serve: Serve, tmp_path: Path, second: list[int]
) -> None:
    def program(app: str, settings: dict[str, Any]) -> list[str]:
        path = tmp_path / "server-0" / "bin" / "serve.py"
        path.parent.mkdir()
        path.write_text(PROGRAM.format(app=app, settings={**settings, "bind": "127.0.0.1:0"}))
        return [sys.executable, "bin/serve.py"]

    server = serve(APP, by=dataclasses.replace(OURS, command=program), pidfile="x.pid")
    second.append(upgraded(server))
    server.signal("TERM")
    server.wait_exit()
    assert server.get("/variable?STAGE").text == "x"
    assert server.get("/cwd").text == str(server.directory)
    for name in ("RGUNICORN_PID", "RGUNICORN_FD"):
        assert server.get(f"/variable?{name}").text == "-"


def test_the_directory_is_found_by_its_name(
    serve: Serve, tmp_path: Path, second: list[int]
) -> None:
    for release in ("one", "two"):
        (tmp_path / release).mkdir()
    current = tmp_path / "current"
    current.symlink_to("one")
    start = ["sh", "-c", f'cd {current} && exec "$@"', "sh"]
    server = serve(APP, prefix=start, pidfile=f"{tmp_path}/server-0/x.pid")
    assert server.get("/cwd").text == str(tmp_path / "one")
    current.unlink()
    current.symlink_to("two")
    second.append(upgraded(server))
    server.signal("TERM")
    server.wait_exit()
    assert server.get("/cwd").text == str(tmp_path / "two")


def test_the_old_master_goes_on_when_the_new_one_leaves(serve: Serve, short_directory: str) -> None:
    path = Path(short_directory) / "x.sock"
    server = serve(APP, pidfile="x.pid", bind=f"unix:{path}")
    for _ in range(2):
        new = upgraded(server)
        os.kill(new, signal.SIGQUIT)
        wait_gone(new)
        assert not (server.directory / "x.pid.2").exists()
        assert server.wait_log(r"Shutting down: Master\.2$")
        assert path.exists()
        server.wait_until(lambda: int(server.get("/pid").text) in server.worker_pids())
    server.stop()
    assert not path.exists()


def test_a_socket_file_stays_with_the_master_that_stays(
    serve: Serve, short_directory: str, second: list[int]
) -> None:
    path = Path(short_directory) / "x.sock"
    server = serve(APP, pidfile="x.pid", bind=f"unix:{path}")
    second.append(new := upgraded(server))
    server.signal("KILL")
    server.expected_status = -signal.SIGKILL
    server.wait_exit()
    server.wait_until(lambda: server.log_lines("Master has been promoted"))
    assert int(server.get("/pid").text) in workers(new)
    os.kill(new, signal.SIGTERM)
    wait_gone(new)
    assert not path.exists()


def test_a_new_master_that_is_killed_takes_no_file_along(
    serve: Serve, short_directory: str
) -> None:
    path = Path(short_directory) / "x.sock"
    server = serve(APP, pidfile="x.pid", bind=f"unix:{path}")
    new = upgraded(server)
    left = workers(new)
    os.kill(new, signal.SIGKILL)
    server.wait_until(lambda: not any(is_alive(pid) for pid in left))
    assert path.exists()
    assert int(server.get("/pid").text) in server.worker_pids()
    server.expect("SIGKILL")


def test_two_masters_are_enough(serve: Serve, second: list[int]) -> None:
    server = serve(APP, pidfile="x.pid")
    second.append(new := upgraded(server))
    server.signal("USR2")
    server.wait_log(rf"\[{server.pid}\] \[WARNING\] USR2 signal ignored")
    os.kill(new, signal.SIGUSR2)
    server.wait_log(rf"\[{new}\] \[WARNING\] USR2 signal ignored")


def test_a_program_that_is_gone_leaves_the_old_master_as_it_was(
    serve: Serve, tmp_path: Path
) -> None:
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    own = Path(sys.executable).parent.parent
    (venv / "lib").symlink_to(own / "lib")
    (venv / "pyvenv.cfg").write_bytes((own / "pyvenv.cfg").read_bytes())
    (venv / "bin" / "python").symlink_to(sys.executable)
    server = serve(APP, prefix=[str(venv / "bin" / "python")], pidfile="x.pid")
    (venv / "bin" / "python").unlink()
    server.expect("cannot execute")
    server.signal("USR2")
    server.wait_log(rf"cannot execute `{venv}/bin/python` .*: No such file")
    assert server.get("/pid").status == 200
    assert not (server.directory / "x.pid.2").exists()
    assert server.log_lines("Starting rgunicorn") == 1


def test_a_new_master_that_cannot_boot_leaves_the_old_one_as_it_was(
    serve: Serve, short_directory: str
) -> None:
    server = serve(
        "site_app:app", ready=False, pidfile="x.pid", bind=f"unix:{short_directory}/x.sock"
    )
    (server.directory / "site_app.py").write_text("from apps.processes_wsgi import app\n")
    server.wait_ready()
    assert server.get("/pid").status == 200
    (server.directory / "site_app.py").write_text("def app(:\n")
    server.expect(".*")
    server.signal("USR2")
    server.wait_log(r"SyntaxError")
    server.wait_log(rf"\[{server.pid}\] \[ERROR\] .*(exited|status|code)\D*3")
    assert server.get("/pid").status == 200
    assert [path.name for path in server.directory.iterdir() if ".pid" in path.name] == ["x.pid"]
    server.judge()


def test_sockets_of_systemd_go_to_the_new_master_and_so_does_the_service(
    serve: Serve, short_directory: str, second: list[int]
) -> None:
    path = f"{short_directory}/x.sock"
    manager = ServiceManager(f"{short_directory}/notify")
    server = serve(
        APP, prefix=activated("127.0.0.1:0", f"unix:{path}", names="web:admin"), pidfile="x.pid",
        env={"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "400000"},
    )  # fmt: skip
    second.append(new := upgraded(server))
    server.wait_log(rf"\[{new}\] .*Sockets of the service manager: .* \(web\), .* \(admin\)")
    assert not [text for text in manager.messages() if "MAINPID" in text]
    server.signal("TERM")
    manager.wait(f"^MAINPID={new}$")
    assert server.wait_exit() == 0
    heard = len(manager.messages())
    wait_until(lambda: "WATCHDOG=1" in manager.messages()[heard:])
    assert "STOPPING=1" not in manager.heard
    assert int(server.get("/pid").text) in workers(new)
    os.kill(new, signal.SIGTERM)
    wait_gone(new)
    assert "STOPPING=1" in manager.messages()
    assert Path(path).exists()
    manager.close()


def test_a_daemon_is_upgraded_without_becoming_one_again(serve: Serve, second: list[int]) -> None:
    # Its master is not the process that was started, so the server is asked through its files.
    server = serve(APP, ready=False, daemon=True, pidfile="x.pid", errorlog="error.log")
    assert server.wait_exit() == 0
    pidfile, log = server.directory / "x.pid", server.directory / "error.log"
    old = pid_in(pidfile)
    os.kill(old, signal.SIGUSR2)
    second.append(new := pid_in(server.directory / "x.pid.2"))
    assert parent(new) == old
    wait_until(lambda: log.read_text().count("Booting worker") == 2)
    old_workers = workers(old) - {new}
    os.kill(old, signal.SIGWINCH)
    wait_until(lambda: not any(is_alive(pid) for pid in old_workers))
    os.kill(old, signal.SIGHUP)
    wait_until(lambda: len(workers(old) - {new}) == 1)
    os.kill(old, signal.SIGQUIT)
    wait_until(lambda: pid_in(pidfile) == new)
    os.kill(new, signal.SIGTERM)
    wait_until(lambda: not pidfile.exists())


def test_reuse_port_needs_no_handover(serve: Serve, second: list[int]) -> None:
    server = serve(APP, pidfile="x.pid", reuse_port=True, bind="127.0.0.1:0")
    assert script("rgunicorn") == server.command[0]
    server.signal("USR2")
    second.append(pid_in(server.directory / "x.pid.2"))
    server.wait_log("Listening at", times=2)
