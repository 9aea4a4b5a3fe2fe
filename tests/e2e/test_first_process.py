"""The master as process 1 of a container."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess

import pytest
from conftest import Serve
from support.processes import all_processes, children

pytestmark = pytest.mark.only("rgunicorn")

NAMESPACE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]


@pytest.fixture(autouse=True)
def namespaces() -> None:
    """Skip where no namespace can be made."""
    if shutil.which("unshare") is None:
        pytest.skip("needs unshare (package util-linux)")
    tried = subprocess.run([*NAMESPACE, "true"], stderr=subprocess.DEVNULL, check=False)
    if tried.returncode != 0:
        pytest.skip("no namespace of processes can be made here")


def test_it_collects_orphans_and_obeys_signals(serve: Serve) -> None:
    server = serve("apps.processes_wsgi:app", workers=2, prefix=NAMESPACE, ready=False)
    server.wait_log(r"Listening at: \S+ \(1\)")
    (master,) = server.worker_pids()
    server.wait_until(lambda: len(children(master)) == 2)
    for _ in range(5):
        server.get("/orphan")
    server.wait_until(
        lambda: not [row for row in all_processes() if row.parent == master and not row.alive]
    )
    os.kill(master, signal.SIGTTIN)
    server.wait_until(lambda: len(children(master)) == 3)
    worker = min(children(master))
    os.kill(worker, signal.SIGKILL)
    server.expect("SIGKILL")
    server.wait_until(lambda: len(children(master) - {worker}) == 3)
    os.kill(master, signal.SIGTERM)
    assert server.wait_exit() == 0
    server.wait_log("Shutting down: Master")
