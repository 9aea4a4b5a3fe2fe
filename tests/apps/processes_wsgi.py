"""WSGI: what a worker process is, and what a program that it executes is given."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

DESCRIPTORS = "import os; print(*sorted(int(fd) for fd in os.listdir('/proc/self/fd')))"


def identity() -> str:
    """User, group and further groups."""
    status = dict(
        line.split(":\t", 1)
        for line in Path("/proc/self/status").read_text().splitlines()
        if ":\t" in line
    )
    return "|".join(" ".join(status[name].split()) for name in ("Uid", "Gid", "Groups"))


#: As whom the module was imported.
IMPORTED_AS = identity()


def executed(program: str) -> str:
    """What a Python program prints that inherits everything it can."""
    command = [sys.executable, "-I", "-c", program]
    return subprocess.run(
        command, stdout=subprocess.PIPE, check=True, close_fds=False
    ).stdout.decode()


def spooled(environ: dict[str, Any]) -> str:
    """The length of the body, and of a temporary file with a copy."""
    body = environ["wsgi.input"].read()
    with tempfile.TemporaryFile() as copy:
        copy.write(body)
        return f"{len(body)} {copy.tell()}"


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer by path."""
    text = ""
    match environ["PATH_INFO"]:
        case "/identity":
            text = identity()
        case "/imported":
            text = IMPORTED_AS
        case "/descriptors":
            text = executed(DESCRIPTORS)
        case "/environment":
            text = executed("import os; print(*os.environ)")
        case "/spool":
            text = spooled(environ)
        case "/umask":
            mask = os.umask(0)
            os.umask(mask)
            text = f"{mask:03o}"
        case "/title":
            text = Path("/proc/self/cmdline").read_text().split("\0")[0]
        case "/cwd":
            text = os.getcwd()
        case "/variable":
            text = os.environ.get(environ["QUERY_STRING"], "-")
        case "/orphan":
            text = executed("import os; pid = os.fork(); print(pid) if pid else os._exit(0)")
        case "/pid":
            text = str(os.getpid())
    body = text.strip().encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
