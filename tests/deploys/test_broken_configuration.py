"""Reloads of a configuration that is broken: it is refused whole, and the old one goes on."""

from __future__ import annotations

import socket

import pytest
from conftest import Serve
from support.project import Project
from support.reloads import reload_in_vain, reload_well, unchanged

pytestmark = pytest.mark.only("rgunicorn")

CONFIGURATIONS = {
    "workers = = 2\n": "SyntaxError",
    "import no_such_module_anywhere\n": "no_such_module_anywhere",
    "raise SystemExit(0)\n": "SystemExit",
    "workers = 'many'\n": "workers",
    "wrokers = 2\n": "workers",
    "timeout = -1\n": "timeout",
}


def test_a_config_file_that_is_broken(deploy: Serve, project: Project) -> None:
    config = project.directory / "gunicorn.conf.py"
    config.write_text("workers = 2\n")
    server = deploy()
    server.wait_log("note: loaded", times=2)
    with unchanged(server):
        project.release("2")
        for text, pattern in CONFIGURATIONS.items():
            config.write_text(text)
            reload_in_vain(server, pattern)
        config.unlink()
    config.write_text("workers = 2\n")
    reload_well(server, project)


def test_a_config_file_that_is_gone(deploy: Serve, project: Project) -> None:
    config = project.directory / "site.conf.py"
    config.write_text("workers = 2\n")
    server = deploy(config="site.conf.py")
    server.wait_log("note: loaded", times=2)
    with unchanged(server):
        project.release("2")
        config.unlink()
        reload_in_vain(server, "site.conf.py")
    config.write_text("workers = 2\n")
    reload_well(server, project)


def test_an_address_that_is_taken(deploy: Serve, project: Project) -> None:
    config = project.directory / "gunicorn.conf.py"
    config.write_text("workers = 2\nbind = '127.0.0.1:0'\n")
    server = deploy(bind=None)
    server.wait_log("note: loaded", times=2)
    with socket.create_server(("127.0.0.1", 0)) as other, unchanged(server):
        project.release("2")
        port = other.getsockname()[1]
        config.write_text(f"workers = 2\nbind = ['127.0.0.1:0', '127.0.0.1:{port}']\n")
        reload_in_vain(server, f"{port}.*in use|in use.*{port}")
    config.write_text("workers = 2\nbind = '127.0.0.1:0'\n")
    reload_well(server, project)
