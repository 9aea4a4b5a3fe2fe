"""`--preload`: a template process loads the application, and the workers are forked from it."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest
from conftest import Serve
from support.commandline import patience
from support.processes import (
    children,
    clients_of,
    descriptors,
    is_alive,
    read_process,
    session_members,
)
from support.project import BREAKS, Project
from support.server import Server

pytestmark = pytest.mark.only("rgunicorn")

APP = "apps.preloaded_wsgi:app"
TEMPLATE = r"Booting template with pid: (\d+)"


def template(server: Server) -> int:
    """The template that was made last."""
    return int(re.findall(TEMPLATE, server.log())[-1])


def facts(server: Server) -> dict[str, Any]:
    """What one worker says about itself."""
    return json.loads(server.get("/").body)  # type: ignore[no-any-return]


def version(server: Server) -> str | None:
    """The release that answers."""
    return server.get("/").header("X-Version")


def facts_of_each(server: Server, workers: int) -> list[dict[str, Any]]:
    """What every worker says about itself."""
    seen: dict[int, dict[str, Any]] = {}

    def all_seen() -> bool:
        answer = facts(server)
        seen[answer["pid"]] = answer
        return len(seen) == workers

    server.wait_until(all_seen)
    return list(seen.values())


def test_the_application_is_loaded_once_and_not_by_the_master(serve: Serve) -> None:
    server = serve(APP, preload=True, workers=3)
    answers = facts_of_each(server, 3)
    assert {answer["loader"] for answer in answers} == {template(server)}
    assert template(server) not in (server.pid, *(answer["pid"] for answer in answers))
    maps = Path(f"/proc/{server.pid}/maps").read_text()
    assert "_ssl" not in maps, "the master has imported what the application imports"


def test_workers_are_children_of_the_master(serve: Serve) -> None:
    server = serve(APP, preload=True, workers=3)
    answers = facts_of_each(server, 3)
    assert {answer["parent"] for answer in answers} == {server.pid}
    assert children(server.pid) == {template(server), *(answer["pid"] for answer in answers)}
    assert children(template(server)) == set()


def test_fork_hooks_run_once_where_they_belong(serve: Serve) -> None:
    server = serve(APP, preload=True)
    (answer,) = facts_of_each(server, 1)
    maker = template(server)
    assert answer["forks"] == [["before", maker], ["child", answer["pid"]]]


def test_random_numbers_differ_between_workers(serve: Serve) -> None:
    server = serve(APP, preload=True, workers=3)
    numbers = [number for answer in facts_of_each(server, 3) for number in answer["random"]]
    assert len(set(numbers)) == len(numbers) == 12


def test_what_was_imported_is_frozen(serve: Serve) -> None:
    server = serve(APP, preload=True)
    assert facts(server)["frozen"] > 1_000


def test_threads_of_the_import_are_named_and_missing(serve: Serve) -> None:
    server = serve(APP, preload=True, env={"PRELOADED_THREADS": "refresher,reporter"})
    server.wait_log(rf"\[{template(server)}\] \[WARNING\] .*threads.*`refresher`, `reporter`")
    assert facts(server)["threads"] == ["MainThread"]
    assert server.stop() == 0
    # One that does not leave by itself is killed after a second, with a warning.
    assert server.log_lines("WARNING") == 1, server.log()


def test_without_threads_there_is_no_warning(serve: Serve) -> None:
    server = serve(APP, preload=True)
    facts(server)
    assert server.log_lines("WARNING") == 0


@pytest.mark.parametrize("how", BREAKS)
def test_a_failing_import_ends_the_start_with_one_traceback(
    serve: Serve, tmp_path: Path, how: str
) -> None:
    project = Project(tmp_path / "project", "wsgi")
    pattern = project.break_by(how)
    server = serve(project.app, preload=True, workers=3, ready=False, chdir=project.directory)
    server.expected_status = 3
    server.expect(".")
    assert server.wait_exit() == 3
    assert server.log_lines(pattern) > 0
    assert server.log_lines("Cannot import the application module") == 1
    assert server.log_lines("Booting worker") == 0


def test_a_missing_attribute_ends_the_start_with_status_4(serve: Serve) -> None:
    server = serve("apps.preloaded_wsgi:nothing", preload=True, ready=False)
    server.expected_status = 4
    server.expect(".")
    assert server.wait_exit() == 4
    assert server.log_lines("Failed to find attribute 'nothing'") == 1


def test_a_killed_template_is_made_anew_and_workers_do_not_notice(serve: Serve) -> None:
    server = serve(APP, preload=True, workers=2)
    workers, first = server.worker_pids(), template(server)
    server.expect("SIGKILL|template")
    server.signal("KILL", first)
    victim = min(workers)
    server.wait_until(lambda: not is_alive(first))
    server.signal("KILL", victim)
    server.wait_until(lambda: template(server) != first)
    server.wait_until(lambda: len(server.worker_pids()) == 2 and victim not in server.worker_pids())
    assert (workers - {victim}) <= server.worker_pids()
    loaders = {answer["loader"] for answer in facts_of_each(server, 2)}
    assert loaders == {first, template(server)}
    assert read_process(first) is None, "it was not reaped"


def test_a_killed_worker_is_replaced_from_the_template(serve: Serve) -> None:
    server = serve(APP, preload=True, workers=2)
    maker, victim = template(server), min(server.worker_pids())
    server.expect("SIGKILL")
    server.signal("KILL", victim)
    server.wait_until(lambda: len(server.worker_pids()) == 2 and victim not in server.worker_pids())
    assert {answer["loader"] for answer in facts_of_each(server, 2)} == {maker}
    assert read_process(victim) is None, "it was not reaped"


def test_ttin_and_ttou_fork_and_stop_a_worker(serve: Serve) -> None:
    server = serve(APP, preload=True)
    server.signal("TTIN")
    server.wait_until(lambda: len(server.worker_pids()) == 2)
    assert {answer["loader"] for answer in facts_of_each(server, 2)} == {template(server)}
    server.signal("TTOU")
    server.wait_until(lambda: len(server.worker_pids()) == 1)
    assert is_alive(template(server))


def test_a_killed_master_takes_everything_along_within_a_second(
    serve: Serve, short_directory: str
) -> None:
    path = Path(short_directory) / "preloaded.sock"
    server = serve(APP, preload=True, workers=3, bind=f"unix:{path}", pidfile="preloaded.pid")
    facts_of_each(server, 3)
    server.expected_status = -signal.SIGKILL
    server.signal("KILL")
    server.wait_until(lambda: not session_members(server.pid), within=patience(1))
    assert not path.exists()
    assert not (server.directory / "preloaded.pid").exists()


def test_a_template_that_is_told_to_leave_does_and_is_made_anew(serve: Serve) -> None:
    server = serve(APP, preload=True)
    first = template(server)
    server.signal("TERM", first)
    server.wait_log(rf"Worker \(pid:{first}\) left without being asked")
    server.signal("TTIN")
    server.wait_until(lambda: len(server.worker_pids()) == 2)
    assert template(server) != first


def test_usr1_reopens_the_log_of_the_template(serve: Serve) -> None:
    server = serve(APP, preload=True, errorlog="error.log", ready=False)
    log = server.directory / "error.log"
    server.wait_until(lambda: log.exists() and "Booting worker" in log.read_text())
    match = re.search(TEMPLATE, log.read_text())
    assert match is not None
    log.rename(server.directory / "rotated.log")
    server.signal("USR1")

    def opened() -> set[str]:
        folder = f"/proc/{match[1]}/fd"
        return {os.path.basename(os.readlink(f"{folder}/{name}")) for name in os.listdir(folder)}

    server.wait_until(lambda: "error.log" in opened() and "rotated.log" not in opened())


def test_a_template_that_has_nothing_to_do_sleeps(serve: Serve) -> None:
    server = serve(APP, preload=True, workers=2)
    facts_of_each(server, 2)
    status = Path(f"/proc/{template(server)}/status")

    def wakeups() -> int:
        return sum(
            int(count) for count in re.findall(r"ctxt_switches:\s+(\d+)", status.read_text())
        )

    before = server.wait_stable(wakeups, quiet=2.5)
    for _ in range(20):
        facts(server)
    assert wakeups() == before


def test_the_template_accepts_no_connection(serve: Serve) -> None:
    server = serve(APP, preload=True)
    before = descriptors(template(server))
    clients = [server.connect() for _ in range(30)]
    for client in clients:
        client.send(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        assert client.read_response("GET").status == 200
    assert descriptors(template(server)) == before


def held_of_each(server: Server, workers: int) -> set[int]:
    """How many files its workers have open, once the last client is gone."""
    facts_of_each(server, workers)
    pids = server.worker_pids()
    for pid in pids:
        server.wait_until(lambda pid=pid: not clients_of(pid, server.address.port))
    return {descriptors(pid) for pid in pids}


def test_workers_hold_nothing_of_the_template(serve: Serve) -> None:
    server = serve(APP, preload=True, workers=2)
    plain = serve(APP, workers=2)
    assert held_of_each(server, 2) == held_of_each(plain, 2)


def test_an_event_loop_belongs_to_the_worker(serve: Serve) -> None:
    server = serve("apps.preloaded_asgi:app", preload=True, workers=2)
    for _ in range(4):
        answer = facts(server)
        assert answer["loader"] == template(server)
        assert answer["started_by"] == answer["pid"]
        assert not answer["loop_at_import"]
        assert answer["parent"] == server.pid


def test_a_failing_lifespan_ends_the_start_with_status_3(serve: Serve) -> None:
    server = serve("apps.asgi_lifespan:refuses", preload=True, ready=False)
    server.expected_status = 3
    server.expect(".")
    assert server.wait_exit() == 3


def test_variables_of_the_server_are_there_while_it_loads(serve: Serve) -> None:
    server = serve(APP, preload=True, raw_env=["PRELOADED_VARIABLE=here"])
    assert facts(server)["variable"] == "here"


def test_a_template_that_hangs_is_aborted_and_replaced(serve: Serve) -> None:
    server = serve(APP, preload=True, boot_timeout=1)
    first = template(server)
    server.expect(".")
    server.signal("STOP", first)
    server.signal("TTIN")
    server.wait_until(lambda: len(server.worker_pids()) == 2)
    assert not is_alive(first)
    assert template(server) != first


def test_a_reload_renews_the_code(serve: Serve, tmp_path: Path) -> None:
    project = Project(tmp_path / "project", "wsgi")
    server = serve(project.app, preload=True, workers=2, chdir=project.directory)
    first = template(server)
    assert version(server) == "1"
    project.release("2")
    server.signal("HUP")
    server.wait_until(lambda: version(server) == "2")
    server.wait_until(lambda: not is_alive(first))
    server.wait_until(lambda: len(server.worker_pids()) == 2)


@pytest.mark.parametrize("how", BREAKS)
def test_a_broken_release_is_discarded(serve: Serve, tmp_path: Path, how: str) -> None:
    project = Project(tmp_path / "project", "wsgi")
    server = serve(project.app, preload=True, workers=2, chdir=project.directory)
    first, workers = template(server), server.worker_pids()
    pattern = project.break_by(how)
    server.expect(".")
    server.signal("HUP")
    server.wait_log(pattern)
    server.wait_until(lambda: children(server.pid) == {first, *workers})
    assert version(server) == "1"
    server.signal("KILL", min(workers))
    server.wait_until(
        lambda: len(server.worker_pids()) == 2 and min(workers) not in server.worker_pids()
    )
    assert version(server) == "1"


def test_recycled_workers_come_from_the_template(serve: Serve) -> None:
    server = serve(APP, preload=True, workers=2, max_worker_lifetime=1)
    maker, first = template(server), server.worker_pids()
    server.wait_until(lambda: first.isdisjoint(server.worker_pids()))
    assert {answer["loader"] for answer in facts_of_each(server, 2)} == {maker}
    assert template(server) == maker


@pytest.mark.timeout(300)
def test_fifty_reloads_leave_nothing_behind(serve: Serve) -> None:
    server = serve(APP, preload=True, workers=2)

    def reload() -> None:
        old = children(server.pid)
        server.signal("HUP")
        server.wait_until(
            lambda: len(server.worker_pids()) == 2 and old.isdisjoint(children(server.pid))
        )

    def resident() -> int:
        pages = Path(f"/proc/{server.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    for _ in range(5):
        reload()
    files, memory = descriptors(server.pid), resident()
    for _ in range(45):
        reload()
    assert descriptors(server.pid) == files
    assert len(children(server.pid)) == 3
    assert resident() < memory + 1_000_000
