"""Writes the table of `cases/` as a page: `python -m http1.page` in `tests`, or `--check`."""

from __future__ import annotations

import sys
from pathlib import Path

from http1.cases import GROUPS
from support.conformance import Case, Group

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "conformance-http1.md"

INTRODUCTION = """\
<!-- Written by `python -m http1.page` in tests, from tests/http1/cases; do not edit. -->

# HTTP/1.1 conformance

The {count} raw requests that `tests/http1/test_conformance.py` sends to the real server over TCP
and unix sockets, under the `sync` and the `asgi` worker class: whole, followed by another request
in the same bytes, byte by byte, and some of them split at every position. The outcome has to be
the same every time, on the wire and as the application sees it.

*Served* means that the application gets the request, exactly, and that the next request on the
connection is served as well. *Closed* means that the server ends the connection after the answer,
and that nothing of what follows reaches the application; nor does a request that is refused. The
rule is a section of an RFC or a [setting](settings.md). Where it leaves a choice, what was chosen
is named behind it.
"""


def text() -> str:
    """The whole page."""
    count = f"{sum(len(group.cases) for group in GROUPS):,}"
    return "\n".join([INTRODUCTION.format(count=count), *map(section, GROUPS)])


def section(group: Group) -> str:
    """One subject and its rows."""
    rows = [
        f"| {cell(case.name)} | {cell(case.clause)} | {outcome(case)} |" for case in group.cases
    ]
    head = ["| Request | Rule | Outcome |", "| --- | --- | --- |"]
    return "\n".join([f"## {group.title}", "", *head, *rows, ""])


def cell(words: str) -> str:
    """Text in a table: nothing in it is markup, but for the names of settings."""
    for mark in ("\\", "|", "*", "_", "<"):
        words = words.replace(mark, f"\\{mark}")
    return words if "`" not in words else words.replace("\\_", "_")


def outcome(case: Case) -> str:
    """What has to come of a request."""
    parts = []
    for answer in case.answers:
        interim = "100, then " if answer.continues else ""
        parts.append(f"{interim}{'served' if answer.status == 200 else answer.status}")
    several = len(parts) > 2 and len(set(parts)) == 1
    words = f"{len(parts)} {parts[0]}" if several else ", ".join(parts)
    words += ", cut" if any(answer.cut for answer in case.answers) else ""
    words += ", closed" if case.closed else ""
    words = words.removeprefix(", ")
    settings = ", ".join(setting(name, value) for name, value in case.settings.items())
    return f"{words}; with {settings}" if settings else words


def setting(name: str, value: object) -> str:
    """A setting of the server."""
    return f"`{name}`" if value is True else f"`{name}` {value}"


def main(words: list[str]) -> int:
    """Write the page, or say whether it is what the table says."""
    if words == ["--check"]:
        return 0 if PAGE.read_text() == text() else 1
    PAGE.write_text(text())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
