"""The commands behind `./dev` and the recipes of the justfile."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import steps
from toolbox import ROOT, Report, StepError, find_cargo

Command = Callable[[list[str]], None]

#: The folders of tests that run the command.
E2E = ("e2e", "http1", "proxies", "static", "wsgi", "asgi", "wire", "nginx", "haproxy")


def serve_demo(words: list[str]) -> None:
    """Install the package and serve its built-in demo (arguments go to rgunicorn)."""
    steps.install_for_serving()
    os.environ.setdefault("WEB_CONCURRENCY", "3")  # the page shows what each of them does
    serve(["rgunicorn.demo", *words])


def serve_mysite(words: list[str]) -> None:
    """Install the package and serve the Django example (arguments go to rgunicorn)."""
    steps.install_for_serving()
    project = steps.prepare_mysite()
    serve(["mysite.asgi:application", "--chdir", str(project), *words])


def serve(words: list[str]) -> None:
    """Become the server."""
    bound = any(word in ("-b", "--bind") or word.startswith("--bind=") for word in words)
    if not bound:
        print("\n==> Open http://127.0.0.1:8000/ (Ctrl-C stops the server)", flush=True)
    program = str(steps.VENV.program("rgunicorn"))
    os.chdir(ROOT)
    os.execv(program, [program, *words])


def lint(_: list[str]) -> None:
    """Formatting, clippy, ruff and mypy."""
    steps.tools()
    steps.fmt_check()
    steps.clippy()
    steps.ruff()
    steps.mypy()


def test(words: list[str]) -> None:
    """Rust's tests, then pytest on a fresh build."""
    steps.unit([])
    pytest(words)


def pytest(words: list[str]) -> None:
    """Install the package as it is now, then run pytest."""
    steps.test_requirements(steps.VENV)
    steps.develop([])
    steps.pytest(steps.VENV, words or ["tests"])


def setup(words: list[str]) -> None:
    """Everything the other commands need."""
    steps.setup(words)
    steps.frontends()


def ci(_: list[str]) -> None:
    """Everything: checks, tests, the package, and the same on every other CPython found."""
    os.environ["CI"] = "true"  # a test that lacks a program fails here; elsewhere it is skipped
    report = Report()
    with report.step("the toolchain, the virtual environment and its tools"):
        steps.setup([])
    if report.passed:
        for title, action in steps.CHECKS:
            with report.step(title):
                action()
        for interpreter in steps.other_interpreters():
            with report.step(f"CPython {interpreter.version}: debug build, install, pytest"):
                steps.check_on(interpreter)
    print(report.summary(), flush=True)
    if not report.passed:
        sys.exit(1)


COMMANDS: dict[str, Command] = {
    "demo": serve_demo,
    "mysite": serve_mysite,
    "ci": ci,
    "setup": setup,
    "build": steps.build,
    "develop": steps.develop,
    "fmt": steps.fmt,
    "lint": lint,
    "test": test,
    "unit": steps.unit,
    "e2e": lambda words: pytest([*(f"tests/{each}" for each in E2E), *words]),
    "compat": steps.compat,
    "docs": lambda words: pytest(["tests/docs", *words]),
    "gen": steps.gen,
    "tidy": lambda _: steps.tidy(),
    "deny": lambda _: steps.deny(),
    "audit": steps.audit,
    "fuzz": steps.fuzz,
    "bench": steps.bench,
    "slow": steps.slow,
    "deploys": steps.deploys,
    "reload": steps.reload,
}

HELP = """\
usage: ./dev COMMAND [ARGUMENT ...]

to look at it:
  demo      install the package into .venv and serve the built-in demo
  mysite    the same with the Django project of examples/mysite
to check it:
  ci        everything the CI machine runs, on every CPython 3.10-3.14 found
to work on it:
  setup     the virtual environment, its tools, cargo-deny, cargo-machete, nginx, HAProxy
  build     a release wheel in target/wheels
  develop   a debug build, installed into .venv in place
  fmt       format Rust and Python
  lint      formatting, clippy, ruff, mypy
  test      unit, then all of pytest (arguments go to pytest)
  unit      Rust's tests (arguments go to cargo test)
  e2e       pytest on the real command: all of tests but tests/docs
  compat    the same test files against peers
  docs      execute the examples of README and docs
  gen       write the generated pages (gen --check only compares)
  tidy      sizes, imports and names
  deny      licences, sources and duplicate versions of dependencies; unused ones
  audit     known vulnerabilities of dependencies (needs GitHub)
  fuzz      every fuzz target for a minute (or: fuzz TARGET SECONDS; needs a nightly compiler)
  bench     the benchmark beside every installed peer (needs wrk)
  slow      1,000 slow clients beside eight quick ones, for us and for peers
  deploys   reloads, killed workers and broken releases under load, for us and for peers
  reload    reloads and memory of the Django example with and without --preload, beside gunicorn
"""


def main() -> int:
    """Run one command."""
    name, words = (sys.argv[1], sys.argv[2:]) if len(sys.argv) > 1 else ("help", [])
    command = COMMANDS.get(name)
    if command is None:
        print(HELP, end="")
        return 0 if name in ("help", "-h", "--help") else 2
    try:
        find_cargo()
        command(words)
    except StepError as error:
        print(f"./dev {name}: FAILED: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
