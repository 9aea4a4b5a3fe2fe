"""`--reload`: code that changes is served, and broken code waits for a repair."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Serve
from support.raw import Response
from support.server import Server
from support.waiting import wait_until

pytestmark = pytest.mark.only("rgunicorn")

APPS = {
    "wsgi": """\
import threading

from answers import ANSWER


def app(environ, start_response):
    if environ["PATH_INFO"] == "/hang":
        threading.Event().wait()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [ANSWER.encode()]
""",
    "asgi": """\
import threading

from answers import ANSWER


async def app(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError
    if scope["path"] == "/hang":
        threading.Event().wait()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": ANSWER.encode()})
""",
}

RELOADING = r"Worker reloading: .*"
RELOADED = r"Reloaded: \d+ new workers? took over"


class Project:
    """A directory with an application whose answer stands in a module of its own."""

    def __init__(self, directory: Path, interface: str) -> None:
        self.directory = directory
        directory.mkdir(parents=True)
        self.app = f"project_{interface}:app"
        (directory / f"project_{interface}.py").write_text(APPS[interface])
        self.answers = directory / "answers.py"
        self.answer("one")

    def answer(self, text: str) -> None:
        """Change what the application answers."""
        self.answers.write_text(f"ANSWER = {text!r}\n")

    def write(self, name: str, text: str = "") -> Path:
        """Write another file."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path


@pytest.fixture(params=["wsgi", "asgi"])
def project(tmp_path: Path, request: pytest.FixtureRequest) -> Project:
    """The project, for one of the interfaces."""
    return Project(tmp_path / "project", request.param)


@pytest.fixture
def wsgi(tmp_path: Path) -> Project:
    """The project, where the interface does not matter."""
    return Project(tmp_path / "project", "wsgi")


@pytest.fixture
def develop(serve: Serve) -> Callable[..., Server]:
    """Start a server that watches a project."""

    def start(project: Project, **settings: Any) -> Server:
        server = serve(project.app, chdir=project.directory, reload=True, **settings)
        server.wait_log("Watching for changes in ")
        # What is changed before it is loaded is no change to the workers.
        wait_until(lambda: server.get("/").status == 200, what="the first answer")
        return server

    return start


def wait_answer(server: Server, text: str) -> None:
    """Wait until this is what the server answers."""

    def says() -> bool:
        response: Response = server.get("/")
        return response.status == 200 and response.body == text.encode()

    wait_until(says, what=f"the answer {text!r}")


def reloaded_for(server: Server) -> list[str]:
    """The files that a reload was made for, so far."""
    lines = [line for line in server.log().splitlines() if "Worker reloading: " in line]
    return [line.partition("reloading: ")[2].removesuffix(" modified") for line in lines]


# What is noticed.


@pytest.mark.parametrize("engine", ["inotify", "poll"])
def test_an_edited_module_is_served(
    develop: Callable[..., Server], project: Project, engine: str
) -> None:
    server = develop(project, reload_engine=engine, workers=2)
    server.wait_log(rf"Watching for changes in {project.directory} \({engine}\)")
    wait_answer(server, "one")
    old = server.worker_pids()
    project.answer("the second")
    server.wait_log(RELOADED)
    wait_answer(server, "the second")
    wait_until(lambda: old.isdisjoint(server.worker_pids()), what="the end of the old workers")
    assert reloaded_for(server) == [str(project.answers)]


def test_an_editor_may_put_a_new_file_in_the_place_of_the_old_one(
    develop: Callable[..., Server], wsgi: Project
) -> None:
    server = develop(wsgi)
    for number in range(2, 4):
        draft = wsgi.write(".answers.py.swp", f"ANSWER = 'number {number}'\n")
        draft.replace(wsgi.answers)
        wait_answer(server, f"number {number}")
    assert reloaded_for(server) == [str(wsgi.answers)] * 2


@pytest.mark.parametrize("engine", ["inotify", "poll"])
def test_new_packages_are_noticed(
    develop: Callable[..., Server], wsgi: Project, engine: str
) -> None:
    server = develop(wsgi, reload_engine=engine)
    module = wsgi.write("words/more/__init__.py", "WORD = 'two'\n")
    server.wait_log(RELOADED)
    wsgi.answers.write_text("from words.more import WORD as ANSWER\n")
    wait_answer(server, "two")
    module.write_text("WORD = 'three'\n")
    wait_answer(server, "three")


def test_changes_that_come_together_are_one_reload(
    develop: Callable[..., Server], wsgi: Project
) -> None:
    server = develop(wsgi)
    wait_answer(server, "one")
    # As a checkout that is done before the master looks.
    server.signal("STOP")
    for number in range(30):
        wsgi.write(f"package/module_{number}.py", "N = 1\n")
    wsgi.answer("after the checkout")
    server.signal("CONT")
    wait_answer(server, "after the checkout")
    server.wait_log(RELOADED)
    assert len(reloaded_for(server)) == 1


def test_a_module_from_elsewhere_is_watched_too(
    develop: Callable[..., Server], serve: Serve, tmp_path: Path, project: Project
) -> None:
    library = tmp_path / "library"
    library.mkdir()
    module = library / "borrowed.py"
    module.write_text("WORD = 'borrowed'\n")
    project.answers.write_text(
        f"import sys\nsys.path.append({str(library)!r})\nfrom borrowed import WORD as ANSWER\n"
    )
    server = develop(project)
    wait_answer(server, "borrowed")
    module.write_text("WORD = 'given back'\n")
    wait_answer(server, "given back")
    module.write_text("WORD = 'borrowed again'\n")
    wait_answer(server, "borrowed again")
    assert reloaded_for(server) == [str(module)] * 2


# What is not, and what is on request.


def test_patterns_say_what_counts(develop: Callable[..., Server], wsgi: Project) -> None:
    for name in ("page.html", "notes.txt", "tests/test_it.py", "old_answers.py"):
        wsgi.write(name)
    server = develop(wsgi, reload_include="*.html", reload_exclude=["tests", "old_*.py"])
    wait_answer(server, "one")
    for name in ("notes.txt", "tests/test_it.py", "old_answers.py", "__pycache__/x.py", ".x.py"):
        wsgi.write(name, "changed = True\n")
    page = wsgi.write("page.html", "<p>changed")
    server.wait_log(RELOADED)
    assert reloaded_for(server) == [str(page)]


def test_extra_files_count_wherever_they_are(
    develop: Callable[..., Server], wsgi: Project, tmp_path: Path
) -> None:
    ini = tmp_path / "site.ini"
    ini.write_text("[site]\n")
    wsgi.write("templates/a.html")
    server = develop(wsgi, reload_extra_file=[ini, "templates/**/*.html"])
    wait_answer(server, "one")
    ini.write_text("[site]\nname = other\n")
    server.wait_log(RELOADED)
    page = wsgi.write("templates/new/b.html")
    server.wait_log(RELOADED, times=2)
    assert reloaded_for(server) == [str(ini), str(page)]


def test_other_directories_may_be_watched(develop: Callable[..., Server], wsgi: Project) -> None:
    source = wsgi.write("src/unused.py").parent
    wsgi.write("elsewhere/unused.py")
    server = develop(wsgi, reload_dir="src")
    server.wait_log(f"Watching for changes in {source} ")
    wait_answer(server, "one")
    wsgi.write("elsewhere/unused.py", "x = 1\n")
    module = wsgi.write("src/unused.py", "x = 1\n")
    server.wait_log(RELOADED)
    assert reloaded_for(server) == [str(module)]


# What is broken.


def test_broken_code_shows_its_traceback_and_waits_for_a_repair(
    develop: Callable[..., Server], project: Project
) -> None:
    server = develop(project)
    wait_answer(server, "one")
    server.expect("Cannot import the application module", "Reload given up")
    project.answers.write_text("ANSWER = 'unfinished\n")
    server.wait_log("SyntaxError: unterminated string literal")
    server.wait_log("Reload given up: a new worker failed to boot")
    wait_answer(server, "one")
    project.answer("repaired")
    wait_answer(server, "repaired")


def test_code_that_is_broken_at_the_start_is_waited_for(serve: Serve, project: Project) -> None:
    project.answers.write_text("raise RuntimeError('not yet')\n")
    server = serve(project.app, chdir=project.directory, reload=True, workers=2, ready=False)
    server.expect("Cannot import the application module", "exited with code 3", "Reload given up")
    server.wait_log("RuntimeError: not yet")
    server.wait_log("waiting for a file to change")
    project.answers.write_text("raise RuntimeError('nearly')\n")
    server.wait_log("RuntimeError: nearly")
    project.answer("at last")
    server.wait_log(RELOADED)
    wait_answer(server, "at last")
    assert server.log_lines("RuntimeError: not yet") == 1, "it is not tried again by itself"


def test_a_worker_that_hangs_does_not_hold_up_a_change(
    develop: Callable[..., Server], project: Project
) -> None:
    server = develop(project)
    wait_answer(server, "one")
    hung = server.worker_pids()
    client = server.connect()
    client.send(b"GET /hang HTTP/1.1\r\nHost: x\r\n\r\n")
    project.answer("other")
    server.wait_log(RELOADED)
    wait_answer(server, "other")
    wait_until(lambda: hung.isdisjoint(server.worker_pids()), what="the end of the hung worker")
    server.expect(".")


# What else is read.


def test_the_config_file_and_its_hooks_are_watched(
    develop: Callable[..., Server], wsgi: Project, tmp_path: Path
) -> None:
    config = tmp_path / "site.conf.py"

    def configure(workers: int, text: str) -> None:
        config.write_text(
            f"workers = {workers}\n\n"
            f"def post_fork(server, worker):\n    server.log.info({text!r})\n"
        )

    configure(1, "forked by the first")
    server = develop(wsgi, config=config)
    server.wait_log("forked by the first")
    wait_answer(server, "one")
    configure(2, "forked by the second")
    server.wait_log("forked by the second", times=2)
    server.wait_log(RELOADED)
    wait_until(lambda: len(server.worker_pids()) == 2, what="two workers")
    server.expect("Reload given up")
    config.write_text("workers = 1 +\n")
    server.wait_log("Reload given up: ")
    wait_answer(server, "one")
    configure(1, "forked by the last")
    server.wait_log("forked by the last")
    server.wait_log(RELOADED, times=2)
    assert reloaded_for(server) == [str(config)] * 3


def test_what_is_watched_follows_the_config_file(
    develop: Callable[..., Server], wsgi: Project, tmp_path: Path
) -> None:
    config = tmp_path / "site.conf.py"
    config.write_text("")
    server = develop(wsgi, config=config)
    wait_answer(server, "one")
    config.write_text("reload_includes = ['*.html']\n")
    server.wait_log("Watching for changes", times=2)
    page = wsgi.write("page.html", "<p>")
    server.wait_log(RELOADED, times=2)
    assert reloaded_for(server) == [str(config), str(page)]


def test_a_preloaded_application_is_loaded_anew(
    develop: Callable[..., Server], project: Project
) -> None:
    server = develop(project, preload_app=True, workers=2)
    wait_answer(server, "one")
    project.answer("two, preloaded")
    wait_answer(server, "two, preloaded")


def test_a_stop_is_not_held_up_by_watching(develop: Callable[..., Server], wsgi: Project) -> None:
    server = develop(wsgi, reload_engine="poll")
    wait_answer(server, "one")
    os.kill(server.pid, signal.SIGTERM)
    assert server.wait_exit() == 0
