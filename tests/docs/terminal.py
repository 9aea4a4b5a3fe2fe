"""A terminal for the examples: runs commands, keeps servers, compares what they print."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import uuid
from contextlib import suppress
from pathlib import Path

from docs.pages import INTERRUPT, Command
from support.waiting import DeadlineError, wait_until

PATIENCE = 20.0
SERVERS = ("rgunicorn ", "python -m rgunicorn ", "python serve.py")
ENDS_BY_ITSELF = re.compile(r"--daemon|--check-config|--print-config|--help|--version|[;|&]")
ADDRESS = re.compile(r"(?<=127\.0\.0\.1:)(\d{4})")
#: What differs from run to run, in both texts.
VARYING = [
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}"), "TIME"),
    (re.compile(r"\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}"), "TIME"),
    (re.compile(r"\[\d+\]"), "[PID]"),
    (re.compile(r"\(\d+\)"), "(PID)"),
    (re.compile(r"pid: ?\d+"), "pid: PID"),
    (re.compile(r"rgunicorn/? ?\d+\.\d+\.\d+\S*"), "rgunicorn VERSION"),
]
CURL = Path(__file__).with_name("curl.py")


class Terminal:
    """One reader, in one directory, trying a page from the top to the end."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.mark = f"RGUNICORN_DOCS_MARK={uuid.uuid4()}"
        self.ports: dict[str, str] = {}
        self.server: subprocess.Popen[bytes] | None = None
        binaries = directory / ".bin"
        binaries.mkdir()
        if shutil.which("curl") is None:
            script = f'#!/bin/sh\nexec "{sys.executable}" "{CURL}" "$@"\n'
            (binaries / "curl").write_text(script)
            (binaries / "curl").chmod(0o755)
        # curl shows its progress where its output is no terminal.
        (binaries / ".curlrc").write_text("silent\n")
        name, _, value = self.mark.partition("=")
        path = [str(Path(sys.executable).parent), str(binaries), os.environ.get("PATH", os.defpath)]
        self.env = {
            **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            name: value,
            "CURL_HOME": str(binaries),
            "PATH": os.pathsep.join(path),
            "RGUNICORN_BIND": f"127.0.0.1:{self.port('8000')}",
        }

    def port(self, written: str) -> str:
        """The free port that stands for one of the page."""
        if written not in self.ports:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.ports[written] = str(probe.getsockname()[1])
        return self.ports[written]

    def adapted(self, text: str) -> str:
        """Text of the page with free ports in it."""
        return ADDRESS.sub(lambda found: self.port(found[1]), text)

    def save(self, name: str, text: str) -> None:
        """Write a file the page shows."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.adapted(text))

    def type(self, command: Command) -> None:
        """Run a command and compare its output with the page."""
        typed = self.adapted(command.typed)
        ours = typed.startswith(SERVERS)
        serves = ours and not ENDS_BY_ITSELF.search(typed)
        if ours:
            self.stop_server()
        output = self.directory / f".output-{command.line}"
        with output.open("wb") as file:
            process = subprocess.Popen(
                ["/bin/sh", "-c", f"exec {typed}" if serves else typed],
                cwd=self.directory, env=self.env, stdin=subprocess.DEVNULL,
                stdout=file, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        if serves:
            self.server = process
        self.watch(command, process, output)

    def watch(self, command: Command, process: subprocess.Popen[bytes], output: Path) -> None:
        """Wait until the expected text is there, and for the end of what is no server."""
        before, interrupt, after = split(command.expected)

        def printed() -> str:
            return output.read_text(errors="replace")

        if process is self.server:
            with suppress(DeadlineError):
                wait_until(
                    lambda: matches(before, printed()) or process.poll() is not None,
                    within=PATIENCE,
                )
            assert matches(before, printed()), self.differs(command, printed())
            if interrupt:
                process.send_signal(signal.SIGINT)
                process.wait(PATIENCE)
                assert matches([*before, *after], printed()), self.differs(command, printed())
            return
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            raise AssertionError(self.differs(command, printed() + "(still running)")) from None
        assert matches(before, printed(), whole=True), self.differs(command, printed())

    def differs(self, command: Command, printed: str) -> str:
        """Explain a difference."""
        expected = "\n".join(command.expected)
        return (
            f"line {command.line}: $ {command.typed}\n--- page\n{expected}\n--- printed\n{printed}"
        )

    def stop_server(self) -> None:
        """End the server of the page, as its reader would before the next one."""
        if self.server is None:
            return
        self.server.terminate()
        self.server.wait(PATIENCE)
        self.server = None

    def leftovers(self) -> list[int]:
        """Processes the page started and did not end."""
        found = []
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                environ = Path(f"/proc/{entry}/environ").read_bytes()
                gone = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
            except OSError:
                continue
            if self.mark.encode() in environ.split(b"\0") and not gone:
                found.append(int(entry))
        return found

    def close(self) -> None:
        """Stop what runs; a page must leave nothing behind."""
        self.stop_server()
        try:
            wait_until(lambda: not self.leftovers(), what="the end of what the page started")
        finally:
            for pid in self.leftovers():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def split(expected: list[str]) -> tuple[list[str], bool, list[str]]:
    """What comes before and after the `^C` of the reader."""
    if INTERRUPT not in expected:
        return expected, False, []
    at = expected.index(INTERRUPT)
    return expected[:at], True, expected[at + 1 :]


def matches(expected: list[str], printed: str, *, whole: bool = False) -> bool:
    """Compare; `...` stands for any text in a line, and alone for any lines."""
    pattern = ""
    for line in expected:
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pieces = (re.escape(steady(piece)) for piece in line.split("..."))
            pattern += ".*?".join(pieces) + r"[ ]*\n"
    text = steady(printed)
    if text and not text.endswith("\n"):
        text += "\n"
    return re.match(pattern + (r"\Z" if whole else ""), text) is not None


def steady(text: str) -> str:
    """Text without what differs from run to run."""
    for pattern, word in VARYING:
        text = pattern.sub(word, text)
    return re.sub(r"(?<=127\.0\.0\.1:)\d+", "PORT", text)
