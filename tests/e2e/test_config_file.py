"""Config files: which one is read, what it may say, and what comes of one that is broken."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import Serve
from support.commandline import Outcome, run
from support.commands import TESTS
from support.processes import read_process
from support.server import Server

pytestmark = pytest.mark.only("rgunicorn")

APP = "apps.wsgi_recorded:app"


def check(directory: Path, *options: str, env: dict[str, str] | None = None) -> Outcome:
    """What the server would run with."""
    return run(["rgunicorn", APP, "--print-config", *options], directory, env)


def setting(outcome: Outcome, key: str) -> str:
    """A setting of a configuration that was printed."""
    assert outcome.status == 0, outcome.text
    lines = [line.partition("=") for line in outcome.output.splitlines()]
    return next(value.strip().partition("  ")[0] for name, _, value in lines if name.strip() == key)


def refused(directory: Path, text: str, *says: str, options: tuple[str, ...] = ()) -> str:
    """What is said of a config file that cannot be used."""
    (directory / "gunicorn.conf.py").write_text(text)
    outcome = run(["rgunicorn", APP, "--bind", "127.0.0.1:0", *options], directory)
    assert outcome.status == 1, outcome.text
    for words in says:
        assert words in outcome.errors, f"{words!r} is not in:\n{outcome.errors}"
    assert "Starting rgunicorn" not in outcome.errors
    assert not outcome.left
    return outcome.errors


# Which file.


def test_a_file_by_the_usual_name_is_read_in_the_directory_of_the_start(tmp_path: Path) -> None:
    (tmp_path / "gunicorn.conf.py").write_text("workers = 3\n")
    assert setting(check(tmp_path), "workers") == "3"
    (tmp_path / "rgunicorn.conf.py").write_text("workers = 4\n")
    assert setting(check(tmp_path), "workers") == "4", "our own name comes first"


@pytest.mark.parametrize("prefix", ["", "file:", "./", "file:./"])
def test_another_file_is_named_by_its_path(tmp_path: Path, prefix: str) -> None:
    (tmp_path / "gunicorn.conf.py").write_text("workers = 3\n")
    (tmp_path / "site.conf").write_text("workers = 5\n")
    assert setting(check(tmp_path, "-c", f"{prefix}site.conf"), "workers") == "5"


def test_a_module_is_named_by_its_name(tmp_path: Path) -> None:
    package = tmp_path / "site_settings"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "server.py").write_text("from site_settings import number\nworkers = number.N\n")
    (package / "number.py").write_text("N = 6\n")
    assert setting(check(tmp_path, "-c", "python:site_settings.server"), "workers") == "6"


def test_the_command_line_names_the_file_before_the_variables_do(tmp_path: Path) -> None:
    for name, workers in (("a.py", 2), ("b.py", 3), ("c.py", 4)):
        (tmp_path / name).write_text(f"workers = {workers}\n")
    gunicorns = {"GUNICORN_CMD_ARGS": "--config a.py"}
    ours = {**gunicorns, "RGUNICORN_CMD_ARGS": "-c b.py"}
    assert setting(check(tmp_path, env=gunicorns), "workers") == "2"
    assert setting(check(tmp_path, env=ours), "workers") == "3"
    assert setting(check(tmp_path, "-c", "c.py", env=ours), "workers") == "4"


def test_sources_above_the_file_win(tmp_path: Path) -> None:
    (tmp_path / "gunicorn.conf.py").write_text("workers = 2\ntimeout = 20\nbacklog = 200\n")
    outcome = check(tmp_path, "--timeout", "33", env={"RGUNICORN_WORKERS": "5", "PORT": "9"})
    keys = ("workers", "timeout", "backlog")
    assert [setting(outcome, key) for key in keys] == ["5", "33", "200"]


# What it may say.


def test_it_is_run_where_the_server_was_started_and_knows_its_place(tmp_path: Path) -> None:
    folder = tmp_path / "conf"
    folder.mkdir()
    (folder / "site.py").write_text(
        "import os\n"
        "from helper_beside_the_start import TIMEOUT\n"
        "timeout = TIMEOUT\n"
        "assert __file__ == os.path.join(os.getcwd(), 'conf', 'site.py'), __file__\n"
        "assert __name__ == '__config__'\n"
        "bind = '127.0.0.1:' + open('port').read()\n"
    )
    (tmp_path / "port").write_text("1234")
    (tmp_path / "helper_beside_the_start.py").write_text("TIMEOUT = 9\n")
    outcome = check(tmp_path, "-c", "conf/site.py")
    assert (setting(outcome, "bind"), setting(outcome, "timeout")) == ("['127.0.0.1:1234']", "9")


def test_chdir_of_the_file_is_where_the_application_is(serve: Serve, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "placed.py").write_text(
        "import os\n\n\ndef app(environ, start_response):\n"
        "    start_response('200 OK', [])\n    return [os.getcwd().encode()]\n"
    )
    config = tmp_path / "gunicorn.conf.py"
    config.write_text(f"chdir = {str(project)!r}\n")
    server = serve("placed:app", config=config)
    assert server.get("/").text == str(project)


def test_names_that_are_its_own_business_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "gunicorn.conf.py").write_text(
        "import multiprocessing\nfrom pathlib import Path\n"
        "HERE = Path(__file__).parent\n_cores = 2\n"
        "def double(number):\n    return 2 * number\n"
        "class Site: pass\n"
        "workers = double(_cores)\npidfile = HERE / 'site.pid'\nsite = Site()\n"
    )
    outcome = check(tmp_path)
    assert setting(outcome, "workers") == "4"
    assert setting(outcome, "pidfile") == str(tmp_path / "site.pid")


def test_what_it_does_to_the_environment_is_seen_by_the_application(
    serve: Serve, tmp_path: Path
) -> None:
    config = tmp_path / "env.conf.py"
    config.write_text("import os\nos.environ['HOOKED'] = 'by the file'\n")
    assert serve(APP, config=config).get("/").text == "by the file"
    config.write_text("raw_env = ['HOOKED=by raw_env']\n")
    assert serve(APP, config=config).get("/").text == "by raw_env"
    assert serve(APP, config=config, raw_env="HOOKED=by option").get("/").text == "by option"


# What is wrong with it. Each case: the file, and what must be said.

WRONG = {
    "unknown name": ("wrokers = 3\n", ["wrokers", "workers", "gunicorn.conf.py"]),
    "gunicorn's own": ("threads = 4\n", ["threads", "gunicorn.conf.py"]),
    "wrong type": ("workers = []\n", ["workers", "a list", "a number"]),
    "not called": ("import os\nworkers = os.cpu_count\n", ["workers", "a number"]),
    "wrong value": ("workers = -2\n", ["workers", "-2"]),
    "another hook": (
        "def post_frok(server, worker): pass\n",
        ["`post_frok`", "did you mean `post_fork`?"],
    ),
    "gunicorn's own hook": (
        "def dirty_post_fork(arbiter, worker): pass\n",
        ["`dirty_post_fork`", "leave it out"],
    ),
    "too few arguments": (
        "def post_fork(worker): pass\n",
        ["`post_fork` takes 1 argument, but is called with 2", "def post_fork(server, worker)"],
    ),
    "too many arguments": (
        "def post_request(a, b, c, d, e): pass\n",
        ["`post_request` takes 5 arguments, but is called with 2 to 4"],
    ),
    "no function": ("when_ready = 3\n", ["`when_ready` is 3, which cannot be called"]),
    "no such function": (
        "when_ready = 'os.path.nothing'\n",
        ["`when_ready` is 'os.path.nothing'", "the module `os.path` has no `nothing`"],
    ),
    "no such module": (
        "when_ready = 'no_such_module_here.ready'\n",
        ["there is no module `no_such_module_here`"],
    ),
    "syntax error": ("workers = = 3\n", ['gunicorn.conf.py", line 1', "SyntaxError"]),
    "exception": (
        "def number():\n    return 1 / 0\nworkers = number()\n",
        ['gunicorn.conf.py", line 2, in number', "ZeroDivisionError", "raised an exception"],
    ),
    "missing import": (
        "import no_such_module_here\n",
        ["ModuleNotFoundError: No module named 'no_such_module_here'"],
    ),
    "sys.exit": ("import sys\nsys.exit(0)\n", ["called sys.exit()"]),
    "interrupt": ("raise KeyboardInterrupt\n", ["KeyboardInterrupt"]),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_file_that_is_wrong_is_named_with_the_reason(tmp_path: Path, case: str) -> None:
    text, says = WRONG[case]
    errors = refused(tmp_path, text, *says)
    assert "_config_file.py" not in errors, "a traceback begins in the file"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    refused(tmp_path, "", "`missing.py`", "does not exist", options=("-c", "missing.py"))
    refused(tmp_path, "", "`missing_one`", options=("-c", "python:missing_one"))


# Reloads.


class Site:
    """A config file that a test writes again while the server runs."""

    def __init__(self, serve: Serve, directory: Path, text: str, **settings: Any) -> None:
        self.file = directory / "site.conf.py"
        self.file.write_text(text)
        env = {"PYTHONPATH": f"{TESTS}{os.pathsep}{directory}"}
        self.server: Server = serve(APP, config=self.file, env=env, **settings)

    def hup(self, text: str) -> None:
        """Write the file, and send HUP."""
        self.file.write_text(text)
        self.server.signal("HUP")

    def says(self) -> str:
        """What the application answers."""
        return self.server.get("/").text


def test_a_reload_reads_the_file_again(serve: Serve, tmp_path: Path) -> None:
    site = Site(serve, tmp_path, "workers = 1\nraw_env = ['HOOKED=1']\n")
    assert site.says() == "1"
    # Within the same second and of the same size: nothing that was compiled before may be used.
    site.hup("workers = 2\nraw_env = ['HOOKED=2']\n")
    site.server.wait_until(lambda: site.says() == "2" and len(site.server.worker_pids()) == 2)
    site.hup("workers = 1\n")
    site.server.wait_until(lambda: site.says() == "hello" and len(site.server.worker_pids()) == 1)


def test_a_reload_imports_the_modules_of_the_file_again(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "site_values.py").write_text("SAYS = '1'\n")
    text = "import site_values\nraw_env = [f'HOOKED={site_values.SAYS}']\n"
    site = Site(serve, tmp_path, text)
    assert site.says() == "1"
    (tmp_path / "site_values.py").write_text("SAYS = '2'\n")
    site.hup(text)
    site.server.wait_until(lambda: site.says() == "2")


def test_a_reload_finds_the_environment_as_it_was_at_the_start(
    serve: Serve, tmp_path: Path
) -> None:
    text = "import os\nos.environ['HOOKED'] = os.environ.get('HOOKED', '') + '+'\n"
    site = Site(serve, tmp_path, text)
    assert site.says() == "+"
    old = site.server.worker_pids()
    site.hup(text)
    site.server.wait_until(lambda: site.server.worker_pids().isdisjoint(old))
    site.server.wait_until(lambda: site.says() == "+")


def test_a_reload_takes_the_hooks_of_the_file_as_it_is_now(serve: Serve, tmp_path: Path) -> None:
    hook = "def post_fork(server, worker):\n    server.log.info('{} in %s', worker.age)\n"
    site = Site(serve, tmp_path, hook.format("first"))
    site.server.wait_log("first in 1")
    site.hup(hook.format("second"))
    site.server.wait_log("second in 2")
    site.server.wait_log("Reloaded")
    site.hup("")
    site.server.wait_log("Reloaded", times=2)
    assert site.server.log_lines(" in 3") == 0
    assert site.says() == "hello"


COUNTED = """
import gc


class Weight:
    pass


WEIGHT = Weight()


def post_fork(server, worker):
    weights = [thing for thing in gc.get_objects() if type(thing).__name__ == "Weight"]
    server.log.info("weights: %s", len(weights))
"""


def test_a_reload_lets_go_of_what_the_last_one_has_read(serve: Serve, tmp_path: Path) -> None:
    site = Site(serve, tmp_path, COUNTED)
    site.server.wait_log("weights: 1$")
    for count in range(1, 9):
        old = site.server.worker_pids()
        site.hup(COUNTED)
        site.server.wait_log("Reloaded", times=count)
        # Whoever was reaped has no generation any more.
        site.server.wait_until(lambda old=old: not any(map(read_process, old)))
    site.server.signal("TTIN")
    site.server.wait_log("weights: ", times=10)
    counts = re.findall(r"weights: (\d+)", site.server.log())
    assert counts == ["1", *["2"] * 8, "1"]


BROKEN = [
    "unknown name",
    "wrong value",
    "too few arguments",
    "syntax error",
    "exception",
    "sys.exit",
]


@pytest.mark.parametrize("case", BROKEN)
def test_a_reload_with_a_broken_file_changes_nothing(
    serve: Serve, tmp_path: Path, case: str
) -> None:
    text, says = WRONG[case]
    good = (
        "raw_env = ['HOOKED=good']\n"
        "def post_fork(server, worker):\n    server.log.info('good hook')\n"
    )
    site = Site(serve, tmp_path, good)
    site.server.expect("site.conf.py", "reload", "Reload")
    before = site.server.worker_pids()
    site.hup(text)
    for words in says:
        words = words.replace("gunicorn.conf.py", "site.conf.py")
        site.server.wait_until(lambda words=words: words in site.server.log())
    assert (site.says(), site.server.worker_pids()) == ("good", before)
    # Workers that are made from now on are the old generation's.
    site.server.signal("TERM", min(before))
    site.server.wait_until(
        lambda: site.server.worker_pids() and site.server.worker_pids() != before
    )
    site.server.wait_log("good hook", times=2)
    assert site.says() == "good"
    site.hup("raw_env = ['HOOKED=better']\n")
    site.server.wait_until(lambda: site.says() == "better")


def test_an_on_reload_that_fails_gives_the_reload_up(serve: Serve, tmp_path: Path) -> None:
    site = Site(serve, tmp_path, "raw_env = ['HOOKED=1']\n")
    site.server.expect("on_reload", "reload", "Reload")
    before = site.server.worker_pids()
    site.hup("raw_env = ['HOOKED=2']\ndef on_reload(server):\n    raise RuntimeError('not now')\n")
    site.server.wait_log("RuntimeError: not now")
    site.hup("raw_env = ['HOOKED=3']\n")
    site.server.wait_until(lambda: site.says() == "3")
    site.server.wait_until(lambda: before.isdisjoint(site.server.worker_pids()))
