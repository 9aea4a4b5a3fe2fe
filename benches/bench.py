"""The benchmark: us and whatever peers are installed, in turn, on one pinned core.

`just bench` runs it. Requests per second of server processor time is the figure to compare: it
does not depend on how much of the core the load generator left. Servers take turns, so that a
machine whose speed drifts is unfair to all alike; a figure is the median of its runs. Trust
ratios within one run.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

from measure import BenchError, Load, Pins, Sample, measure, running
from report import Report, median
from servers import CANDIDATES, Candidate, chosen

RESULTS = Path(__file__).resolve().parent / "results.md"


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    names = ", ".join(each.name for each in CANDIDATES)
    parser.add_argument("--servers", help=f"comma separated; default: what is installed of {names}")
    parser.add_argument("--only", choices=["throughput", "start", "access-log"])
    loads = "/@64,/@4,/10k@64,/echo@64"
    parser.add_argument("--loads", default=loads, help="path@connections; default: %(default)s")
    parser.add_argument("-d", "--seconds", type=int, default=3, help="default: %(default)s")
    parser.add_argument("-n", "--runs", type=int, default=3, help="default: %(default)s")
    parser.add_argument("-w", "--workers", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--core", default="0", help="core of the server; empty: not pinned")
    parser.add_argument("--load-core", default="1", help="core of wrk; empty: not pinned")
    parser.add_argument("--output", type=Path, help=f"write the page (as {RESULTS.name})")
    return parser.parse_args()


def main() -> int:
    """Run the sections that were asked for."""
    options = arguments()
    for program in ("wrk", "taskset"):
        if shutil.which(program) is None:
            print(f"bench: `{program}` is not installed (Debian: apt install wrk util-linux)")
            return 1
    servers = chosen(options.servers)
    pins = Pins(options.core, options.load_core)
    report = Report()
    if options.only in (None, "throughput"):
        for one in options.loads.split(","):
            path, _, connections = one.partition("@")
            load = Load(path, int(connections or 64), options.seconds)
            for interface in ("wsgi", "asgi"):
                group = [each for each in servers if each.interface == interface]
                throughput(group, load, pins, options, report)
    if options.only in (None, "start"):
        cold_start(servers, options.runs + 2, report)
    if options.only in (None, "access-log"):
        access_log([each for each in servers if each.ours], pins, options, report)
    if options.output:
        report.write(options.output, servers, "Benchmark results", "bench")
    return 0


def throughput(
    servers: Sequence[Candidate],
    load: Load,
    pins: Pins,
    options: argparse.Namespace,
    report: Report,
) -> None:
    """Measure one path with one number of connections, one interface."""
    if not servers:
        return
    samples: dict[str, list[Sample]] = {each.name: [] for each in servers}
    problems: dict[str, str] = {}
    for _ in range(options.runs):
        for server in servers:
            try:
                with running(server, options.workers, pins) as live:
                    samples[server.name].append(measure(live, load, pins))
            except BenchError as problem:
                problems[server.name] = str(problem)
    header = ["server", "req/s", "req/cpu-s", "cpu", "p99 ms", "PSS MB", "boot s", "errors"]
    rows = [
        row(name, taken, problems.get(name, ""))
        for name, taken in sorted(
            samples.items(),
            key=lambda item: median(item[1], lambda s: s.per_cpu_second) if item[1] else 0,
            reverse=True,
        )
    ]
    title = f"{servers[0].interface.upper()} `{load.path}`, {load.connections} connections"
    note = (
        f"{options.workers} worker, server on core {pins.server or 'any'}, "
        f"wrk on core {pins.load or 'any'}, keep-alive, {options.runs} runs of {load.seconds} s."
    )
    report.table(title, note, header, rows)


def row(name: str, taken: Sequence[Sample], problem: str) -> list[str]:
    """One line of the table."""
    if not taken:
        return [name, "-", "-", "-", "-", "-", "-", problem]
    return [
        name,
        f"{median(taken, lambda s: s.per_second):,.0f}",
        f"{median(taken, lambda s: s.per_cpu_second):,.0f}",
        f"{median(taken, lambda s: s.cpu):.2f}",
        f"{median(taken, lambda s: s.p99_ms):.2f}",
        f"{median(taken, lambda s: s.pss_mb):.1f}",
        f"{median(taken, lambda s: s.boot):.2f}",
        "; ".join(filter(None, [problem, taken[-1].errors])),
    ]


def cold_start(servers: Sequence[Candidate], runs: int, report: Report) -> None:
    """Measure from the start of the command to the first answer, with four workers."""
    boots: dict[str, list[float]] = {each.name: [] for each in servers}
    for _ in range(runs):
        for server in servers:
            try:
                with running(server, 4, Pins("", "")) as live:
                    boots[server.name].append(live.boot * 1000)
            except BenchError as problem:
                print(f"{server.name}: {problem}")
    ranked = sorted((statistics.median(taken), name) for name, taken in boots.items() if taken)
    rows = [[name, f"{middle:.0f}", f"{min(boots[name]):.0f}"] for middle, name in ranked]
    note = f"4 workers where the server has workers, no pins, {runs} starts."
    report.table(
        "Cold start, from the command to the first answer",
        note, ["server", "median ms", "best ms"], rows,
    )  # fmt: skip


def access_log(
    servers: Sequence[Candidate], pins: Pins, options: argparse.Namespace, report: Report
) -> None:
    """Compare our throughput with an access log to a file and without."""
    rows = []
    load = Load("/", 64, options.seconds)
    with tempfile.TemporaryDirectory() as directory:
        on = ["--access-logfile", str(Path(directory) / "access.log")]
        for server in servers:
            taken: dict[bool, list[Sample]] = {False: [], True: []}
            for _ in range(options.runs):
                for logging in (False, True):
                    try:
                        with running(server, 1, pins, on if logging else []) as live:
                            taken[logging].append(measure(live, load, pins))
                    except BenchError as problem:
                        print(f"{server.name}: {problem}")
            if taken[False] and taken[True]:
                off_rate = median(taken[False], lambda s: s.per_cpu_second)
                on_rate = median(taken[True], lambda s: s.per_cpu_second)
                cost = 100 * (1 - on_rate / off_rate)
                rows.append([server.name, f"{off_rate:,.0f}", f"{on_rate:,.0f}", f"{cost:.1f} %"])
    header = ["server", "off, req/cpu-s", "on, req/cpu-s", "cost"]
    report.table("Access log to a file, 64 connections", "", header, rows)


if __name__ == "__main__":
    raise SystemExit(main())
