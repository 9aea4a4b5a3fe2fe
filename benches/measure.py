"""Starting a server, putting load on it, and what that cost: processor time and memory."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from servers import PORT, Candidate

APPS = Path(__file__).resolve().parent / "apps"
TICKS = os.sysconf("SC_CLK_TCK")
PATIENCE = 20.0


class BenchError(Exception):
    """A server that did not start, or load that could not be made."""


@dataclass(frozen=True)
class Pins:
    """Which core serves and which makes the load; empty leaves it to the kernel."""

    server: str
    load: str

    @staticmethod
    def words(core: str) -> list[str]:
        """The prefix of a command that pins it."""
        return ["taskset", "-c", core] if core else []


@dataclass(frozen=True)
class Load:
    """What `wrk` is asked for."""

    path: str
    connections: int
    seconds: int
    #: Whether the clients pause before their next request, and go before all else on their core.
    patient: bool = False


@dataclass(frozen=True)
class Sample:
    """One measurement of one server."""

    per_second: float
    per_cpu_second: float
    cpu: float
    p99_ms: float
    pss_mb: float
    boot: float
    errors: str


@dataclass(frozen=True)
class Running:
    """A server that answers."""

    process: subprocess.Popen[bytes]
    boot: float


@contextmanager
def running(
    server: Candidate, workers: int, pins: Pins, extra: Sequence[str] = ()
) -> Iterator[Running]:
    """Start a server, wait for its first answer, and stop it afterwards."""
    if port_in_use():
        raise BenchError(f"port {PORT} is in use: stop what listens there")
    command = [*Pins.words(pins.server), *server.command(workers), *extra]
    begin = time.monotonic()
    process = subprocess.Popen(
        command, cwd=APPS, env={**os.environ, "PYTHONPATH": str(APPS)},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        await_answer(process)
        yield Running(process, time.monotonic() - begin)
    finally:
        stop(process)


def port_in_use() -> bool:
    """Whether anything listens on the port of the benchmark."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", PORT)) == 0


def await_answer(process: subprocess.Popen[bytes]) -> None:
    """Ask until the server answers; the interval bounds the error of the boot time."""
    give_up = time.monotonic() + PATIENCE
    request = b"GET / HTTP/1.1\r\nHost: bench\r\n\r\n"
    while time.monotonic() < give_up:
        if process.poll() is not None:
            raise BenchError(f"it ended with status {process.returncode}")
        try:
            with socket.create_connection(("127.0.0.1", PORT), 0.5) as client:
                client.settimeout(5)
                client.sendall(request)
                answer = b""
                while part := client.recv(4096):
                    answer += part
                    if answer.endswith(b"Hello, world!"):
                        return
        except OSError:
            time.sleep(0.002)
    raise BenchError(f"it did not answer within {PATIENCE:.0f} s")


def stop(process: subprocess.Popen[bytes]) -> None:
    """TERM, and KILL for whatever of its session is left, also if it was just being forked."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(6)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    give_up = time.monotonic() + PATIENCE
    while (left := session(process.pid)) or port_in_use():
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > give_up:
            raise BenchError(f"port {PORT} is still in use")
        time.sleep(0.02)


def session(leader: int) -> list[int]:
    """The live processes of a session."""
    fields = ((int(entry), stat(int(entry))) for entry in os.listdir("/proc") if entry.isdigit())
    return [pid for pid, one in fields if one and int(one[3]) == leader and one[0] != "Z"]


def stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat after the command, or None when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def tree(root: int) -> list[int]:
    """A process and its descendants."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        fields = stat(int(entry)) if entry.isdigit() else None
        if fields:
            children.setdefault(int(fields[1]), []).append(int(entry))
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += children.get(pid, [])
    return found


def cpu_seconds(pids: Sequence[int]) -> float:
    """Processor time of live processes, user and system."""
    fields = [stat(pid) for pid in pids]
    return sum(int(one[11]) + int(one[12]) for one in fields if one) / TICKS


def pss_mb(pids: Sequence[int]) -> float:
    """Proportional memory: a page shared by four processes counts a quarter in each."""
    total = 0
    for pid in pids:
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        found = re.search(r"^Pss:\s+(\d+)", rollup, re.MULTILINE)
        total += int(found[1]) if found else 0
    return total / 1024


def measure(server: Running, load: Load, pins: Pins) -> Sample:
    """Warm the server up, then count requests against its processor time."""
    wrk(load, pins, seconds=1)
    pids = tree(server.process.pid)
    before = cpu_seconds(pids)
    printed = wrk(load, pins, seconds=load.seconds)
    spent = max(cpu_seconds(pids) - before, 1 / TICKS)
    requests = re.search(r"(\d+) requests in", printed)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", printed)
    if not requests or not rate:
        raise BenchError(f"wrk printed no result: {printed[:200]}")
    trouble = re.findall(r"(?:Socket errors|Non-2xx or 3xx responses): .*", printed)
    return Sample(
        per_second=float(rate[1]),
        per_cpu_second=int(requests[1]) / spent,
        cpu=spent / load.seconds,
        p99_ms=latency(printed),
        pss_mb=pss_mb(pids),
        boot=server.boot,
        errors="; ".join(trouble),
    )


def wrk(load: Load, pins: Pins, seconds: int) -> str:
    """Run `wrk` and return what it prints."""
    script = ["-s", str(APPS / "post10k.lua")] if load.path == "/echo" else []
    first: list[str] = []
    if load.patient:
        script = ["-s", str(APPS / "pause.lua")]
        first = ["chrt", "-f", "10"] if os.geteuid() == 0 and shutil.which("chrt") else []
    shape = ["-t1", f"-c{load.connections}", f"-d{seconds}s", "--latency"]
    url = f"http://127.0.0.1:{PORT}{load.path}"
    command = [*first, *Pins.words(pins.load), "wrk", *shape, *script, url]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def latency(printed: str) -> float:
    """The 99th percentile in milliseconds."""
    found = re.search(r"99%\s+([\d.]+)(us|ms|s|m)", printed)
    scale = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60000.0}
    return float(found[1]) * scale[found[2]] if found else float("nan")
