"""A first start that fails ends at once, with a status and a reason, and is not tried for ever."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import Serve
from support.commandline import patience, run
from support.commands import options
from support.project import BREAKS, Project

pytestmark = pytest.mark.only("rgunicorn")

WAYS: dict[str, dict[str, Any]] = {"plain": {}, "preload": {"preload_app": True}}


@pytest.fixture(params=list(WAYS))
def way(request: pytest.FixtureRequest) -> dict[str, Any]:
    """How the application is loaded."""
    return {"workers": 3, "bind": "127.0.0.1:0", **WAYS[request.param]}


def start(project: Project, settings: dict[str, Any], within: float = 3) -> tuple[int, str]:
    """Run the server to its end: its status and everything it said."""
    outcome = run(["rgunicorn", project.app, *options(settings)], project.directory)
    assert not outcome.left, "processes are left"
    assert outcome.seconds < patience(within), f"it took {outcome.seconds:.1f} s"
    return outcome.status, outcome.text


def test_code_that_cannot_be_imported_ends_with_3(project: Project, way: dict[str, Any]) -> None:
    for how in BREAKS:
        pattern = project.break_by(how)
        status, text = start(project, way)
        assert status == 3, text
        assert pattern in text
        assert text.count("Booting worker") <= way["workers"], "it was tried again"


def test_an_attribute_that_is_missing_ends_with_4(project: Project, way: dict[str, Any]) -> None:
    project.module.write_text("another = None\n")
    status, text = start(project, way)
    assert status == 4, text
    assert "app" in text


def test_a_process_that_is_lost_again_and_again_ends_with_3(
    project: Project, way: dict[str, Any]
) -> None:
    # It may be the kernel's doing, for want of memory, so this is tried a few times.
    project.module.write_text("import os\nos._exit(0)\n")
    status, text = start(project, {**way, "workers": 1}, within=8)
    assert status == 3, text


def test_a_boot_that_hangs_ends_with_a_status(project: Project, way: dict[str, Any]) -> None:
    project.release("1", before="import time\ntime.sleep(60)\n")
    status, text = start(project, {**way, "boot_timeout": 1, "workers": 1}, within=12)
    assert status == 3, text
    assert "project_" in text, "no stack shows where it hangs"


def test_a_warm_up_that_fails_ends_with_3(project: Project, way: dict[str, Any]) -> None:
    project.release("1", warm="500 Internal Server Error")
    status, text = start(project, {**way, "warmup": "/warm"})
    assert status == 3, text
    assert "/warm" in text


def test_a_lifespan_that_fails_ends_with_3(tmp_path: Path, way: dict[str, Any]) -> None:
    project = Project(tmp_path / "server-0", "asgi")
    project.release("1", lifespan="no database here")
    status, text = start(project, way)
    assert status == 3, text
    assert "no database here" in text


def test_an_exit_raised_by_a_request_is_its_500(deploy: Serve) -> None:
    server = deploy()
    server.expect("Error handling request|SystemExit")
    pids = server.worker_pids()
    assert server.get("/exit").status == 500
    assert server.get("/").status == 200
    assert server.worker_pids() == pids
