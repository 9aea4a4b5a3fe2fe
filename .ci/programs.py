"""Programs of Debian that the tests and the benchmarks run beside the server.

A program of the machine is used as it is. One that is missing is installed when we are root, and
otherwise downloaded and unpacked into the user's cache, where a small script starts it with the
libraries that came along. Standard library only.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from toolbox import StepError, output_of, run, tools_root

#: Where daemons live; the PATH of a user who is not root may leave these out.
SYSTEM = ("/usr/local/sbin", "/usr/sbin", "/sbin")
QUIET = {"DEBIAN_FRONTEND": "noninteractive"}


@dataclass(frozen=True)
class Program:
    """A program, the packages that hold it, and whether one that was found will do."""

    name: str
    packages: tuple[str, ...]
    fits: Callable[[Path], bool] = lambda _: True

    def locate(self) -> Path | None:
        """The one of the machine, or the one unpacked into the cache; None when neither fits."""
        path = os.pathsep.join([os.environ.get("PATH", os.defpath), *SYSTEM])
        of_machine = shutil.which(self.name, path=path)
        candidates = [Path(of_machine)] if of_machine else []
        candidates.append(unpacked_script(self))
        return next((each for each in candidates if each.exists() and self.fits(each)), None)


@cache
def stream_module(nginx: Path) -> str | None:
    """The line of a configuration that gives nginx its stream module, or None without one."""
    homes = [Path("/usr/lib/nginx/modules"), unpacked_root("nginx") / "usr/lib/nginx/modules"]
    files = [home / "ngx_stream_module.so" for home in homes]
    lines = ["", *(f"load_module {file};" for file in files if file.exists())]
    return next(
        (line for line in lines if accepts(nginx, f"{line}\nevents {{}} stream {{}}")), None
    )


def accepts(nginx: Path, configuration: str) -> bool:
    """Whether this nginx can read a configuration."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "nginx.conf"
        file.write_text(f"pid {directory}/pid; error_log stderr;\n{configuration}\n")
        command = [str(nginx), "-t", "-q", "-p", directory, "-c", str(file)]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


NGINX = Program(
    "nginx",
    ("nginx-light", "libnginx-mod-stream"),
    lambda found: stream_module(found) is not None,
)
HAPROXY = Program("haproxy", ("haproxy", "openssl"))
SLOWHTTPTEST = Program("slowhttptest", ("slowhttptest",))
WRK = Program("wrk", ("wrk",))


def provide(program: Program) -> Path:
    """Make a program available; a `StepError` says what was tried."""
    found = program.locate()
    if found is None:
        if shutil.which("apt-get") is None:
            names = " and ".join(f"`{package}`" for package in program.packages)
            raise StepError(f"`{program.name}` is missing: install what Debian has in {names}")
        install(program) if os.geteuid() == 0 else unpack(program)
        found = program.locate()
    if found is None:
        raise StepError(f"`{program.name}` was installed, but does not run as it is needed")
    print(f"    {program.name}: {found}", flush=True)
    return found


def install(program: Program) -> None:
    """Install the packages into the system, with fresh lists if these are missing or old."""
    words = ["install", "--yes", "--quiet=2", "--no-install-recommends", *program.packages]
    has_lists = any(Path("/var/lib/apt/lists").glob("*_Packages*"))
    if has_lists and output_of("apt-get", *words, env=QUIET) is not None:
        return
    run("apt-get", "update", "--quiet=2")
    run("apt-get", *words, env=QUIET)


def unpack(program: Program) -> None:
    """Download the packages, and what the system lacks for them, and unpack them into the cache."""
    root = unpacked_root(program.name)
    state, cache = root / ".apt" / "state", root / ".apt" / "cache"
    shutil.rmtree(root, ignore_errors=True)
    for folder in (state / "lists" / "partial", cache / "archives" / "partial"):
        folder.mkdir(parents=True)
    status = root / ".apt" / "status"
    status.write_text(installed_beside(program))
    # Lists and archives of our own; the system only says what it has installed.
    own = [
        f"Dir::State={state}", f"Dir::State::status={status}", f"Dir::Cache={cache}",
        "Debug::NoLocking=1",
    ]  # fmt: skip
    apt = ["apt-get", "--quiet=2", *(word for option in own for word in ("-o", option))]
    run(*apt, "update")
    download = ["install", "--download-only", "--yes", "--no-install-recommends"]
    run(*apt, *download, *program.packages)
    for archive in sorted((cache / "archives").glob("*.deb")):
        run("dpkg-deb", "--extract", archive, root)
    shutil.rmtree(root / ".apt")
    write_script(program, root)


def installed_beside(program: Program) -> str:
    """What dpkg has installed, without the program and its modules: these are to be downloaded."""
    theirs = re.compile(rf"Package: (lib)?{program.name}\b")
    status = Path("/var/lib/dpkg/status").read_text(errors="replace")
    return "\n\n".join(each for each in status.split("\n\n") if not theirs.match(each))


def write_script(program: Program, root: Path) -> None:
    """A script that becomes the unpacked program, with the unpacked libraries."""
    homes = [root / folder / program.name for folder in ("usr/sbin", "usr/bin", "sbin", "bin")]
    target = next((each for each in homes if each.exists()), None)
    if target is None:
        raise StepError(f"the packages {', '.join(program.packages)} hold no `{program.name}`")
    pattern = re.compile(r"lib[^/]+\.so(\.|$)")
    found = (file for file in root.rglob("lib*.so*") if pattern.match(file.name))
    libraries = ":".join(sorted({str(file.parent) for file in found}))
    script = unpacked_script(program)
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(
        "#!/bin/sh\n"
        f"export LD_LIBRARY_PATH={shlex.quote(libraries)}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}\n"
        f'exec {shlex.quote(str(target))} "$@"\n'
    )
    script.chmod(0o755)


def unpacked_root(name: str) -> Path:
    """Where the packages of a program are unpacked."""
    return tools_root() / "debian" / name


def unpacked_script(program: Program) -> Path:
    """The script that starts the unpacked program."""
    return tools_root() / "bin" / program.name
