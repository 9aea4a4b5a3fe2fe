"""Command lines: how each server is told the same thing."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parent.parent
EXAMPLES = TESTS.parent / "examples"

#: Settings whose option is not simply their name with dashes.
OPTIONS = {
    "keepalive": "--keep-alive",
    "keepalive_requests": "--keep-alive-requests",
    "limit_request_field_size": "--limit-request-field_size",
    "proxy_allow_ips": "--proxy-allow-from",
    "uwsgi_allow_ips": "--uwsgi-allow-from",
    "accesslog": "--access-logfile",
    "access_log_format": "--access-logformat",
    "errorlog": "--error-logfile",
    "loglevel": "--log-level",
    "pidfile": "--pid",
    "raw_env": "--env",
    "preload_app": "--preload",
    "proc_name": "--name",
    "reload_extra_files": "--reload-extra-file",
    "reload_dirs": "--reload-dir",
    "reload_includes": "--reload-include",
    "reload_excludes": "--reload-exclude",
}

#: Variables of the caller that would change what a server does.
FOREIGN = re.compile(
    r"RGUNICORN_|GUNICORN_|WEB_CONCURRENCY$|PORT$|FORWARDED_ALLOW_IPS$|SCRIPT_NAME$|SENDFILE$"
    r"|UVICORN_|DJANGO_|PYTHON(?!WARN)"
)


class UnsupportedError(Exception):
    """This server has no such setting."""


def options(settings: Mapping[str, Any]) -> list[str]:
    """Settings by their config names, as command line options."""
    words: list[str] = []
    for name, value in settings.items():
        option = OPTIONS.get(name, "--" + name.replace("_", "-"))
        for one in value if isinstance(value, (list, tuple)) else [value]:
            if one is True:
                words.append(option)
            elif one is not False and one is not None:
                words += [option, str(one)]
    return words


def is_asgi(app: str) -> bool:
    """Whether an application of the tests speaks ASGI; its module name says so."""
    return "asgi" in app.partition(":")[0]


def script(name: str) -> str:
    """The console script of the interpreter that runs the tests."""
    return str(Path(sys.executable).parent / name)


def gunicorn_style(program: str, app: str, settings: dict[str, Any]) -> list[str]:
    """`gunicorn APP --bind ... -k ...`, which is also how ours is called."""
    settings.setdefault("bind", "127.0.0.1:0")
    settings.setdefault("worker_class", "asgi" if is_asgi(app) else "sync")
    return [script(program), app, *options(settings)]


def rgunicorn(app: str, settings: dict[str, Any]) -> list[str]:
    """Our own command line."""
    return gunicorn_style("rgunicorn", app, settings)


def gunicorn(app: str, settings: dict[str, Any]) -> list[str]:
    """The command line of gunicorn, without the control socket it opens by default."""
    return [*gunicorn_style("gunicorn", app, settings), "--no-control-socket"]


UVICORN_OPTIONS = {
    "graceful_timeout": "--timeout-graceful-shutdown",
    "keepalive": "--timeout-keep-alive",
    "asgi_loop": "--loop",
    "asgi_lifespan": "--lifespan",
    "loglevel": "--log-level",
    "chdir": "--app-dir",
}


def uvicorn(app: str, settings: dict[str, Any]) -> list[str]:
    """The command line of uvicorn; it serves ASGI only, on one address."""
    if not is_asgi(app):
        raise UnsupportedError("uvicorn is compared under ASGI only")
    words = [script("uvicorn"), app, "--no-access-log"]
    settings.setdefault("graceful_timeout", 3)
    if settings.pop("workers", 1) != 1 or settings.pop("worker_class", "asgi") != "asgi":
        raise UnsupportedError("uvicorn is compared with one worker")
    bind = settings.pop("bind", "127.0.0.1:0")
    if not isinstance(bind, str):
        raise UnsupportedError("uvicorn binds one address")
    if bind.startswith("unix:"):
        words += ["--uds", bind.removeprefix("unix:")]
    else:
        host, _, port = bind.rpartition(":")
        words += ["--host", host.strip("[]"), "--port", port]
    for name, value in settings.items():
        if name not in UVICORN_OPTIONS:
            raise UnsupportedError(f"uvicorn has no `{name}`")
        words += [UVICORN_OPTIONS[name], str(value)]
    return words


@dataclass(frozen=True)
class Kind:
    """One of the servers the suite can run against."""

    name: str
    command: Callable[[str, dict[str, Any]], list[str]]
    #: The log line that carries the addresses.
    listening: str
    #: A log line that must not appear unless a test expects it.
    error: str
    #: The exit status after SIGTERM.
    stopped: int = 0


KINDS = {
    kind.name: kind
    for kind in (
        Kind("rgunicorn", rgunicorn, r"Listening at: (\S+)", r"\] \[(ERROR|CRITICAL)\] "),
        Kind("gunicorn", gunicorn, r"Listening at: (\S+)", r"\] \[(ERROR|CRITICAL)\] "),
        Kind(
            "uvicorn", uvicorn, r"running on (?:unix socket )?(\S+)", r"^ERROR: ", -signal.SIGTERM
        ),
    )
}


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables of a server: the caller's without settings, with `apps` importable."""
    kept = {name: value for name, value in os.environ.items() if not FOREIGN.match(name)}
    kept["PYTHONPATH"] = str(TESTS)
    kept["PYTHONDONTWRITEBYTECODE"] = "1"
    return {**kept, **(extra or {})}
