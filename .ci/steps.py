"""The steps, each used by its recipe and by `ci`."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from programs import HAPROXY, NGINX, SLOWHTTPTEST, WRK, provide
from toolbox import (
    ROOT,
    Interpreter,
    StepError,
    Venv,
    cargo_tool,
    check_toolchain,
    describe,
    interpreters,
    output_of,
    run,
)

VENV = Venv(ROOT / ".venv")
WHEELS = ROOT / "target" / "wheels"
SDISTS = ROOT / "target" / "sdist"
FUZZ = ROOT / "fuzz"
CARGO_DENY = "0.20.2"
CARGO_MACHETE = "0.9.2"
CARGO_FUZZ = "0.13.2"
OTHER_CORPORA = {
    "head": ["connection"],
    "differential": ["connection"],
    "greeting": ["proxy", "uwsgi"],
}
LINTED = ["python", ".ci", "benches", "tests", "examples", "fuzz"]
TYPED = [
    "python/rgunicorn",
    ".ci/dev.py",
    *(f"benches/{name}.py" for name in ("bench", "deploys", "reload", "slow")),
    *(f"tests/support/{name}.py" for name in ("load", "presence", "project")),
]


def cargo(*words: str) -> None:
    """Run cargo for the Python of the virtual environment."""
    run("cargo", *words, env={"PYO3_PYTHON": str(VENV.python)})


def setup(_: Sequence[str]) -> None:
    """Everything the other steps need."""
    check_toolchain()
    tools()
    test_requirements(VENV)
    cargo_tool("cargo-machete", CARGO_MACHETE)
    cargo_tool("cargo-deny", CARGO_DENY)


def frontends() -> None:
    """What `tests/nginx` and `tests/haproxy` put in front of the server."""
    provide(NGINX)
    provide(HAPROXY)


def tools() -> None:
    """The virtual environment with the pinned tools."""
    VENV.create(base_interpreter().path).install(ROOT / ".ci" / "requirements.txt")


def base_interpreter() -> Interpreter:
    """The CPython that runs this script, outside of any virtual environment."""
    found = describe(sys.executable)
    if found is None:
        raise StepError(f"`{sys.executable}` has no venv module (Debian: `python3-venv`)")
    return found


def test_requirements(venv: Venv) -> None:
    """What the tests import."""
    venv.install(ROOT / "tests" / "requirements.txt")


def install_for_serving() -> None:
    """The package, built as a user's pip builds it."""
    check_toolchain()
    VENV.create(base_interpreter().path)
    print("\n==> Building rgunicorn (a minute or two the first time)", flush=True)
    VENV.pip(str(ROOT))


def prepare_mysite() -> Path:
    """The Django example: its requirements and its database."""
    project = ROOT / "examples" / "mysite"
    VENV.install(project / "requirements.txt")
    run(VENV.python, "manage.py", "migrate", "--verbosity=0", cwd=project)
    return project


def build(words: Sequence[str]) -> None:
    """A release wheel for the Python of the virtual environment."""
    tools()
    wheel_for(VENV, "--release", *words)


def wheel_for(venv: Venv, *words: str) -> None:
    """A wheel for the Python of an environment, in `target/wheels`."""
    maturin = VENV.program("maturin")
    run(maturin, "build", "--locked", "--out", WHEELS, "-i", venv.python, *words)


def develop(words: Sequence[str]) -> None:
    """A debug build, installed in place."""
    tools()
    inside = {"VIRTUAL_ENV": str(VENV.path)}
    run(VENV.program("maturin"), "develop", "--locked", *words, env=inside)


def fmt(_: Sequence[str]) -> None:
    """Format everything."""
    tools()
    cargo("fmt", "--all")
    cargo("fmt", *of_fuzz())
    run(VENV.program("ruff"), "format", *linted())
    run(VENV.program("ruff"), "check", "--fix", *linted())


def linted() -> list[str]:
    """The Python sources that are there."""
    return [name for name in LINTED if (ROOT / name).exists()]


def fmt_check() -> None:
    """Formatting of Rust and Python."""
    cargo("fmt", "--all", "--check")
    cargo("fmt", "--check", *of_fuzz())
    run(VENV.program("ruff"), "format", "--check", *linted())


def clippy() -> None:
    """Clippy with warnings as errors."""
    cargo(
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--quiet",
        "--keep-going",
        "--",
        "-D",
        "warnings",
    )


def of_fuzz() -> list[str]:
    """The words that send cargo to the workspace of the fuzz targets."""
    return ["--manifest-path", str(FUZZ / "Cargo.toml")]


def fuzz_on_stable() -> None:
    """Corpora and past crashes through the code of the fuzz targets, beside hyper and h11."""
    tools()
    VENV.install(FUZZ / "requirements.txt")
    stable = [*of_fuzz(), "--no-default-features", "--locked", "--quiet"]
    # The dependencies are those of the main workspace, so their builds are shared with it.
    target = os.environ.get("CARGO_TARGET_DIR") or str(ROOT / "target")
    env = {"CARGO_TARGET_DIR": target, "FUZZ_H11": str(VENV.python)}
    run("cargo", "clippy", "--all-targets", *stable, "--", "-D", "warnings", env=env)
    run("cargo", "test", *stable, env=env)


def fuzz(words: Sequence[str]) -> None:
    """Every fuzz target for a minute; or the one that is named, or for that many seconds."""
    targets = sorted(file.stem for file in (FUZZ / "fuzz_targets").glob("*.rs"))
    seconds = next((word for word in words if word.isdigit()), "60")
    named = [word for word in words if not word.isdigit()]
    unknown = [word for word in named if word not in targets]
    if unknown:
        raise StepError(f"no fuzz target `{unknown[0]}` (there are {', '.join(targets)})")
    if output_of("cargo", "+nightly", "--version") is None:
        raise StepError("fuzzing needs a nightly compiler: rustup toolchain install nightly")
    tools()
    VENV.install(FUZZ / "requirements.txt")
    programs = cargo_tool("cargo-fuzz", CARGO_FUZZ).parent
    for target in named or targets:
        fuzz_one(target, seconds, programs)


def fuzz_one(target: str, seconds: str, programs: Path) -> None:
    """Run one fuzz target; what it finds is kept below `target/fuzz`."""
    place = ROOT / "target" / "fuzz"
    found, broken = place / "corpus" / target, place / "artifacts" / target
    for folder in (found, broken):
        folder.mkdir(parents=True, exist_ok=True)
    names = OTHER_CORPORA.get(target, [target])
    corpora = [found, *(FUZZ / "corpus" / name for name in names)]
    options = [f"-max_total_time={seconds}", "-rss_limit_mb=1024", "-max_len=4096"]
    run(
        "cargo", "+nightly", "fuzz", "run", "--target-dir", place / "build", target, *corpora,
        "--", *options, f"-dict={FUZZ / 'http.dict'}", f"-artifact_prefix={broken}/",
        env={
            "PATH": os.pathsep.join([str(programs), os.environ.get("PATH", os.defpath)]),
            "FUZZ_H11": str(VENV.python),
        },
    )  # fmt: skip


def unit(words: Sequence[str]) -> None:
    """Rust's tests."""
    tools()
    cargo("test", "--workspace", "--locked", "--quiet", *words)


def tidy() -> None:
    """Sizes, imports and names."""
    cargo("run", "--quiet", "--locked", "-p", "rgunicorn-dev", "--", "tidy")


def gen(words: Sequence[str]) -> None:
    """The generated pages."""
    tools()
    cargo("run", "--quiet", "--locked", "-p", "rgunicorn-dev", "--", "gen", *words)


def deny() -> None:
    """Licences, sources, duplicate and unused dependencies."""
    program = cargo_tool("cargo-deny", CARGO_DENY)
    run(program, "--locked", "check", "bans", "licenses", "sources")
    run(cargo_tool("cargo-machete", CARGO_MACHETE), "--skip-target-dir", ROOT / "crates")


def audit(_: Sequence[str]) -> None:
    """Known vulnerabilities; the advisory database is a git repository on GitHub."""
    run(cargo_tool("cargo-deny", CARGO_DENY), "--locked", "check", "advisories")


def ruff() -> None:
    """Python lints."""
    run(VENV.program("ruff"), "check", *linted())


def mypy() -> None:
    """Types of the package and of the tools."""
    run(VENV.program("mypy"), *TYPED, env={"MYPYPATH": os.pathsep.join(["benches", "tests"])})


def install() -> None:
    """Make the source distribution, and install from it with pip, as a user does."""
    shutil.rmtree(SDISTS, ignore_errors=True)
    run(VENV.program("maturin"), "sdist", "--out", SDISTS)
    (made,) = SDISTS.glob("rgunicorn-*.tar.gz")
    target = {"CARGO_TARGET_DIR": os.environ.get("CARGO_TARGET_DIR") or str(ROOT / "target")}
    VENV.pip("--force-reinstall", "--no-deps", made, env=target)


def stubtest() -> None:
    """The stubs against the built module."""
    run(VENV.python, "-m", "mypy.stubtest", "rgunicorn", cwd=ROOT / "docs")


def pytest(venv: Venv, words: Sequence[str]) -> None:
    """The Python tests on whatever is installed in the environment."""
    run(venv.python, "-m", "pytest", *words)


def compat(words: Sequence[str]) -> None:
    """The tests of what a server promises, against peers; known differences are marked there."""
    tools()
    test_requirements(VENV)
    VENV.pip("gunicorn", "uvicorn[standard]")
    folders = ["tests/wsgi", "tests/asgi", "tests/http1"]
    for peer in ("gunicorn", "uvicorn"):
        pytest(VENV, ["-q", "--server", peer, *folders, *words])


def pytest_all() -> None:
    """All of pytest."""
    pytest(VENV, ["-q", "tests"])


# What depends on the interpreter. What the engine does without it was tested on the first.
ON_EVERY_PYTHON = ["tests/wsgi", "tests/asgi", "tests/proxies", "tests/e2e", "tests/docs"]


def other_interpreters() -> list[Interpreter]:
    """The supported CPythons of this machine beside the one that runs this script."""
    ours = base_interpreter().version
    return [each for each in interpreters() if each.version != ours]


def check_on(interpreter: Interpreter) -> None:
    """Build, install and test on another CPython: a debug build, which also checks overflows."""
    venv = Venv(ROOT / f".venv-{interpreter.version}").create(interpreter.path)
    test_requirements(venv)
    wheel_for(venv)
    tag = "cp" + interpreter.version.replace(".", "")
    wheels = sorted(WHEELS.glob(f"rgunicorn-*-{tag}-{tag}-*.whl"), key=os.path.getmtime)
    if not wheels:
        raise StepError(f"maturin left no wheel for {tag} in {WHEELS}")
    venv.pip("--force-reinstall", "--no-deps", wheels[-1])
    pytest(venv, ["-q", *ON_EVERY_PYTHON])


def bench(words: Sequence[str]) -> None:
    """The benchmark beside whatever peers are installed in `$BENCH_VENV` or `.venv-bench`."""
    page = [] if words else ["--output", str(ROOT / "benches" / "results.md")]
    run(bench_venv().python, ROOT / "benches" / "bench.py", *page, *words)


def slow(words: Sequence[str]) -> None:
    """The attacks by slowness, in the same environment."""
    homes = [str(provide(program).parent) for program in (SLOWHTTPTEST, WRK)]
    path = os.pathsep.join([*homes, os.environ.get("PATH", os.defpath)])
    page = [] if words else ["--output", str(ROOT / "benches" / "slow.md")]
    run(bench_venv().python, ROOT / "benches" / "slow.py", *page, *words, env={"PATH": path})


def deploys(words: Sequence[str]) -> None:
    """Reloads, kills and broken releases under load, in the same environment."""
    page = [] if words else ["--output", str(ROOT / "benches" / "deploys.md")]
    run(bench_venv().python, ROOT / "benches" / "deploys.py", *page, *words)


def reload(words: Sequence[str]) -> None:
    """Reloads and memory of the Django example, in the same environment."""
    venv = bench_venv()
    venv.pip("-r", str(ROOT / "examples" / "mysite" / "requirements.txt"))
    page = [] if words else ["--output", str(ROOT / "benches" / "reload.md")]
    run(venv.python, ROOT / "benches" / "reload.py", *page, *words)


def bench_venv() -> Venv:
    """The environment of the benchmarks, with a release build of ours."""
    venv = Venv(Path(os.environ.get("BENCH_VENV") or ROOT / ".venv-bench"))
    if not venv.python.exists():
        venv.create(base_interpreter().path)
        print("    no peers there yet: benches/peers.sh installs them", flush=True)
    venv.pip(str(ROOT))
    venv.pip("uvloop")
    return venv


CHECKS: list[tuple[str, Callable[[], None]]] = [
    ("fmt: cargo fmt, ruff format", fmt_check),
    ("clippy: warnings are errors", clippy),
    ("ruff", ruff),
    ("mypy --strict", mypy),
    ("unit: cargo test, with tidy and gen --check among the tests", lambda: unit([])),
    ("fuzz: corpora and past crashes, beside hyper and h11", fuzz_on_stable),
    ("deny, machete: dependencies", deny),
    ("the package: sdist, pip install", install),
    ("stubtest: stubs against the module", stubtest),
    ("nginx and HAProxy, for the tests behind them", frontends),
    (f"pytest on CPython {base_interpreter().version}", pytest_all),
]
