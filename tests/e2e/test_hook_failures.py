"""Hooks that fail, and applications that leave instead of answering: nothing else is hurt."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.commandline import run
from support.hooks import Recorded, write_config
from support.processes import is_alive

pytestmark = pytest.mark.only("rgunicorn", "gunicorn")


@pytest.mark.parametrize("hook", ["on_starting", "when_ready"])
def test_a_server_whose_start_fails_in_a_hook_does_not_start(
    hook: str, app: str, tmp_path: Path
) -> None:
    config = write_config(tmp_path)
    command = ["rgunicorn", app, "-c", str(config), "-b", "127.0.0.1:0"]
    outcome = run(command, tmp_path, {"HOOKS_FAIL": hook})
    assert outcome.status == 1
    assert f"RuntimeError: {hook} fails on purpose" in outcome.text
    assert not outcome.left


@pytest.mark.parametrize("hook", ["post_fork", "post_worker_init"])
def test_a_worker_whose_boot_fails_in_a_hook_is_one_that_cannot_boot(
    hook: str, app: str, tmp_path: Path
) -> None:
    config = write_config(tmp_path)
    command = ["rgunicorn", app, "-c", str(config), "-b", "127.0.0.1:0"]
    outcome = run(command, tmp_path, {"HOOKS_FAIL": hook})
    assert outcome.status == 3, outcome.text
    assert outcome.text.count(f"RuntimeError: {hook} fails on purpose") == 1
    calls = (tmp_path / "calls.jsonl").read_text()
    assert '"worker_exit"' in calls, "it is called whatever happened"
    assert not outcome.left


def test_a_request_whose_pre_request_fails_is_answered_with_500(recorded: Recorded) -> None:
    record = recorded(env={"HOOKS_FAIL": "pre_request"})
    record.server.expect("Error handling request GET /", "Error in ASGI application")
    assert record.server.get("/").status == 500
    assert record.server.get("/").status == 500
    record.wait("post_request", times=2)
    assert not record.calls("application")
    assert "RuntimeError: pre_request fails on purpose" in record.server.log()


def test_a_post_request_that_fails_changes_nothing(recorded: Recorded) -> None:
    record = recorded(env={"HOOKS_FAIL": "post_request"})
    record.server.expect("post_request")
    for _ in range(2):
        assert record.server.get("/").text == "hello"
    record.server.wait_log("RuntimeError: post_request fails on purpose", times=2)


@pytest.mark.only("rgunicorn")
@pytest.mark.parametrize("hook", ["nworkers_changed", "pre_fork", "child_exit", "worker_exit"])
def test_a_hook_that_fails_while_the_server_runs_is_logged_and_life_goes_on(
    recorded: Recorded, hook: str
) -> None:
    record = recorded(env={"HOOKS_FAIL": hook})
    server = record.server
    server.expect(f"Exception in the hook `{hook}`")
    server.wait_until(lambda: server.worker_pids())
    old = server.worker_pids()
    server.get("/")
    server.signal("TERM", min(old))
    server.signal("TTIN")
    server.wait_until(lambda: len(server.worker_pids() - old) == 2)
    assert server.get("/").text == "hello"
    server.wait_log(f"RuntimeError: {hook} fails on purpose")
    server.stop()
    server.expect(f"Exception in the hook `{hook}`")


@pytest.mark.only("rgunicorn")
def test_an_on_exit_that_fails_is_logged(recorded: Recorded) -> None:
    record = recorded(env={"HOOKS_FAIL": "on_exit"})
    record.server.expect("Exception in the hook `on_exit`")
    assert record.server.stop() == 0
    assert "RuntimeError: on_exit fails on purpose" in record.server.log()


@pytest.mark.only("rgunicorn")
@pytest.mark.parametrize(("hook", "name"), [("worker_int", "INT"), ("worker_abort", "ABRT")])
def test_a_worker_whose_last_hook_fails_ends_all_the_same(
    recorded: Recorded, hook: str, name: str
) -> None:
    record = recorded(env={"HOOKS_FAIL": hook})
    record.server.expect(f"Exception in the hook `{hook}`", "SIGABRT|died|signal")
    record.server.get("/")
    (worker,) = record.server.worker_pids()
    record.server.signal(name, worker)
    record.wait("worker_exit", worker=worker)
    record.wait("post_worker_init", age=2)
    record.server.wait_log(f"RuntimeError: {hook} fails on purpose")


@pytest.mark.only("rgunicorn")
def test_a_worker_whose_abort_hook_stays_is_killed(recorded: Recorded) -> None:
    record = recorded(env={"HOOKS_STAY": "worker_abort"}, timeout=2)
    record.server.expect("WORKER TIMEOUT", "has worked for")
    record.wait("post_worker_init")
    (worker,) = record.server.worker_pids()
    record.server.get_in_background("/block?30")
    record.wait("worker_abort")
    record.server.wait_until(lambda: not is_alive(worker))
    record.wait("post_worker_init", age=2)


# What an application does instead of answering.


@pytest.mark.parametrize("path", ["/raise", "/exit", "/interrupt", "/generator-exit"])
@pytest.mark.differs("gunicorn", "what is no Exception ends its worker, or its loop")
def test_an_application_that_leaves_a_request_answers_500_and_serves_on(
    recorded: Recorded, path: str
) -> None:
    record = recorded("pre_request", "post_request", "worker_exit")
    record.server.expect("Error handling request", "The worker was interrupted")
    before = record.server.worker_pids()
    for _ in range(2):
        assert record.server.get(path).status == 500
    record.wait("post_request", times=2)
    assert str(record.calls("post_request")[0]["status"]).startswith("500")
    assert record.server.get("/").text == "hello"
    assert record.server.worker_pids() == before
