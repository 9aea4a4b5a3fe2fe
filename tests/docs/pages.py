"""Reading a page: its code blocks, and the commands and output of `console` blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
INTERRUPT = "^C"


@dataclass(frozen=True)
class Block:
    """A fenced block; `title` names the file it is."""

    language: str
    title: str | None
    text: str
    line: int


@dataclass(frozen=True)
class Command:
    """What is typed after a `$`, and what the page says comes out of it."""

    typed: str
    expected: list[str]
    line: int


def pages() -> list[Path]:
    """Every written page; the generated ones are compared with their tables elsewhere."""
    folders = [ROOT / "docs" / name for name in ("guide", "concepts", "internals")]
    return [ROOT / "README.md", *sorted(page for each in folders for page in each.glob("*.md"))]


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page, from the top."""
    text = page.read_text()
    for found in FENCE.finditer(text):
        language, _, rest = found["info"].strip().partition(" ")
        title = re.search(r'title="([^"]+)"', rest)
        line = text.count("\n", 0, found.start()) + 1
        yield Block(language, title[1] if title else None, found["text"], line)


def commands(block: Block) -> list[Command]:
    """Split a console block at its prompts; a backslash continues a command."""
    found: list[Command] = []
    continues = False
    for offset, line in enumerate(block.text.splitlines(), start=block.line + 1):
        if continues:
            last = found.pop()
            found.append(Command(last.typed[:-1] + line.strip(), [], last.line))
        elif line.startswith("$ "):
            found.append(Command(line[2:], [], offset))
        else:
            assert found, f"line {offset}: output before the first command"
            found[-1].expected.append(line)
        continues = found[-1].typed.endswith("\\") and not found[-1].expected
    return found
