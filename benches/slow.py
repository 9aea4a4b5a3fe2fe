"""Attacks by slowness: what 1,000 slow clients do to the eight quick ones, and how they end.

`just slow` runs it. Each server has one worker. `wrk` measures the quick clients alone, then while
`slowhttptest` holds its connections: request heads, request bodies and answers a few bytes at a
time. Ours is told short deadlines, so that a run ends soon; the peers get what they have. Ours is
held to three promises: the quick clients' 99th percentile stays under twice what it was alone,
memory grows by a bounded amount for each connection, and every attacker is closed by the deadline.
All of it needs a quiet machine: on a busy one, quick clients wait for the scheduler. They share a
core with the attackers, so where it is permitted they have real-time priority, and they pause
between requests to leave it to the others; otherwise the kernel's time slices are what is measured.
"""

from __future__ import annotations

import argparse
import math
import re
import resource
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from measure import BenchError, Load, Pins, Running, latency, running, tree, wrk
from report import Report
from servers import PORT, Candidate, chosen

CONNECTIONS = 1000
QUICK = Load("/", 8, 4, patient=True)
DEADLINE = 10
#: Attackers that come each second.
RATE = 250
#: Seconds by which its tool counts late, and by which a server may be late.
SLACK = 3
#: Seconds after which the tool gives up on a server that closes nothing.
PATIENCE = 25
#: Kilobytes that a connection may cost: its buffers in the engine, and what Python adds to them.
PER_CONNECTION = 128

OURS = [
    *("--header-timeout", DEADLINE, "--body-timeout", DEADLINE, "--write-timeout", DEADLINE),
    *("--keep-alive", DEADLINE, "--worker-connections", 2 * CONNECTIONS),
]
PEERS: dict[str, list[object]] = {
    "gunicorn": ["--worker-connections", 2 * CONNECTIONS],
}
#: What `slowhttptest` says when the server has closed them all.
ALL_CLOSED = "no open connections left"
SERVERS = "rgunicorn-sync,rgunicorn-asgi,gunicorn-gthread,uvicorn"


@dataclass(frozen=True)
class Attack:
    """One way to be slow, in the words of `slowhttptest`."""

    name: str
    path: str
    words: str


ATTACKS = [
    Attack("slow headers", "/", "-H -t GET -i 1 -x 10"),
    Attack("slow body", "/echo", "-B -s 8192 -i 1 -x 10"),
    Attack("slow read", "/1m", "-X -w 10 -y 20 -n 1 -z 5"),
]


@dataclass(frozen=True)
class Outcome:
    """What one attack did to one server."""

    alone_ms: float
    under_ms: float
    trouble: str
    grown_kb: float
    #: How many attackers there were at once.
    held: int
    #: Seconds from the last attacker's arrival until all were closed; None if some never were.
    ended: float | None
    #: How `slowhttptest` says it ended. It does not notice that a slow reader was reset: it goes on
    #: reading what it has received before.
    told: str

    @property
    def ratio(self) -> float:
        """How much slower the quick clients were; infinitely, if none was answered."""
        return self.under_ms / self.alone_ms if self.under_ms > 0 else math.inf

    def broken(self) -> list[str]:
        """The promises that were not kept."""
        found = []
        if self.ratio == math.inf:
            found.append("nobody else was answered")
        elif self.ratio >= 2:
            found.append(f"p99 is {self.ratio:.1f} times that without an attack")
        if self.trouble:
            found.append(self.trouble)
        if self.grown_kb > PER_CONNECTION:
            found.append(f"{self.grown_kb:.0f} kB a connection")
        if self.ended is None or self.ended > DEADLINE + SLACK:
            found.append("attackers were not closed by the deadline")
        return found


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--servers", default=SERVERS, help="default: %(default)s")
    names = ", ".join(each.name for each in ATTACKS)
    parser.add_argument("--only", help=f"one of: {names}")
    parser.add_argument("-n", "--runs", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--core", default="0", help="core of the server; empty: not pinned")
    parser.add_argument("--load-core", default="1", help="core of the clients; empty: not pinned")
    parser.add_argument("--output", type=Path, help="write the page")
    return parser.parse_args()


def main() -> int:
    """Attack each server in each way; the status says whether ours kept its promises."""
    options = arguments()
    for program in ("wrk", "slowhttptest", "taskset"):
        if shutil.which(program) is None:
            print(f"slow: `{program}` is not installed: `./dev slow` does it")
            return 1
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    servers = [each for each in chosen(options.servers) if each.installed]
    pins, report = Pins(options.core, options.load_core), Report()
    complaints: list[str] = []
    for attack in ATTACKS:
        if options.only in (None, attack.name):
            complaints += compare(servers, attack, pins, options.runs, report)
    if options.output:
        report.write(options.output, servers, "Slow clients", "slow")
    for complaint in complaints:
        print(f"BROKEN: {complaint}")
    return 1 if complaints else 0


def compare(
    servers: Sequence[Candidate], attack: Attack, pins: Pins, runs: int, report: Report
) -> list[str]:
    """One attack on every server, as a table; returns what ours did not keep."""
    rows, complaints = [], []
    for server in servers:
        try:
            taken = [strike(server, attack, pins) for _ in range(runs)]
        except BenchError as problem:
            rows.append([server.name, *"-------", str(problem)])
            complaints += [f"{server.name}: {problem}"] if server.ours else []
            continue
        outcome = sorted(taken, key=lambda one: one.ratio)[len(taken) // 2]
        broken = outcome.broken()
        rows.append(row(server.name, outcome, "; ".join(broken) or "kept"))
        complaints += [f"{server.name}, {attack.name}: {one}" for one in broken if server.ours]
    header = [
        "server", "p99 alone ms", "under attack ms", "ratio", "kB/connection",
        "held", "closed after s", "slowhttptest", "promises",
    ]  # fmt: skip
    title = f"{attack.name}: {CONNECTIONS} connections, `slowhttptest {attack.words}`"
    note = (
        f"1 worker on core {pins.server or 'any'}, all clients on core {pins.load or 'any'}, "
        "the quick ones ahead of the attackers, with 4 ms between requests; "
        f"deadlines of ours {DEADLINE} s; `slowhttptest` gives up after {PATIENCE} s; "
        f"the run in the middle of {runs}. Held and closed are seen from the server's side, with "
        "the quick clients; memory is the highest so far."
    )
    report.table(title, note, header, rows)
    return complaints


def row(name: str, outcome: Outcome, verdict: str) -> list[str]:
    """One line of the table."""
    ended = "never" if outcome.ended is None else f"{outcome.ended:.1f}"
    answered = outcome.ratio != math.inf
    under, ratio = (f"{outcome.under_ms:.2f}", f"{outcome.ratio:.2f}") if answered else ("-", "-")
    figures = [f"{outcome.alone_ms:.2f}", under, ratio]
    counts = [f"{outcome.grown_kb:.1f}", str(outcome.held), ended, outcome.told]
    return [name, *figures, *counts, verdict]


def strike(server: Candidate, attack: Attack, pins: Pins) -> Outcome:
    """Measure the quick clients of a fresh server alone, then beside the attack."""
    extra = OURS if server.ours else PEERS.get(server.package, [])
    with (
        tempfile.TemporaryDirectory() as directory,
        running(server, 1, pins, [str(word) for word in extra]) as live,
    ):
        wrk(QUICK, pins, seconds=1)
        alone = latency(wrk(QUICK, pins, seconds=QUICK.seconds))
        before = peak_kb(live)
        output = Path(directory) / "attack.txt"
        with Watch(start_attack(attack, output, pins)) as watch:
            watch.await_attackers()
            printed = wrk(QUICK, pins, seconds=QUICK.seconds)
            watch.await_end()
        grown = (peak_kb(live) - before) / CONNECTIONS
        told = how_it_ended(output)
    trouble = "; ".join(re.findall(r"(?:Socket errors|Non-2xx or 3xx responses): .*", printed))
    ended: float | None = watch.closed - watch.complete
    if not watch.none_left and told != ALL_CLOSED:
        ended = None
    return Outcome(alone, latency(printed), trouble, grown, watch.held, ended, told)


class Watch:
    """Counts the connections that the server has open, from the start of an attack to its end."""

    def __init__(self, attackers: subprocess.Popen[bytes]) -> None:
        self.attackers = attackers
        self.held = 0
        #: When most of them were there, and when the last one was seen.
        self.complete = self.closed = time.monotonic()
        self.none_left = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._count)

    def __enter__(self) -> Watch:  # noqa: PYI034 - typing.Self is of 3.11
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self.attackers.kill()
        self.attackers.wait()

    def _count(self) -> None:
        while not self._over.wait(0.25):
            count, now = connected(), time.monotonic()
            if self.attackers.poll() is not None:
                return
            if count > self.held:
                self.held, self.complete = count, now
            self.none_left = count <= QUICK.connections
            if not self.none_left:
                self.closed = now

    def await_attackers(self) -> None:
        """Wait until nearly all of them are connected, or no more come."""
        give_up = time.monotonic() + CONNECTIONS / RATE + SLACK
        while self.held < 0.95 * CONNECTIONS and time.monotonic() < give_up:
            if self.attackers.poll() is not None:
                raise BenchError("slowhttptest ended at once")
            time.sleep(0.02)

    def await_end(self) -> None:
        """Wait until all are closed and their tool knows it, or until the tool gives up."""
        self.attackers.wait(PATIENCE + 30)


def start_attack(attack: Attack, output: Path, pins: Pins) -> subprocess.Popen[bytes]:
    """Start the attack; it is nice, as it would come from other machines than the quick clients."""
    command = [
        *Pins.words(pins.load), "nice", "-n", "19", "slowhttptest",
        *("-c", str(CONNECTIONS), "-r", str(RATE), "-l", str(PATIENCE)),
        *("-u", f"http://127.0.0.1:{PORT}{attack.path}", "-p", "5"),
        *attack.words.split(),
    ]  # fmt: skip
    with output.open("wb") as file:
        return subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)


def connected() -> int:
    """How many connections to the server are established."""
    ours = f"0100007F:{PORT:04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return sum(line.split()[2] == ours and line.split()[3] == "01" for line in lines)


def peak_kb(live: Running) -> float:
    """The most memory that its processes have had so far."""
    total = 0
    for pid in tree(live.process.pid):
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            continue
        found = re.search(r"^VmHWM:\s+(\d+)", status, re.MULTILINE)
        total += int(found[1]) if found else 0
    return total


def how_it_ended(output: Path) -> str:
    """The last words of `slowhttptest`."""
    printed = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", output.read_text(errors="replace"))
    ended = re.search(r"Exit status:\s+(.*)", printed)
    return ended[1].strip().lower() if ended else "said nothing"


if __name__ == "__main__":
    raise SystemExit(main())
