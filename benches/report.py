"""Tables, on the terminal and as the page of results, and the machine they were measured on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import statistics
import subprocess
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TypeVar

from servers import Candidate

ROOT = Path(__file__).resolve().parent.parent
Row = Sequence[str]
Measured = TypeVar("Measured")
#: What the machine did before we started: figures of a busy one are only good for ratios.
LOAD_BEFORE = os.getloadavg()[0]


class Report:
    """Collects sections and prints each as it is finished."""

    def __init__(self) -> None:
        self.sections: list[str] = []

    def table(self, title: str, note: str, header: Row, rows: Sequence[Row]) -> None:
        """Print a table aligned for the terminal, which is good Markdown as well."""
        widths = [max(len(row[at]) for row in [header, *rows]) for at in range(len(header))]

        def line(cells: Row) -> str:
            first = cells[0].ljust(widths[0])
            rest = [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
            return "| " + " | ".join([first, *rest]) + " |"

        rule = "|" + "|".join(
            "-" * (width + 2) if at == 0 else "-" * (width + 1) + ":"
            for at, width in enumerate(widths)
        )
        body = "\n".join([line(header), rule + "|", *map(line, rows)])
        text = f"## {title}\n\n" + (f"{note}\n\n" if note else "") + body + "\n"
        self.sections.append(text)
        print(text, flush=True)

    def write(self, path: Path, servers: Sequence[Candidate], title: str, recipe: str) -> None:
        """Write the page: machine first, then every section."""
        page = [f"# {title}", f"Written by `just {recipe}`; do not edit.", machine(servers)]
        path.write_text("\n\n".join(page) + "\n\n" + "\n".join(self.sections))
        print(f"written to {path}")


def machine(servers: Sequence[Candidate]) -> str:
    """Describe what the figures depend on."""
    packages = sorted({each.package for each in servers if not each.ours} | {"uvloop", "httptools"})
    facts = {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        "commit": commit(),
        "processor": f"{processor()}, {os.cpu_count()} cores",
        "kernel": platform.release(),
        "load before the runs": f"{LOAD_BEFORE:.1f} processes",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "peers": ", ".join(f"{name} {version}" for name in packages if (version := found(name))),
    }
    return "\n".join(f"- {name}: {fact}" for name, fact in facts.items())


def found(package: str) -> str | None:
    """The version of an installed package."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def commit() -> str:
    """The commit that was measured, marked when files differ from it."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty=, with changes"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def processor() -> str:
    """The name of the processor."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def median(samples: Sequence[Measured], field: Callable[[Measured], float]) -> float:
    """The middle value of a field."""
    return statistics.median(field(sample) for sample in samples)
