"""Reloads of the Django example and the memory of its workers, with `--preload` and without.

`just reload` runs it, beside gunicorn. A reload begins with HUP and is over when every process of
before has gone and every new worker has answered. As many clients as there are workers make
requests all the while; those that fail are counted.
"""

from __future__ import annotations

import argparse
import http.client
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from measure import APPS, BenchError, port_in_use, pss_mb, stop, tree
from report import ROOT, Report, median
from servers import BINARIES, PORT, Candidate

sys.path.insert(0, str(ROOT / "tests"))

from support.django import prepare_site

PATIENCE = 60.0
RESULTS = Path(__file__).resolve().parent / "reload.md"

OURS = "rgunicorn bench_mysite:app -b 127.0.0.1:{port} -w {workers} -k sync"
THEIRS = "gunicorn bench_mysite:app -b 127.0.0.1:{port} -w {workers} -k sync --no-control-socket"
CANDIDATES = [
    Candidate("rgunicorn", "wsgi", "rgunicorn", OURS),
    Candidate("rgunicorn --preload", "wsgi", "rgunicorn", OURS + " --preload"),
    Candidate("gunicorn", "wsgi", "gunicorn", THEIRS),
    Candidate("gunicorn --preload", "wsgi", "gunicorn", THEIRS + " --preload"),
]


@dataclass
class Reload:
    """One reload as its clients saw it: seconds from its begin, and requests."""

    first: float
    done: float
    failed: int


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("-n", "--runs", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--memory-workers", type=int, default=4, help="default: %(default)s")
    parser.add_argument("--reload-workers", type=int, default=8, help="default: %(default)s")
    parser.add_argument("--output", type=Path, help=f"write the page (as {RESULTS.name})")
    return parser.parse_args()


def main() -> int:
    """Measure memory, then reloads."""
    options = arguments()
    servers = [each for each in CANDIDATES if each.installed]
    report = Report()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        site = prepare_site(directory, directory)
        memory(servers, options.memory_workers, site, report)
        reloads(servers, options, site, report)
    if options.output:
        report.write(options.output, servers, "Preloading and reloads", "reload")
    return 0


def memory(
    servers: Sequence[Candidate], workers: int, site: dict[str, str], report: Report
) -> None:
    """What everything occupies once every worker has answered a few requests."""
    rows = []
    for server in servers:
        with running(server, workers, site) as master:
            warm(workers, "/")
            parts = tree(master)
            answering = warm(workers, "/")
            others = [pid for pid in parts if pid != master and str(pid) not in answering]
            figures = [
                pss_mb([master]),
                pss_mb(others),
                pss_mb([int(pid) for pid in answering]) / workers,
                pss_mb(parts),
            ]
            rows.append([server.name, *(f"{figure:.1f}" for figure in figures)])
    header = ["server", "master", "template", "a worker", "all together"]
    note = (
        f"{workers} workers, each of which has answered requests. Proportional set size in MB: "
        "a page that is shared by five processes counts a fifth in each."
    )
    report.table("Memory of the Django example", note, header, rows)


def reloads(
    servers: Sequence[Candidate],
    options: argparse.Namespace,
    site: dict[str, str],
    report: Report,
) -> None:
    """How long a reload takes."""
    rows = []
    for server in servers:
        with running(server, options.reload_workers, site) as master:
            warm(options.reload_workers, "/worker")
            runs = [reload(master, options.reload_workers) for _ in range(options.runs)]
        rows.append([
            server.name,
            f"{median(runs, lambda run: run.first):.2f}",
            f"{median(runs, lambda run: run.done):.2f}",
            str(sum(run.failed for run in runs)),
        ])  # fmt: skip
    header = ["server", "first new answer s", "all renewed s", "failed requests"]
    note = (
        f"{options.reload_workers} workers, {options.runs} reloads each, the median. From HUP to "
        "the first answer of a new worker; to the moment when all new ones have answered and all "
        "old ones have gone. gunicorn's `--preload` keeps the old code: its workers are renewed, "
        "the application is not."
    )
    report.table("Reload of the Django example", note, header, rows)


@contextmanager
def running(server: Candidate, workers: int, site: dict[str, str]) -> Iterator[int]:
    """The master of a server that answers."""
    if port_in_use():
        raise BenchError(f"port {PORT} is in use: stop what listens there")
    program, *words = server.words.format(port=PORT, workers=workers).split()
    process = subprocess.Popen(
        [str(BINARIES / program), *words], cwd=APPS,
        env={**os.environ, **site, "PYTHONPATH": str(APPS)},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        yield process.pid
    finally:
        stop(process)


def ask(path: str) -> str | None:
    """The worker that answers a request; None if the request failed."""
    client = http.client.HTTPConnection("127.0.0.1", PORT, timeout=10)
    try:
        client.request("GET", path, headers={"Connection": "close"})
        answer = client.getresponse()
        answer.read()
        return answer.getheader("X-Worker") if answer.status < 500 else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        client.close()


class Clients:
    """Clients that ask at the same time, so that every worker has something to do."""

    def __init__(self, number: int, path: str) -> None:
        self._number = number
        self._path = path
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self.failed = 0
        #: When each worker has answered for the first time.
        self.answered: dict[str, float] = {}

    def __enter__(self) -> Clients:  # noqa: PYI034 - typing.Self is of 3.11
        self._threads = [threading.Thread(target=self._ask) for _ in range(self._number)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def wait(self, done: Callable[[], bool], what: str) -> None:
        """Wait until something is done."""
        give_up = time.monotonic() + PATIENCE
        while not done():
            if time.monotonic() > give_up:
                raise BenchError(f"{what} did not happen")
            time.sleep(0.002)

    def _ask(self) -> None:
        while not self._over.is_set():
            worker = ask(self._path)
            with self._lock:
                if worker is None:
                    self.failed += 1
                else:
                    self.answered.setdefault(worker, time.monotonic())


def warm(workers: int, path: str) -> set[str]:
    """Ask until every worker has answered; their processes."""
    with Clients(2 * workers, path) as clients:
        clients.wait(lambda: len(clients.answered) >= workers, "an answer of every worker")
    return set(clients.answered)


def reload(master: int, workers: int) -> Reload:
    """Reload once, and wait for the end of it."""
    old = set(tree(master)) - {master}
    with Clients(workers, "/worker") as clients:
        begin = time.monotonic()
        os.kill(master, signal.SIGHUP)

        def renewed() -> list[float]:
            return [at for worker, at in clients.answered.copy().items() if int(worker) not in old]

        clients.wait(lambda: len(renewed()) >= workers, "an answer of every new worker")
        clients.wait(lambda: not old & set(tree(master)), "the end of every old worker")
        done = time.monotonic() - begin
    return Reload(min(renewed()) - begin, done, clients.failed)


if __name__ == "__main__":
    sys.exit(main())
