"""What the steps share: running commands, virtual environments, interpreters, cargo tools.

Standard library only: this runs before anything has been installed.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUPPORTED = tuple(f"3.{minor}" for minor in range(10, 15))


class StepError(Exception):
    """A step that failed; the text says what to do."""


@dataclass
class Report:
    """How every step went, in order."""

    lines: list[tuple[str, bool, float]] = field(default_factory=list)

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Announce a step and say how long it took; a failure is kept and the next step runs."""
        print(f"\n==> {title}", flush=True)
        begin = time.monotonic()
        passed = False
        try:
            yield
            passed = True
        except StepError as error:
            print(f"    FAILED: {error}", file=sys.stderr, flush=True)
        finally:
            took = time.monotonic() - begin
            self.lines.append((title, passed, took))
            print(f"    {'done' if passed else 'failed'} in {took:.1f} s", flush=True)

    @property
    def passed(self) -> bool:
        """Whether no step has failed so far."""
        return all(passed for _, passed, _ in self.lines)

    def summary(self) -> str:
        """One line a step, and the total."""
        rows = [
            f"  {'ok    ' if passed else 'FAILED'} {took:7.1f} s  {title}"
            for title, passed, took in self.lines
        ]
        total = sum(took for _, _, took in self.lines)
        verdict = "passed" if self.passed else "FAILED"
        return "\n".join([f"\n{verdict}: {len(rows)} steps in {total:.0f} s", *rows])


def run(*command: str | Path, env: Mapping[str, str] | None = None, cwd: Path = ROOT) -> None:
    """Run a command of a step; a non-zero status is a `StepError`."""
    words = [str(word) for word in command]
    print(f"    $ {shlex.join(words)}", flush=True)
    try:
        status = subprocess.run(words, cwd=cwd, env={**os.environ, **(env or {})}).returncode
    except FileNotFoundError as error:
        raise StepError(f"`{words[0]}` was not found: is it installed and on PATH?") from error
    if status != 0:
        raise StepError(f"`{words[0]}` ended with status {status}")


def output_of(*command: str | Path, env: Mapping[str, str] | None = None) -> str | None:
    """What a command prints, or None when it cannot be run or fails."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, env={**os.environ, **(env or {})}
        )
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


@dataclass(frozen=True)
class Venv:
    """A virtual environment at the root of the repository."""

    path: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.path / "bin" / "python"

    def program(self, name: str) -> Path:
        """A program installed into it."""
        return self.path / "bin" / name

    def create(self, interpreter: str) -> Venv:
        """Make it, or make it anew when its interpreter is gone or of another version."""
        wanted = output_of(interpreter, "-c", "import sys; print(sys.version)")
        if (
            wanted is None
            or output_of(self.python, "-c", "import sys; print(sys.version)") != wanted
        ):
            shutil.rmtree(self.path, ignore_errors=True)
            run(interpreter, "-m", "venv", self.path)
        return self

    def install(self, *requirements: Path) -> None:
        """Install requirement files, once for every content they have."""
        present = [file for file in requirements if file.exists()]
        digest = hashlib.sha256(b"\0".join(file.read_bytes() for file in present)).hexdigest()
        stamp = self.path / f"installed-{digest[:16]}"
        if not present or stamp.exists():
            return
        self.pip(*(word for file in present for word in ("-r", str(file))))
        stamp.touch()

    def pip(self, *words: str | Path, env: Mapping[str, str] | None = None) -> None:
        """`pip install` into it."""
        quiet = ["--quiet", "--disable-pip-version-check", "--no-warn-script-location"]
        run(self.python, "-m", "pip", "install", *quiet, *words, env=env)


@dataclass(frozen=True)
class Interpreter:
    """A CPython found on this machine."""

    version: str
    path: str


def interpreters() -> list[Interpreter]:
    """Every supported CPython with `venv`, one a minor version, oldest first."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    found: dict[str, Interpreter] = {}
    for version in SUPPORTED:
        candidates = [f"python{version}"]
        candidates += [str(home / "bin" / "python") for home in sorted(pyenv.glob(f"{version}.*"))]
        for candidate in [sys.executable, *candidates]:
            real = describe(candidate)
            if real is not None and real.version == version:
                found.setdefault(version, real)
    return list(found.values())


def describe(candidate: str) -> Interpreter | None:
    """What a candidate is, or None unless it is a usable CPython with the GIL."""
    probe = (
        "import ensurepip, sys, sysconfig, venv\n"
        "assert sys.implementation.name == 'cpython'\n"
        "assert not sysconfig.get_config_var('Py_GIL_DISABLED')\n"
        "print('%d.%d' % sys.version_info[:2], getattr(sys, '_base_executable', sys.executable))"
    )
    printed = output_of(candidate, "-c", probe)
    if printed is None:
        return None
    version, _, path = printed.partition(" ")
    return Interpreter(version, path)


def cargo_tool(name: str, version: str) -> Path:
    """A cargo subcommand: the one on PATH, or one installed once into the user's cache."""
    on_path = shutil.which(name)
    if on_path and output_of(on_path, "--version") is not None:
        return Path(on_path)
    root = tools_root()
    program = root / "bin" / name
    if version not in (output_of(program, "--version") or ""):
        # Optimising what runs for two seconds, or debug information for it, would take minutes.
        run(
            "cargo", "install", "--quiet", "--locked", "--debug", "--root", root,
            f"{name}@{version}",
            env={
                "CARGO_TARGET_DIR": str(root / "build"),
                "CARGO_INCREMENTAL": "0",
                "CARGO_PROFILE_DEV_DEBUG": "0",
            },
        )  # fmt: skip
        shutil.rmtree(root / "build", ignore_errors=True)
    return program


def tools_root() -> Path:
    """Where tools live: `$RGUNICORN_TOOLS`, the user's cache, or the repository."""
    named = os.environ.get("RGUNICORN_TOOLS")
    if named:
        return Path(named)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    root = cache / "rgunicorn-tools"
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError:
        return ROOT / ".tools"
    return root if os.access(root, os.W_OK) else ROOT / ".tools"


def find_cargo() -> None:
    """Let the places where rustup puts cargo count, also where no login shell has set PATH."""
    homes = [os.environ.get("CARGO_HOME"), str(Path.home() / ".cargo")]
    known = [os.environ.get("PATH", os.defpath), *(f"{home}/bin" for home in homes if home)]
    os.environ["PATH"] = os.pathsep.join(known)


def check_toolchain() -> None:
    """Say at once what of the three things a machine must have is missing."""
    needs: Sequence[tuple[tuple[str, ...], str]] = (
        (("cargo", "--version"), "Rust's toolchain: see https://rustup.rs"),
        (("cargo", "fmt", "--version"), "rustfmt: rustup component add rustfmt"),
        (("cargo", "clippy", "--version"), "clippy: rustup component add clippy"),
        (("cc", "--version"), "a C compiler (`cc`): Debian has it in `build-essential`"),
        ((sys.executable, "-c", "import ensurepip, venv"), "venv: Debian has it in `python3-venv`"),
    )
    missing = [what for command, what in needs if output_of(*command) is None]
    if missing:
        raise StepError("missing " + "; ".join(missing))
