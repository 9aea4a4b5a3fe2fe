"""Deploys under load: what HUP, killed workers and a broken release cost the clients.

`just deploys` runs it. Every server has two workers and 64 clients, half of which keep their
connections; each request is accounted for and none is sent twice. Ours is held to its promises: no
request fails because of a reload, good or broken, and of a killed worker only those inside it.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from measure import BenchError, port_in_use, stop, tree
from report import ROOT, Report
from servers import PORT, Candidate, chosen

sys.path.insert(0, str(ROOT / "tests"))

from support.address import Address
from support.load import Load
from support.project import Project

WORKERS = 2
RELOADS = 5
KILLS = 3
#: Seconds that a reload may take, and for which a broken one is watched.
PATIENCE, WATCHED = 20.0, 5.0
SERVERS = (
    "rgunicorn-sync,rgunicorn-asgi,gunicorn-sync,gunicorn-gthread,gunicorn-asgi,"
    "uvicorn,granian-wsgi,granian-asgi"
)


@dataclass
class Act:
    """What one part of the test did to the clients."""

    answered: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    longest_ms: float = 0.0
    #: How it went, in words.
    outcome: str = ""

    def count(self, load: Load) -> None:
        """Take over what the clients have seen."""
        self.answered = load.answered
        self.failed = Counter(failure.reason for failure in load.failures)
        self.longest_ms = 1000 * load.longest

    def cells(self) -> list[str]:
        """The columns of the table."""
        reasons = ", ".join(f"{count} {reason}" for reason, count in self.failed.most_common(3))
        counts = [str(self.answered), str(self.failed.total()), reasons or "-"]
        return [*counts, f"{self.longest_ms:.0f}", self.outcome]


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--servers", default=SERVERS, help="default: %(default)s")
    parser.add_argument("--output", type=Path, help="write the page")
    return parser.parse_args()


def main() -> int:
    """Deploy under every server; the status says whether ours kept its promises."""
    options = arguments()
    servers = [each for each in chosen(options.servers) if each.installed]
    report, complaints = Report(), []
    rows: dict[str, list[list[str]]] = {title: [] for title, _, _ in ACTS}
    for server in servers:
        for title, perform, lossless in ACTS:
            act = played(server, perform)
            rows[title].append([server.name, *act.cells()])
            print(rows[title][-1], file=sys.stderr, flush=True)
            if server.ours and (act.outcome.startswith("!") or (lossless and act.failed)):
                complaints.append(f"{server.name}, {title}: {act.cells()}")
    header = ["server", "answered", "failed", "why", "longest ms", "outcome"]
    note = f"{WORKERS} workers; 32 keep-alive and 32 one-shot clients with 20 ms between requests."
    for title, lines in rows.items():
        report.table(title, note, header, lines)
    if options.output:
        report.write(options.output, servers, "Deploys under load", "deploys")
    for complaint in complaints:
        print(f"BROKEN: {complaint}")
    return 1 if complaints else 0


def played(server: Candidate, perform: Callable[[int, Project, Load], str]) -> Act:
    """Start a server with a project of its own, and do something to it under load."""
    act = Act()
    with tempfile.TemporaryDirectory() as name:
        project = Project(Path(name) / "site", server.interface)
        process = start(server, project)
        try:
            with Load(Address("127.0.0.1", PORT)) as load:
                act.outcome = perform(process.pid, project, load)
            act.count(load)
        except (AssertionError, BenchError) as problem:
            act.outcome = f"! {problem}"
        finally:
            stop(process)
    return act


def start(server: Candidate, project: Project) -> subprocess.Popen[bytes]:
    """The server of the project, once it answers."""
    if port_in_use():
        raise BenchError(f"port {PORT} is in use: stop what listens there")
    command = [*server.command(WORKERS)]
    command = [project.app if word.startswith("bench_") else word for word in command]
    path = os.pathsep.join([str(ROOT / "tests"), str(project.directory)])
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(
        command, cwd=project.directory, start_new_session=True,
        env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=quiet, stdout=quiet, stderr=quiet,
    )  # fmt: skip
    give_up = time.monotonic() + PATIENCE
    while not port_in_use() or len(tree(process.pid)) <= WORKERS:
        if process.poll() is not None or time.monotonic() > give_up:
            stop(process)
            raise BenchError(f"{server.name} does not start")
        time.sleep(0.01)
    return process


def reload(master: int, project: Project, load: Load) -> str:
    """New code by HUP, again and again; the time until nothing but the new code answers."""
    took = []
    for number in range(2, 2 + RELOADS):
        version = str(number)
        project.release(version)
        began = time.monotonic()
        os.kill(master, signal.SIGHUP)
        seen = load.by_version
        while set(load.by_version - seen) != {version}:
            if time.monotonic() - began > PATIENCE:
                return f"! the old code still answers after {PATIENCE:.0f} s"
            seen = load.by_version
            load.wait_round()
        took.append(time.monotonic() - began)
    return f"{sum(took) / len(took):.1f} s a reload"


def kill(master: int, _: Project, load: Load) -> str:
    """Workers killed, one a second."""
    for _round in range(KILLS):
        seen = load.by_worker
        load.wait_round()
        serving = [pid for pid in load.by_worker - seen if pid in tree(master)]
        if not serving:
            return "! nobody answers"
        os.kill(serving[0], signal.SIGKILL)
        time.sleep(1)
    load.wait_round()
    return f"{KILLS} killed, {len(load.by_worker) - WORKERS} replaced"


def release_broken(master: int, project: Project, load: Load) -> str:
    """Code that cannot be imported."""
    project.break_by("exception")
    os.kill(master, signal.SIGHUP)
    time.sleep(WATCHED)
    seen = load.answered
    with suppress(AssertionError):
        load.wait_round(within=WATCHED)
    return "the old code serves" if load.answered - seen > 64 else "! the site is down"


ACTS: list[tuple[str, Callable[[int, Project, Load], str], bool]] = [
    (f"{RELOADS} reloads by HUP", reload, True),
    (f"{KILLS} workers killed by SIGKILL", kill, False),
    ("HUP to code that raises an exception when it is imported", release_broken, True),
]


if __name__ == "__main__":
    raise SystemExit(main())
