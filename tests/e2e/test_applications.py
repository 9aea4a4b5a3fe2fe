"""How an application is named and which worker class serves it."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Serve
from support.commandline import run
from support.commands import script

pytestmark = pytest.mark.only("rgunicorn")

NAMES = {
    "apps.broken": "sync",
    "apps.broken:application": "sync",
    "apps.broken:holder.application": "sync",
    "apps.broken:wsgi_object": "sync",
    "apps.broken:factory()": "sync",
    "apps.broken:factory('wsgi', times=2)": "sync",
    "apps.broken:asgi_function": "asgi",
    "apps.broken:asgi_object": "asgi",
    "apps.broken:factory('asgi')": "asgi",
    'apps.broken:factory(kind="asgi")': "asgi",
}


@pytest.mark.parametrize("name", NAMES)
def test_the_application_decides_the_class_and_the_log_says_so(serve: Serve, name: str) -> None:
    server = serve(name, worker_class=None)
    assert server.get("/").text == "hello"
    server.wait_log(f"(Using worker|Worker class of .*): {NAMES[name]}")


@pytest.mark.parametrize(
    "worker_class",
    [
        "asgi",
        "uvicorn.workers.UvicornWorker",
        "uvicorn_worker.UvicornWorker",
        "uvicorn_worker.UvicornH11Worker",
    ],
)
def test_the_names_of_asgi_workers_of_others_are_known(serve: Serve, worker_class: str) -> None:
    server = serve("apps.asgi_plain:app", worker_class=worker_class)
    assert server.get("/").text == "hello"
    server.wait_log("Using worker: asgi")


def test_version(tmp_path: Path) -> None:
    outcome = run("rgunicorn --version", tmp_path)
    assert outcome.status == 0
    assert outcome.output.startswith("rgunicorn")


@pytest.mark.parametrize("option", ["--version", "--help"])
@pytest.mark.parametrize("ending", ["| true", ">&-"])
def test_an_output_nobody_reads_is_no_traceback(tmp_path: Path, option: str, ending: str) -> None:
    command = f"{script('rgunicorn')} {option} {ending}"
    assert "Traceback" not in run(["/bin/sh", "-c", command], tmp_path).errors


def test_help_names_every_setting_of_this_page(tmp_path: Path) -> None:
    outcome = run("rgunicorn --help", tmp_path)
    assert outcome.status == 0
    assert outcome.errors == ""
    for option in ("--bind", "--workers", "--worker-class", "--daemon", "--loop", "--lifespan"):
        assert option in outcome.output


def test_print_config_shows_the_values_and_where_they_came_from(tmp_path: Path) -> None:
    command = "rgunicorn apps.wsgi_plain:app --workers 7 --print-config"
    outcome = run(command, tmp_path, env={"RGUNICORN_TIMEOUT": "99"})
    assert outcome.status == 0
    lines = {line.split("=")[0].strip(): line for line in outcome.output.splitlines()}
    assert "7" in lines["workers"]
    assert "99" in lines["timeout"]
    assert "RGUNICORN_TIMEOUT" in lines["timeout"]


def test_the_command_line_wins_over_the_environment(tmp_path: Path) -> None:
    command = "rgunicorn apps.wsgi_plain:app --workers 7 --print-config"
    outcome = run(command, tmp_path, env={"RGUNICORN_WORKERS": "3", "WEB_CONCURRENCY": "4"})
    lines = {line.split("=")[0].strip(): line for line in outcome.output.splitlines()}
    assert "7" in lines["workers"]


def test_the_module_is_a_command_too(tmp_path: Path) -> None:
    outcome = run("python -m rgunicorn --version", tmp_path)
    assert outcome.status == 0
    assert outcome.output == run("rgunicorn --version", tmp_path).output
