"""Every example of the README and of the written docs is executed."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from docs.pages import ROOT, Block, blocks, commands, pages
from docs.terminal import Terminal, matches

from docs import curl

PAGES = pages()


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """A terminal in an empty directory."""
    opened = Terminal(tmp_path)
    yield opened
    opened.close()


@pytest.mark.only("rgunicorn")
@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_examples_do_what_the_page_says(page: Path, terminal: Terminal) -> None:
    for block in blocks(page):
        if block.title is not None:
            terminal.save(block.title, block.text)
        if block.language == "console":
            for command in commands(block):
                terminal.type(command)
        elif block.language == "python" and block.title is None:
            run_python(block, terminal)


def run_python(block: Block, terminal: Terminal) -> None:
    """A Python block without a file name is a program that must end well."""
    done = subprocess.run(
        [sys.executable, "-c", terminal.adapted(block.text)],
        cwd=terminal.directory, env=terminal.env, capture_output=True, text=True, timeout=30,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"line {block.line}:\n{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_links_inside_the_repository_lead_somewhere(page: Path) -> None:
    for target in links(page):
        path = (page.parent / target.partition("#")[0]).resolve()
        assert path.exists(), f"{page.name} links to {target}, which is not there"


def links(page: Path) -> Iterator[str]:
    """The relative links of a page."""
    for piece in page.read_text().split("](")[1:]:
        target = piece.partition(")")[0]
        if not target.startswith(("http:", "https:", "#")):
            yield target


def test_what_stands_in_for_curl_knows_the_options_of_the_pages() -> None:
    typed = [
        command.typed
        for page in PAGES
        for block in blocks(page)
        if block.language == "console"
        for command in commands(block)
    ]
    calls = [found[1] for text in typed for found in re.finditer(r"\bcurl ([^;|&>]+)", text)]
    assert calls
    for call in calls:
        words = [word for word in shlex.split(re.sub(r"\$\([^)]*\)", "", call)) if word]
        _, unknown = curl.parser().parse_known_args(words)
        assert not unknown, f"tests/docs/curl.py does not know {unknown}"


def test_the_runner_tells_a_difference() -> None:
    log = "[2026-01-31 12:00:00 +0000] [7] [INFO] Booting worker with pid: 7\nnext\n"
    line = "[2020-01-01 00:00:00 +0100] [4242] [INFO] Booting worker with pid: 4243"
    assert matches([line], log)
    assert matches(["...", "next"], log, whole=True)
    assert not matches([line], log, whole=True)
    assert not matches(["next"], log)


def test_a_backslash_continues_a_command() -> None:
    block = Block("console", None, "$ echo a \\\n    b\na b\n", 10)
    (command,) = commands(block)
    assert command.typed == "echo a b"
    assert command.expected == ["a b"]
