"""Bad input: a clear message at once, a status that is not 0, nothing left behind."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from support.commandline import Outcome, patience, run

pytestmark = pytest.mark.only("rgunicorn")

APP = "apps.wsgi_plain:app"
BIND = ["--bind", "127.0.0.1:0"]


def refused(outcome: Outcome, statuses: set[int], *says: str) -> None:
    """Check how a refusal must look."""
    text = outcome.text
    assert outcome.status in statuses, text
    for word in says:
        assert word in text, f"{word!r} is not in:\n{text}"
    assert outcome.seconds < patience(2), f"{outcome.seconds:.1f} s"
    assert not outcome.left, f"left processes behind: {outcome.left}"
    assert "panicked" not in text


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """An empty directory, to see what is left in it."""
    path = tmp_path / "run"
    path.mkdir()
    return path


# The command line. Each case: its options, and what the message must name.

OPTIONS: dict[str, tuple[list[str], list[str]]] = {
    "unknown option": (["--nonsense"], ["--nonsense"]),
    "misspelt option": (["--wrokers", "2"], ["--wrokers", "--workers"]),
    "misspelt with one letter": (["--daemom"], ["--daemom", "--daemon"]),
    "value missing": (["--workers"], ["--workers"]),
    "two applications": (["other:app"], ["other:app"]),
    "workers: a word": (["--workers", "many"], ["workers", "many"]),
    "workers: negative": (["--workers=-1"], ["workers", "-1"]),
    "bind: no port": (["--bind", "localhost:"], ["bind", "localhost:"]),
    "bind: port too large": (["--bind", "localhost:99999"], ["bind", "99999"]),
    "bind: a word for a port": (["--bind", "localhost:http"], ["bind", "http"]),
    "bind: no path": (["--bind", "unix:"], ["bind", "unix:"]),
    "backlog: a word": (["--backlog", "deep"], ["backlog", "deep"]),
    "timeout: a word": (["--timeout", "soon"], ["timeout", "soon"]),
    "graceful timeout": (["--graceful-timeout=-5"], ["graceful", "-5"]),
    "keep-alive: a word": (["--keep-alive", "long"], ["keep", "long"]),
    "connections: zero point five": (["--worker-connections", "0.5"], ["connections", "0.5"]),
    "class": (["-k", "nonsense"], ["worker", "nonsense", "sync", "asgi"]),
    "loop": (["--loop", "trio"], ["loop", "trio", "asyncio", "uvloop"]),
    "lifespan": (["--lifespan", "maybe"], ["lifespan", "maybe", "auto", "on", "off"]),
    "log level": (["--log-level", "loud"], ["level", "loud", "info"]),
    "environment without a value": (["-e", "NAME"], ["NAME"]),
    "directory": (["--chdir", "/does/not/exist"], ["chdir", "/does/not/exist"]),
    "bind: a protocol": (["--bind", "scgi://:9"], ["bind", "scgi", "uwsgi://ADDRESS"]),
    "protocol": (["--protocol", "fastcgi"], ["--protocol", "fastcgi", "uwsgi"]),
    "requests: a word": (["--keep-alive-requests", "few"], ["--keep-alive-requests", "few"]),
    "head: no time": (["--header-timeout", "0"], ["--header-timeout", "`0`", "24h"]),
    "body: no time": (["--body-timeout=0s"], ["--body-timeout", "`0s`"]),
    "body: a rate": (["--min-body-rate", "fast"], ["--min-body-rate", "fast", "bytes a second"]),
    "write: negative": (["--write-timeout=-1"], ["--write-timeout", "-1"]),
    "root path": (["--root-path", "app"], ["--root-path", "`/app`"]),
    "line: too long": (["--limit-request-line", "8191"], ["--limit-request-line", "8190"]),
    "fields: none": (["--limit-request-fields", "0"], ["--limit-request-fields", "32768"]),
    "field: a unit": (["--limit-request-field_size", "8kb"], ["field_size", "8kb", "64k"]),
    "field: by hyphen": (["--limit-request-field-size", "-"], ["field_size", "`-`"]),
    "body: a unit": (["--limit-request-body", "1.5g"], ["--limit-request-body", "1.5g", "10m"]),
    "header map": (["--header-map", "keep"], ["--header-map", "keep", "drop", "refuse"]),
    "a switch with a value": (["--casefold-http-method=yes"], ["--casefold-http-method"]),
    "the opposite with a value": (["--no-sendfile=yes"], ["--no-sendfile"]),
    "peers: a name": (["--forwarded-allow-ips", "proxy"], ["--forwarded-allow-ips", "proxy"]),
    "peers: not a network": (["--proxy-allow-from", "10.0.0.1/8"], ["10.0.0.0/8", "10.0.0.1"]),
    "peers: a port": (["--uwsgi-allow-from", "10.0.0.1:80"], ["--uwsgi-allow-from", ":80"]),
    "proxy headers": (["--proxy-headers=maybe"], ["--proxy-headers", "maybe", "x-forwarded"]),
    "proxy protocol": (["--proxy-protocol=v3"], ["--proxy-protocol", "v3", "v1", "v2"]),
    "forwarder headers": (["--forwarder-headers", "A:B"], ["--forwarder-headers", "A:B"]),
    "static files: no prefix": (["--static-path", "public"], ["--static-path", "public", "="]),
    "static files: no slash": (["--static-path", "a=/"], ["--static-path", "begin with `/`"]),
    "static files: dots": (["--static-path", "/a/../b=/"], ["--static-path", "/a/../b"]),
    "static files: no directory": (["--static-path", "/a=nowhere"], ["/a", "nowhere", "not exist"]),
    "static files: twice": (["--static-path=/a=/", "--static-path=/a/=/tmp"], ["`/a`", "twice"]),
    "access log format": (["--access-logfile", "-", "--access-logformat", "%(h"], ["%(h"]),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_a_bad_option_names_the_setting_and_the_value(directory: Path, case: str) -> None:
    options, says = OPTIONS[case]
    refused(run(["rgunicorn", APP, *BIND, *options], directory), {1, 2}, *says)
    assert list(directory.iterdir()) == []


def test_an_unknown_option_exits_with_2(directory: Path) -> None:
    outcome = run(["rgunicorn", APP, "--nonsense"], directory)
    refused(outcome, {2}, "--nonsense")
    assert outcome.output == "", "the complaint belongs to the standard error"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RGUNICORN_WORKERS", "many"),
        ("WEB_CONCURRENCY", "many"),
        ("PORT", "http"),
        ("FORWARDED_ALLOW_IPS", "proxy.local"),
        ("SCRIPT_NAME", "app"),
        ("SENDFILE", "perhaps"),
        ("RGUNICORN_SECURE_SCHEME_HEADERS", "X-TLS"),
        ("RGUNICORN_PROXY_HEADERS", "perhaps"),
    ],
)
def test_a_bad_environment_variable_is_named(directory: Path, name: str, value: str) -> None:
    refused(run(["rgunicorn", APP], directory, env={name: value}), {1, 2}, name, value)


def test_no_application_at_all(directory: Path) -> None:
    refused(run(["rgunicorn"], directory), {1, 2}, "application")


# The application.

APPLICATIONS: dict[str, tuple[str, int, list[str]]] = {
    "module missing": ("apps.nowhere:app", 3, ["apps.nowhere"]),
    "package missing": ("nowhere.at.all", 3, ["nowhere"]),
    "attribute missing": ("apps.broken:missing", 4, ["missing", "apps.broken"]),
    "default attribute missing": ("apps.notes", 4, ["application", "apps.notes"]),
    "attribute of an attribute missing": ("apps.broken:holder.missing", 4, ["missing"]),
    "not callable": ("apps.broken:number", 4, ["number", "callable"]),
    "none": ("apps.broken:nothing", 4, ["nothing"]),
    "exception": ("apps.broken_import:app", 3, ["RuntimeError: broken while importing"]),
    "factory missing": ("apps.broken:missing()", 4, ["missing"]),
    "factory raises": ("apps.broken:broken_factory()", 3, ["the factory is broken"]),
    "factory returns none": ("apps.broken:empty_factory()", 4, ["empty_factory"]),
    "factory with wrong arguments": ("apps.broken:factory(nonsense=1)", 4, ["factory"]),
    "expression": ("apps.broken:1+1", 4, ["1+1"]),
}


@pytest.mark.parametrize("case", APPLICATIONS)
def test_an_application_that_cannot_be_loaded(directory: Path, case: str) -> None:
    app, status, says = APPLICATIONS[case]
    outcome = run(["rgunicorn", app, *BIND], directory)
    allowed = {1, 2, status} if case == "expression" else {status}
    refused(outcome, allowed, *says)
    assert outcome.text.count("Traceback") <= 1
    assert list(directory.iterdir()) == []


def test_the_traceback_of_an_import_is_shown_once_for_many_workers(directory: Path) -> None:
    command = ["rgunicorn", "apps.broken_import:app", *BIND, "--workers", "3"]
    outcome = run(command, directory)
    refused(outcome, {3}, 'broken_import.py", line')
    assert outcome.text.count("RuntimeError: broken while importing") == 1


def test_a_syntax_error_shows_its_place(directory: Path) -> None:
    (directory / "wrong.py").write_text("app = (\n")
    outcome = run(["rgunicorn", "wrong:app", *BIND], directory)
    refused(outcome, {3}, "SyntaxError", "wrong.py")
    assert outcome.text.count("SyntaxError") == 1


@pytest.mark.parametrize(
    ("app", "worker_class", "fits"),
    [
        ("apps.asgi_plain:app", "sync", "asgi"),
        ("apps.broken:asgi_object", "sync", "asgi"),
        ("apps.wsgi_plain:app", "asgi", "sync"),
        ("apps.broken:wsgi_object", "asgi", "sync"),
        ("apps.wsgi_plain:app", "uvicorn.workers.UvicornWorker", "sync"),
    ],
)
def test_an_application_under_the_wrong_class_is_told_which_one_fits(
    directory: Path, app: str, worker_class: str, fits: str
) -> None:
    outcome = run(["rgunicorn", app, *BIND, "-k", worker_class], directory)
    refused(outcome, {1, 3, 4}, f"-k {fits}")


@pytest.mark.parametrize(
    ("app", "status"),
    [
        (APP, 0),
        ("apps.asgi_plain:app", 0),
        ("apps.broken_import:app", 1),
        ("apps.broken:nothing", 1),
    ],
)
def test_check_config_loads_the_application_and_serves_nothing(
    directory: Path, app: str, status: int
) -> None:
    outcome = run(["rgunicorn", app, "--check-config"], directory)
    assert outcome.status == status, outcome.text
    assert not outcome.left
    assert "Listening" not in outcome.text


# Addresses.


def test_a_port_in_use(directory: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        outcome = run(["rgunicorn", APP, "--bind", address, "--pid", "x.pid"], directory)
    refused(outcome, {1}, address, "in use")
    assert list(directory.iterdir()) == []


def test_an_address_of_another_machine(directory: Path) -> None:
    outcome = run(["rgunicorn", APP, "--bind", "203.0.113.1:8000"], directory)
    refused(outcome, {1}, "203.0.113.1:8000")


def test_a_unix_socket_in_use(directory: Path, short_directory: str) -> None:
    path = f"{short_directory}/live.sock"
    with socket.socket(socket.AF_UNIX) as taken:
        taken.bind(path)
        taken.listen()
        outcome = run(["rgunicorn", APP, "--bind", f"unix:{path}"], directory)
    refused(outcome, {1}, path, "in use")
    assert Path(path).exists(), "it belongs to the other server"


@pytest.mark.parametrize("name", ["nowhere/site.sock", "x" * 120])
def test_a_unix_socket_that_cannot_be_made(directory: Path, name: str) -> None:
    outcome = run(["rgunicorn", APP, "--bind", f"unix:{directory}/{name}"], directory)
    refused(outcome, {1, 2}, name)


def test_a_unix_socket_path_that_is_another_file(directory: Path) -> None:
    path = directory / "precious.txt"
    path.write_text("keep me")
    outcome = run(["rgunicorn", APP, "--bind", "unix:precious.txt"], directory)
    refused(outcome, {1}, "precious.txt")
    assert path.read_text() == "keep me"


def test_the_first_of_two_addresses_is_given_back(directory: Path, short_directory: str) -> None:
    path = Path(short_directory) / "site.sock"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        second = f"127.0.0.1:{taken.getsockname()[1]}"
        command = ["rgunicorn", APP, "--bind", f"unix:{path}", "--bind", second]
        refused(run(command, directory), {1}, second)
    assert not path.exists()


# Files.


@pytest.mark.parametrize("option", ["--error-logfile", "--access-logfile", "--pid"])
@pytest.mark.parametrize(
    ("value", "says"), [("/nowhere/at/all/file", "/nowhere/at/all"), (".", "file")]
)
def test_a_file_that_cannot_be_written(directory: Path, option: str, value: str, says: str) -> None:
    outcome = run(["rgunicorn", APP, *BIND, option, value], directory)
    refused(outcome, {1, 2}, says)
    assert list(directory.iterdir()) == []


def test_a_pid_file_that_is_another_file_is_left_alone(directory: Path) -> None:
    path = directory / "precious.txt"
    path.write_text("keep me")
    outcome = run(["rgunicorn", APP, *BIND, "--pid", "precious.txt"], directory)
    refused(outcome, {1}, "precious.txt")
    assert path.read_text() == "keep me"


def test_a_pid_file_of_a_live_process_is_respected(directory: Path) -> None:
    path = directory / "x.pid"
    path.write_text(f"{os.getpid()}\n")
    outcome = run(["rgunicorn", APP, *BIND, "--pid", "x.pid"], directory)
    refused(outcome, {1}, "x.pid", str(os.getpid()))
    assert path.read_text() == f"{os.getpid()}\n"
