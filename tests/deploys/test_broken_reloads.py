"""Reloads that cannot succeed: the old code goes on, nobody notices, and the log says why."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import Serve
from support.project import BREAKS, Project
from support.reloads import reload_in_vain, reload_well, unchanged

pytestmark = pytest.mark.only("rgunicorn")


def test_code_that_cannot_be_imported(
    deploy: Serve, project: Project, strategy: dict[str, Any]
) -> None:
    server = deploy(workers=2, **strategy)
    with unchanged(server):
        for how in BREAKS:
            reload_in_vain(server, project.break_by(how))
        project.remove()
        reload_in_vain(server, f"No module named '{project.module.stem}'")
        project.module.write_text("another = None\n")
        reload_in_vain(server, "app")
    reload_well(server, project)


def test_code_that_ends_or_crashes_its_process(
    deploy: Serve, project: Project, strategy: dict[str, Any]
) -> None:
    server = deploy(workers=2, **strategy)
    with unchanged(server):
        project.module.write_text("import os\nos._exit(0)\n")
        reload_in_vain(server, "exited with code 0")
        project.module.write_text("import ctypes\nctypes.string_at(0)\n")
        reload_in_vain(server, "SIGSEGV")
    reload_well(server, project)


def test_a_boot_that_hangs(deploy: Serve, project: Project, strategy: dict[str, Any]) -> None:
    server = deploy(workers=2, boot_timeout=2, **strategy)
    with unchanged(server):
        project.release("2", before="import time\ntime.sleep(60)\n")
        reload_in_vain(server, r"project_\w+\.py\", line 2")
    reload_well(server, project)


def test_a_warm_up_that_fails(deploy: Serve, project: Project, strategy: dict[str, Any]) -> None:
    server = deploy(workers=2, warmup="/warm", **strategy)
    with unchanged(server):
        project.release("2", warm="500 Internal Server Error")
        reload_in_vain(server, "/warm.*500|500.*/warm")
    reload_well(server, project)


def test_a_lifespan_that_fails(deploy: Serve, project: Project, strategy: dict[str, Any]) -> None:
    if project.interface != "asgi":
        pytest.skip("WSGI has no lifespan")
    server = deploy(workers=2, **strategy)
    with unchanged(server):
        project.release("2", lifespan="no database here")
        reload_in_vain(server, "no database here")
    reload_well(server, project)
