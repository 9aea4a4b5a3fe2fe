"""Worker classes of other packages, with gunicorn's interface, as they come from the index."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from conftest import Serve
from support.address import Address
from support.commandline import patience
from support.processes import is_alive
from support.server import Server

pytestmark = pytest.mark.only("rgunicorn")


class Foreign(NamedTuple):
    """A worker class and an application for it."""

    worker_class: str
    app: str

    def settings(self) -> dict[str, Any]:
        """What the server is told."""
        return {"worker_class": self.worker_class, "foreign_workers": True}


AIOHTTP = Foreign("aiohttp.GunicornWebWorker", "apps.foreign_aiohttp:app")
UVICORN = Foreign("uvicorn_worker.UvicornWorker", "apps.foreign_asgi:app")
BOTH = pytest.mark.parametrize("foreign", [AIOHTTP, UVICORN], ids=["aiohttp", "uvicorn"])


def pids(server: Server, workers: int) -> set[int]:
    """The workers that answer, once there are so many."""
    seen: set[int] = set()

    def all_seen() -> bool:
        seen.add(int(server.get("/pid").text))
        return len(seen) >= workers

    server.wait_until(all_seen)
    return seen


@BOTH
def test_it_serves_and_stops_in_order(serve: Serve, foreign: Foreign) -> None:
    server = serve(foreign.app, workers=2, **foreign.settings())
    assert pids(server, 2) == server.worker_pids()
    assert server.log_lines(f"Using worker: {re.escape(foreign.worker_class)}") == 1
    assert server.log_lines("WARNING") == 0
    assert server.stop() == 0
    assert server.log_lines("Worker exiting") == 2


@BOTH
def test_a_stop_waits_for_requests(serve: Serve, foreign: Foreign) -> None:
    server = serve(foreign.app, **foreign.settings())
    pids(server, 1)
    reply = server.get_in_background("/slow")
    with server.connect() as idle:
        idle.send(b"GET /pid HTTP/1.1\r\nHost: here\r\n\r\n")
        assert idle.read_response("GET").status == 200
    server.begin_stop()
    assert reply.result(timeout=10).text == "slow"
    assert server.wait_exit() == 0


@BOTH
def test_a_reload_renews_the_workers(serve: Serve, foreign: Foreign) -> None:
    server = serve(foreign.app, workers=2, **foreign.settings())
    old = pids(server, 2)
    server.signal("HUP")
    server.wait_until(
        lambda: len(server.worker_pids()) == 2 and old.isdisjoint(server.worker_pids())
    )
    assert pids(server, 2).isdisjoint(old)


@BOTH
def test_a_silent_worker_is_aborted_with_its_stack(serve: Serve, foreign: Foreign) -> None:
    server = serve(foreign.app, timeout=2, **foreign.settings())
    (old,) = pids(server, 1)
    server.expect(".")
    server.get_in_background("/hang")
    server.wait_log(rf"WORKER TIMEOUT \(pid:{old}\)")
    server.wait_log(r'File ".*", line \d+ in (hang|app)')
    server.wait_until(lambda: not is_alive(old) and len(server.worker_pids()) == 1)
    assert pids(server, 1) != {old}


@BOTH
def test_its_own_limit_of_requests_replaces_a_worker(serve: Serve, foreign: Foreign) -> None:
    server = serve(foreign.app, max_requests=5, **foreign.settings())
    (old,) = pids(server, 1)

    for _ in range(6):
        # One that does not count any more may fail: gunicorn's interface lets a worker only leave.
        with suppress(OSError):
            server.get("/pid")
    server.wait_until(lambda: not is_alive(old), within=20)
    server.wait_until(lambda: int(server.get("/pid").text) != old)


@BOTH
def test_hup_to_a_worker_does_no_harm(serve: Serve, foreign: Foreign) -> None:
    server = serve(foreign.app, **foreign.settings())
    (worker,) = pids(server, 1)
    server.signal("HUP", worker)
    server.signal("USR2", worker)
    assert pids(server, 1) == {worker}


@BOTH
def test_usr1_reopens_its_log(serve: Serve, foreign: Foreign, tmp_path: Path) -> None:
    log = tmp_path / "error.log"
    server = serve(foreign.app, errorlog=log, ready=False, **foreign.settings())
    server.wait_until(lambda: log.exists() and "Listening at" in log.read_text())
    address = re.search(server.kind.listening, log.read_text())
    assert address is not None
    server.addresses = [Address.parse(address[1])]
    pids(server, 1)
    log.rename(tmp_path / "rotated.log")
    server.signal("USR1")
    server.wait_until(log.exists)
    server.signal("TERM")
    server.wait_until(lambda: "Worker exiting" in log.read_text())


@BOTH
def test_it_can_be_preloaded(serve: Serve, foreign: Foreign) -> None:
    server = serve(foreign.app, workers=2, preload=True, **foreign.settings())
    assert pids(server, 2) == server.worker_pids()


@BOTH
def test_a_killed_master_takes_it_along(serve: Serve, foreign: Foreign) -> None:
    server = serve(foreign.app, workers=2, **foreign.settings())
    workers = pids(server, 2)
    server.expected_status = -9
    server.signal("KILL")
    server.wait_until(lambda: not any(map(is_alive, workers)), within=patience(1))


def test_a_failing_start_of_uvicorn_ends_with_status_3(serve: Serve) -> None:
    env = {"FOREIGN_FAILS": "yes"}
    server = serve(UVICORN.app, ready=False, env=env, **UVICORN.settings())
    server.expected_status = 3
    server.expect(".")
    assert server.wait_exit() == 3


def test_a_failing_start_of_aiohttp_ends_with_status_3(serve: Serve) -> None:
    server = serve("apps.foreign_aiohttp:fails", ready=False, **AIOHTTP.settings())
    server.expected_status = 3
    server.expect(".")
    assert server.wait_exit() == 3
    assert server.log_lines("RuntimeError: start on purpose broken") == 1


def test_a_failing_import_ends_with_status_3(serve: Serve) -> None:
    server = serve("apps.broken_import:app", ready=False, workers=2, **AIOHTTP.settings())
    server.expected_status = 3
    server.expect(".")
    assert server.wait_exit() == 3
    assert server.log_lines("Traceback") == 1


@pytest.mark.parametrize(
    ("worker_class", "words"),
    [
        ("no_such_package.Worker", "there is no module `no_such_package`.*install the package"),
        ("aiohttp.GunicornWorker", "has no worker class `GunicornWorker`.*GunicornWebWorker"),
        ("apps.not_a_worker.Nothing", "is not a worker class.*gunicorn.workers.base.Worker"),
    ],
)
def test_a_class_that_cannot_be_used_is_explained(
    serve: Serve, worker_class: str, words: str
) -> None:
    server = serve(AIOHTTP.app, ready=False, workers=2, worker_class=worker_class)
    server.expected_status = 4
    server.expect(".")
    assert server.wait_exit() == 4
    assert server.log_lines(words) == 1


def test_without_gunicorn_the_error_says_what_to_install(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "gunicorn.py").write_text("raise ModuleNotFoundError('none', name='gunicorn')\n")
    server = serve(AIOHTTP.app, ready=False, worker_class=AIOHTTP.worker_class, pythonpath=tmp_path)
    server.expected_status = 4
    server.expect(".")
    assert server.wait_exit() == 4
    assert server.log_lines("gunicorn is not installed.*pip install gunicorn") == 1


def test_uvicorns_names_mean_asgi_unless_the_original_is_asked_for(serve: Serve) -> None:
    ours = serve(UVICORN.app, worker_class=UVICORN.worker_class)
    assert ours.get("/server").text == "rgunicorn"
    theirs = serve(UVICORN.app, **UVICORN.settings())
    assert theirs.get("/server").text == "uvicorn"


def test_hooks_are_called_with_the_worker_of_the_class(serve: Serve, tmp_path: Path) -> None:
    config = tmp_path / "hooks.conf.py"
    config.write_text(
        "def post_worker_init(worker):\n"
        "    worker.log.info('init of %s', type(worker).__name__)\n"
        "def worker_exit(server, worker):\n"
        "    worker.log.info('exit of %s', type(worker).__name__)\n"
    )
    server = serve(AIOHTTP.app, config=config, **AIOHTTP.settings())
    server.wait_log("init of GunicornWebWorker")
    assert server.stop() == 0
    assert server.log_lines("exit of GunicornWebWorker") == 1
