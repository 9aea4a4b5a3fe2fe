"""The config file of the tests: every hook writes down that it was called, and with what.

`config_file(...)` is its text. The record is `calls.jsonl` in the directory that the server was
started in; `HOOKS_FAIL` names a hook that raises, `HOOKS_STAY` one that stays for ever.
"""

from __future__ import annotations

import json
import os
from typing import Any

START = os.getcwd()

ARGUMENTS = {
    "on_starting": "server",
    "on_reload": "server",
    "when_ready": "server",
    "pre_fork": "server, worker",
    "post_fork": "server, worker",
    "post_worker_init": "worker",
    "worker_int": "worker",
    "worker_abort": "worker",
    "pre_exec": "server",
    "pre_request": "worker, req",
    "post_request": "worker, req, environ, resp",
    "child_exit": "server, worker",
    "worker_exit": "server, worker",
    "nworkers_changed": "server, new_value, old_value",
    "on_exit": "server",
}


def config_file(*names: str, more: str = "") -> str:
    """A config file with these hooks, or with all of them."""
    hooks = [
        f"def {name}({ARGUMENTS[name]}):\n    recording.record({name!r}, {passed(name)})\n"
        for name in names or ARGUMENTS
    ]
    return "\n".join(["from apps import recording", more, *hooks])


def passed(name: str) -> str:
    """The arguments of a hook, by their names."""
    return ", ".join(f"{argument}={argument}" for argument in ARGUMENTS[name].split(", "))


def record(hook: str, **arguments: Any) -> None:
    """Write down a call, and fail if this hook is to."""
    call: dict[str, Any] = {"hook": hook, "pid": os.getpid()}
    for name, argument in arguments.items():
        call.update(DESCRIBED[name](argument) if name in DESCRIBED else {name: argument})
    write(call)
    if os.environ.get("HOOKS_FAIL") == hook:
        raise RuntimeError(f"{hook} fails on purpose")
    while os.environ.get("HOOKS_STAY") == hook:
        os.read(STAYING[0], 1)


def write(call: dict[str, Any]) -> None:
    """Add a line to the record, whole."""
    path = os.path.join(START, "calls.jsonl")
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, json.dumps(call).encode() + b"\n")
    os.close(descriptor)


STAYING = os.pipe()

DESCRIBED = {
    "server": lambda server: {
        "num_workers": server.num_workers,
        "workers": sorted(worker.age for worker in server.WORKERS.values()),
        "listeners": len(server.LISTENERS),
        "master": server.pid if hasattr(server, "pid") else None,
    },
    "worker": lambda worker: {
        "age": worker.age,
        "worker": worker.pid if isinstance(worker.pid, int) else None,
        "alive": worker.alive,
        "booted": worker.booted,
    },
    "req": lambda req: {
        "method": req.method,
        "path": req.path,
        "query": req.query,
        "uri": req.uri,
        "version": list(req.version),
        "scheme": req.scheme,
        "headers": req.headers,
    },
    "environ": lambda environ: {
        "environ": {key: value for key, value in (environ or {}).items() if isinstance(value, str)}
    },
    "resp": lambda resp: {"status": resp and resp.status, "sent": resp and resp.sent},
    "new_value": lambda value: {"new": value},
    "old_value": lambda value: {"old": value},
}
