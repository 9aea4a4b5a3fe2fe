"""What `ps` calls the processes, and what becomes of a daemon's standard streams."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from conftest import Serve
from support.commandline import Daemon, run
from support.commands import script

pytestmark = pytest.mark.only("rgunicorn")

APP = "apps.processes_wsgi:app"


def title(pid: int) -> str:
    """What a process is called."""
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")[0]


@pytest.mark.skipif(
    importlib.util.find_spec("setproctitle") is None, reason="needs the package setproctitle"
)
@pytest.mark.parametrize(("settings", "name"), [({}, APP), ({"name": "site"}, "site")])
def test_master_and_workers_are_called_by_a_name(
    serve: Serve, settings: dict[str, str], name: str
) -> None:
    server = serve(APP, **settings)
    assert server.get("/title").text == f"rgunicorn: worker [{name}]"
    assert title(server.pid) == f"rgunicorn: master [{name}]"


@pytest.mark.parametrize("kept", [False, True])
def test_a_daemon_keeps_its_streams_if_it_is_told_to(tmp_path: Path, kept: bool) -> None:
    output = tmp_path / "output"
    words = ["--enable-stdio-inheritance"] if kept else []
    daemon = [script("rgunicorn"), APP, "--daemon", "--pid", "x.pid", "--bind", "127.0.0.1:0"]
    outcome = run(["/bin/sh", "-c", f'exec "$0" "$@" > {output} 2>&1', *daemon, *words], tmp_path)
    assert outcome.status == 0, outcome.text
    master = Daemon(tmp_path / "x.pid")
    output_of_daemon = Path(f"/proc/{master.pid}/fd/1").resolve()
    master.stop()
    assert output_of_daemon == (output if kept else Path("/dev/null"))
