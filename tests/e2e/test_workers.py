"""The master and its workers: how many, respawn, TTIN and TTOU, the watchdog."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import pytest
from conftest import Serve
from support.commandline import patience
from support.processes import children, descriptors, is_alive, read_process

pytestmark = pytest.mark.only("rgunicorn", "gunicorn")


def test_the_start_is_told_in_the_log(serve: Serve, plain: str) -> None:
    server = serve(plain, workers=2)
    server.wait_log("Booting worker with pid: ", times=2)
    log = server.log()
    order = ["Starting ", "Listening at: http://127.0.0.1:", "Using worker: ", "Booting worker"]
    places = [log.index(text) for text in order]
    assert places == sorted(places)
    assert f"({server.pid})" in log
    assert server.worker_pids() == {
        int(line.rpartition(": ")[2]) for line in log.splitlines() if "Booting worker" in line
    }


def test_log_lines_carry_time_pid_and_level(serve: Serve, plain: str) -> None:
    server = serve(plain)
    stamp = r"^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}\] "
    server.wait_log(rf"{stamp}\[{server.pid}\] \[INFO\] Starting {server.kind.name} \d")


@pytest.mark.parametrize("workers", [1, 3])
def test_there_are_as_many_workers_as_asked_for(serve: Serve, plain: str, workers: int) -> None:
    server = serve(plain, workers=workers)
    assert len(server.worker_pids()) == workers
    assert int(server.get("/pid").text) in server.worker_pids()


@pytest.mark.differs("gunicorn", "a worker that boots does not hear TERM")
def test_web_concurrency_is_the_default_of_workers(serve: Serve, plain: str) -> None:
    server = serve(plain, env={"WEB_CONCURRENCY": "2"})
    server.wait_until(lambda: len(server.worker_pids()) == 2)


@pytest.mark.only("rgunicorn")
def test_the_master_has_one_thread(serve: Serve, plain: str) -> None:
    server = serve(plain, workers=2)
    server.get("/")
    assert len(os.listdir(f"/proc/{server.pid}/task")) == 1


def test_a_killed_worker_is_replaced(serve: Serve, plain: str) -> None:
    server = serve(plain, workers=2)
    server.expect("SIGKILL|signal 9|died after")
    old = server.worker_pids()
    victim = min(old)
    server.signal("KILL", victim)
    server.wait_until(lambda: len(server.worker_pids()) == 2 and victim not in server.worker_pids())
    assert len(server.worker_pids() & old) == 1
    server.wait_log(rf"{victim}.*(SIGKILL|signal 9)")
    assert server.get("/").text == "hello"
    assert read_process(victim) is None, "it was not reaped"


@pytest.mark.differs("gunicorn", "its asgi worker waits for the client that left")
def test_a_worker_that_is_told_to_stop_is_replaced(serve: Serve, plain: str) -> None:
    server = serve(plain)
    old = {int(server.get("/pid").text)}
    server.signal("TERM", min(old))
    server.wait_until(lambda: server.worker_pids() and old.isdisjoint(server.worker_pids()))
    assert server.get("/").text == "hello"


def test_replacing_workers_leaks_no_descriptor_in_the_master(serve: Serve, plain: str) -> None:
    server = serve(plain)
    server.expect("SIGKILL|signal 9|died after")
    server.get("/")
    before = descriptors(server.pid)
    for _ in range(4):
        old = {int(server.get("/pid").text)}
        server.signal("KILL", min(old))
        server.wait_until(lambda old=old: server.worker_pids() - old)
    server.wait_until(lambda: descriptors(server.pid) <= before)


def test_ttin_and_ttou_change_the_number_of_workers(serve: Serve, plain: str) -> None:
    server = serve(plain)
    server.signal("TTIN")
    server.wait_until(lambda: len(server.worker_pids()) == 2)
    server.signal("TTIN")
    server.wait_until(lambda: len(server.worker_pids()) == 3)
    # The oldest leaves as soon as enough others are ready: all are, so it leaves at once.
    answered: set[str] = set()
    server.wait_until(lambda: answered.add(server.get("/pid").text) or len(answered) == 3)
    oldest = min(server.worker_pids())
    server.signal("TTOU")
    server.wait_until(lambda: len(server.worker_pids()) == 2)
    assert oldest not in server.worker_pids(), "the oldest leaves first"
    server.wait_log("Handling signal: ttou")
    assert server.log_lines("Handling signal: ttin") == 2
    assert server.get("/").text == "hello"


def test_ttou_keeps_one_worker(serve: Serve, plain: str) -> None:
    server = serve(plain)
    old = server.worker_pids()
    server.signal("TTOU")
    server.wait_log("Handling signal: ttou")
    assert server.get("/").text == "hello"
    assert server.worker_pids() == old


def test_ttou_lets_the_worker_finish_its_request(serve: Serve, plain: str) -> None:
    server = serve(plain, workers=2)
    replies = [server.get_in_background("/sleep?0.5") for _ in range(2)]
    server.wait_log("note: sleeping")
    server.signal("TTOU")
    assert [reply.result(10).text for reply in replies] == ["hello", "hello"]
    server.wait_until(lambda: len(server.worker_pids()) == 1)


@pytest.mark.only("rgunicorn")
def test_a_busy_worker_leaves_new_connections_to_the_free_ones(serve: Serve, plain: str) -> None:
    server = serve(plain, workers=2)
    server.wait_until(lambda: len({server.get("/pid").text for _ in range(8)}) == 2)
    busy = server.get_in_background("/block?3")
    server.wait_log("note: blocking")
    began = time.monotonic()
    for _ in range(30):
        assert server.get("/").text == "hello"
    assert time.monotonic() - began < patience(1)
    assert not busy.done()
    assert busy.result(10).text == "hello"


@pytest.mark.only("rgunicorn")
def test_a_worker_that_hangs_is_shown_in_the_log_and_replaced(serve: Serve, plain: str) -> None:
    server = serve(plain, timeout=1)
    server.expect("WORKER TIMEOUT", "SIGKILL|SIGABRT|signal", "has worked for")
    hung = server.worker_pids()
    with server.connect() as client:
        client.send(b"GET /block?60 HTTP/1.1\r\nHost: x\r\n\r\n")
        server.wait_log(rf"\[CRITICAL\] WORKER TIMEOUT \(pid: ?{min(hung)}\)")
        server.wait_log(r"GET /block\?60")
        server.wait_log(r'File ".*wsgi_plain\.py", line \d+ in block')
        server.wait_until(lambda: hung.isdisjoint(server.worker_pids()))
        client.read_to_close()
    server.wait_until(server.worker_pids)
    assert server.get("/").text == "hello"


@pytest.mark.only("rgunicorn")
def test_every_thread_of_a_hung_worker_is_shown(serve: Serve) -> None:
    server = serve("apps.threads_wsgi:app", timeout=1)
    server.expect("WORKER TIMEOUT", "SIGKILL|SIGABRT|signal", "has worked for")
    with server.connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        server.wait_log(r'threads_wsgi\.py", line \d+ in beside')
        server.wait_log(r'threads_wsgi\.py", line \d+ in app')
        client.read_to_close()


def test_a_long_request_within_the_timeout_is_left_alone(serve: Serve, plain: str) -> None:
    server = serve(plain, timeout=3)
    pids = server.worker_pids()
    assert server.get("/block?1").text == "hello"
    assert server.worker_pids() == pids


@pytest.mark.differs("gunicorn", "a worker that stops is taken for a hung one")
def test_an_idle_worker_is_not_taken_for_a_hung_one(serve: Serve, plain: str) -> None:
    server = serve(plain, timeout=1)
    pids = server.worker_pids()
    with server.connect() as client:
        client.silent(2.5)
    assert server.worker_pids() == pids
    assert server.get("/").text == "hello"


def test_a_long_await_is_no_timeout_under_asgi(serve: Serve) -> None:
    server = serve("apps.asgi_plain:app", timeout=1)
    pids = server.worker_pids()
    assert server.get("/sleep?2.5").text == "hello"
    assert server.worker_pids() == pids


def test_timeout_0_turns_the_watchdog_off(serve: Serve, plain: str) -> None:
    server = serve(plain, timeout=0)
    assert server.get("/block?1.5").text == "hello"


@pytest.mark.only("rgunicorn")
def test_a_worker_that_cannot_boot_any_more_is_retried_with_patience(serve: Serve) -> None:
    server = serve("apps.flaky:app")
    server.expect(".*")
    assert server.get("/").text == "hello"
    (server.directory / "broken").touch()
    server.signal("KILL", min(server.worker_pids()))
    server.wait_log("note: boot fails", times=3)
    assert server.alive
    with pytest.raises(AssertionError):
        server.wait_log("note: boot fails", times=20, within=2)
    (server.directory / "broken").unlink()
    server.wait_until(lambda: server.get("/").text == "hello", within=30)


def test_the_environment_of_the_workers_can_be_given(serve: Serve) -> None:
    settings: dict[str, Any] = {"raw_env": ["ONE=1", "TWO=two=2"]}
    server = serve("apps.shows_wsgi:environment", **settings)
    seen = server.get("/").json()
    assert (seen["ONE"], seen["TWO"]) == ("1", "two=2")


def test_a_program_started_by_a_worker_inherits_neither_files_nor_signals(serve: Serve) -> None:
    server = serve("apps.shows_wsgi:child")
    seen = server.get("/").json()
    assert seen["files"] == []
    assert int(seen["SigBlk"], 16) == 0
    ignored = int(seen["SigIgn"], 16)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGHUP):
        assert not ignored & 1 << (number - 1), f"{number!r} is ignored"


@pytest.mark.only("rgunicorn")
def test_a_child_forked_by_a_request_does_not_take_part_in_serving(serve: Serve) -> None:
    server = serve("apps.shows_wsgi:forks")
    server.expect("Error handling request|SystemExit|exit")
    pids = server.worker_pids()
    with server.connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.read_response().status == 200
        client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.read_response().status == 200
    assert server.worker_pids() == pids


def test_chdir_and_pythonpath_are_where_the_application_is_found(
    serve: Serve, tmp_path: Any
) -> None:
    project, library = tmp_path / "project", tmp_path / "library"
    project.mkdir()
    library.mkdir()
    (project / "here.py").write_text("from there import app\n")
    (library / "there.py").write_text("from apps.shows_wsgi import directory as app\n")
    server = serve("here:app", chdir=project, pythonpath=library)
    assert server.get("/").text == str(project)


def test_the_master_never_imports_the_application(serve: Serve) -> None:
    server = serve("apps.shows_wsgi:imported_by", workers=2)
    assert int(server.get("/").text) != server.pid
    assert server.get("/").text in {str(pid) for pid in server.worker_pids()}


@pytest.mark.differs("gunicorn", "looks for its parent once in half a timeout")
def test_workers_leave_when_the_master_is_killed(serve: Serve, plain: str) -> None:
    server = serve(plain, workers=2)
    workers = children(server.pid)
    assert len(workers) == 2
    server.expected_status = -9
    server.signal("KILL")
    server.wait_exit()
    server.wait_until(lambda: not any(map(is_alive, workers)), within=5)


@pytest.mark.only("rgunicorn")
def test_even_a_busy_worker_leaves_when_the_master_is_killed(serve: Serve, plain: str) -> None:
    server = serve(plain)
    (worker,) = children(server.pid)
    with server.connect() as client:
        client.send(b"GET /block?60 HTTP/1.1\r\nHost: x\r\n\r\n")
        server.wait_log("note: blocking")
        server.expected_status = -9
        server.signal("KILL")
        server.wait_exit()
        server.wait_until(lambda: not is_alive(worker), within=5)


@pytest.mark.only("rgunicorn")
def test_usr1_reopens_the_logs(serve: Serve, plain: str) -> None:
    server = serve(plain, ready=False, errorlog="error.log", accesslog="access.log")
    error, access = server.directory / "error.log", server.directory / "access.log"
    server.wait_until(lambda: error.exists() and "Listening at" in error.read_text())
    server.log_path.write_text(error.read_text())
    server.get("/query?before")
    server.wait_until(lambda: "before" in access.read_text())
    os.rename(access, server.directory / "access.old")
    os.rename(error, server.directory / "error.old")
    server.signal("USR1")
    server.wait_until(lambda: access.exists() and error.exists())
    server.get("/query?after")
    server.wait_until(lambda: "after" in access.read_text())
    server.get("/raise")
    server.wait_until(lambda: "on purpose" in error.read_text())
    server.stop()
    assert "Shutting down" in error.read_text()
