"""The hooks: when they are called, with what, and what comes of one that fails."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Serve
from support.address import Address
from support.commandline import run
from support.commands import TESTS
from support.hooks import Recorded, names, write_config
from support.processes import is_alive
from support.raw import Connection, build_request

pytestmark = pytest.mark.only("rgunicorn", "gunicorn")

#: How the life of a worker begins, and how it ends.
BORN = ["post_fork", "import", "post_worker_init"]


def lifespan(app: str, part: str) -> list[str]:
    """The call of the application at its start or end, which only ASGI has."""
    return [f"lifespan.{part}"] if "asgi" in app else []


# The order of the calls.


def test_the_hooks_of_a_start_are_called_in_gunicorns_order(recorded: Recorded, app: str) -> None:
    record = recorded()
    record.server.get("/")
    record.wait("post_request")
    assert names(record.of_master()) == [
        "nworkers_changed",
        "on_starting",
        "when_ready",
        "pre_fork",
    ]
    assert record.of_worker(*record.server.worker_pids()) == [
        *BORN,
        *lifespan(app, "startup"),
        "pre_request",
        "application",
        "post_request",
    ]
    order = names(record.calls())
    assert order.index("pre_fork") < order.index("post_fork")


def test_what_the_hooks_of_a_start_see_of_the_server(recorded: Recorded) -> None:
    record = recorded()
    record.wait("post_worker_init")
    seen = {call["hook"]: call for call in record.calls()}
    assert (seen["nworkers_changed"]["new"], seen["nworkers_changed"]["old"]) == (1, None)
    assert (seen["on_starting"]["listeners"], seen["on_starting"]["workers"]) == (0, [])
    assert (seen["when_ready"]["listeners"], seen["when_ready"]["workers"]) == (1, [])
    assert (seen["pre_fork"]["age"], seen["pre_fork"]["worker"]) == (1, None)
    (worker,) = record.server.worker_pids()
    assert (seen["post_fork"]["worker"], seen["post_fork"]["pid"]) == (worker, worker)
    assert seen["post_fork"]["master"] == record.server.pid
    assert [seen[hook]["booted"] for hook in ("post_fork", "post_worker_init")] == [False, False]


def test_the_hooks_of_ttin_and_ttou(recorded: Recorded, app: str) -> None:
    record = recorded()
    record.wait("post_worker_init")
    (old,) = record.server.worker_pids()
    record.clear()
    record.server.signal("TTIN")
    record.wait("post_worker_init", age=2)
    record.server.wait_until(lambda: len(record.server.worker_pids()) == 2)
    assert names(record.of_master()) == ["nworkers_changed", "pre_fork"]
    changed = record.wait("nworkers_changed")
    assert (changed["new"], changed["old"], changed["workers"]) == (2, 1, [1])
    (new,) = record.server.worker_pids() - {old}

    def serves() -> bool:
        """Whether the new worker serves: until it does, it would be the first to leave."""
        record.server.get("/")
        return "pre_request" in record.of_worker(new)

    record.server.wait_until(serves)
    record.clear()
    record.server.signal("TTOU")
    exited = record.wait("child_exit")
    assert names(record.of_master()) == ["nworkers_changed", "child_exit"]
    assert record.of_worker(old)[-1:] == ["worker_exit"]
    assert (exited["age"], exited["worker"], exited["workers"]) == (1, old, [2])


def test_the_hooks_of_a_stop(recorded: Recorded, app: str) -> None:
    record = recorded()
    record.server.get("/")
    record.wait("post_request")
    (worker,) = record.server.worker_pids()
    record.clear()
    assert record.server.stop() == 0
    assert names(record.of_master()) == ["child_exit", "on_exit"]
    assert record.of_worker(worker) == [*lifespan(app, "shutdown"), "worker_exit"]
    assert record.wait("worker_exit")["booted"] is True
    assert record.wait("on_exit")["workers"] == []


@pytest.mark.parametrize("name", ["INT", "QUIT"])
def test_the_hooks_of_a_worker_that_is_interrupted(recorded: Recorded, app: str, name: str) -> None:
    record = recorded()
    record.server.get("/")
    record.wait("post_request")
    (worker,) = record.server.worker_pids()
    record.clear()
    record.server.signal(name, worker)
    record.wait("post_worker_init", age=2)
    seen = [hook for hook in record.of_worker(worker) if not hook.startswith("lifespan")]
    assert seen == ["worker_int", "worker_exit"]
    assert record.wait("worker_int")["alive"] is False
    assert names(record.of_master()) == ["child_exit", "pre_fork"]
    assert record.server.get("/").text == "hello"


def test_the_hooks_of_a_worker_that_is_killed(recorded: Recorded) -> None:
    record = recorded()
    record.server.expect("SIGKILL")
    record.wait("post_worker_init")
    (worker,) = record.server.worker_pids()
    record.clear()
    record.server.signal("KILL", worker)
    record.wait("post_worker_init", age=2)
    assert names(record.of_master()) == ["child_exit", "pre_fork"]
    assert record.of_worker(worker) == []


@pytest.mark.only("rgunicorn")
def test_the_hooks_of_a_worker_that_hangs(recorded: Recorded) -> None:
    record = recorded(timeout=2)
    record.server.expect("WORKER TIMEOUT", "has worked for")
    record.server.get("/")
    record.wait("post_request")
    (worker,) = record.server.worker_pids()
    record.clear()
    record.server.get_in_background("/block?30")
    record.wait("worker_abort")
    assert record.wait("worker_abort")["alive"] is False
    record.wait("post_worker_init", age=2)
    seen = record.of_worker(worker)
    assert seen[:2] == ["pre_request", "application"]
    assert seen[-2:] == ["worker_abort", "worker_exit"]
    assert "in block" in record.server.log(), "the stack of the worker"


@pytest.mark.differs("gunicorn", "its asgi worker does not hear TERM while it boots")
def test_pre_exec_is_called_in_the_process_that_becomes_the_new_master(
    recorded: Recorded,
) -> None:
    record = recorded("pre_exec", "on_starting", "on_exit")
    record.server.get("/")
    record.server.signal("USR2")
    new = record.wait("on_starting", times=2)["pid"]
    assert record.wait("pre_exec")["pid"] == new != record.server.pid
    record.server.signal("TERM", new)
    record.wait("on_exit", pid=new)
    record.server.wait_until(lambda: not is_alive(new))
    assert record.server.get("/").text == "hello"


@pytest.mark.only("rgunicorn")
def test_the_hooks_of_a_worker_whose_application_is_preloaded(recorded: Recorded, app: str) -> None:
    record = recorded(preload=True)
    record.server.get("/")
    record.wait("post_request")
    (worker,) = record.server.worker_pids()
    assert names(record.of_master())[:4] == [
        "nworkers_changed",
        "on_starting",
        "when_ready",
        "pre_fork",
    ]
    assert record.of_worker(worker) == [
        "post_fork",
        "post_worker_init",
        *lifespan(app, "startup"),
        "pre_request",
        "application",
        "post_request",
    ]
    assert len(record.calls("pre_fork")) == len(record.calls("import")) == 1
    record.server.signal("TERM", worker)
    assert record.wait("child_exit")["worker"] == worker
    assert record.of_worker(worker)[-1] == "worker_exit"


# The objects.


@pytest.mark.only("rgunicorn")
def test_a_request_hook_sees_the_request_and_its_response(recorded: Recorded, app: str) -> None:
    record = recorded("pre_request", "post_request")
    record.server.get("/p%20q?a=1", headers={"X-One": "1", "x-two": "2"})
    call = record.wait("pre_request")
    assert (call["method"], call["uri"], call["path"], call["query"]) == (
        "GET",
        "/p%20q?a=1",
        "/p%20q",
        "a=1",
    )
    assert (call["version"], call["scheme"]) == ([1, 1], "http")
    assert ["X-ONE", "1"] in call["headers"]
    assert ["X-TWO", "2"] in call["headers"]
    call = record.wait("post_request")
    assert call["environ"]["REQUEST_METHOD"] == "GET"
    assert call["environ"]["HTTP_X_ONE"] == "1"
    assert call["status"] == ("200 OK" if "wsgi" in app else 200)
    assert call["sent"] == len("hello")


@pytest.mark.only("rgunicorn")
def test_an_attribute_that_there_is_not_names_those_that_there_are(recorded: Recorded) -> None:
    record = recorded("on_exit", more="def pre_request(worker, req):\n    req.nothing\n")
    record.server.expect("Error handling request GET /")
    assert record.server.get("/").status == 500
    log = record.server.log()
    assert "AttributeError: `req` has no attribute `nothing` (it has: " in log
    assert "headers, method," in log


OBJECTS = """
def when_ready(server):
    cfg = server.cfg
    assert server.log is not None and server.master_name == "Master"
    assert cfg.workers == 1 == server.num_workers
    assert cfg.settings["workers"].get() == cfg.settings["workers"].value == 1
    assert cfg.address == [("127.0.0.1", 0)] == server.address
    assert cfg.bind == ["127.0.0.1:0"]
    assert cfg.env == {"HOOKED": "yes"}
    assert cfg.worker_class_str in ("sync", "asgi")
    assert not cfg.is_ssl
    assert cfg.proc_name.startswith("apps.")
    assert cfg.timeout == 7 == server.timeout
    assert cfg.when_ready is when_ready
    assert cfg.uid == __import__("os").geteuid()
    assert len(server.LISTENERS) == 1 and "127.0.0.1" in str(server.LISTENERS[0])
    try:
        cfg.nonsense
    except AttributeError:
        pass
    else:
        raise AssertionError("cfg has everything")
    server.log.info("server %s is %s", server.pid, "checked")


def post_fork(server, worker):
    server.kept = worker.age
    worker.started = server.pid


def post_worker_init(worker):
    assert worker.started == worker.ppid
    assert worker.cfg.timeout == 7
    assert callable(worker.wsgi if worker.cfg.worker_class_str == "sync" else worker.asgi)
    assert worker.nr == 0
    worker.notify()
    worker.tmp.notify()
    worker.log.warning("worker %s is checked", worker.pid)


def worker_exit(server, worker):
    assert server.kept == worker.age
    server.log.debug("not to be seen")
    server.log.log("info", "exit is checked")
"""


def test_the_objects_have_what_config_files_use(recorded: Recorded) -> None:
    record = recorded("on_exit", more=OBJECTS, raw_env="HOOKED=yes", timeout=7)
    server = record.server
    (worker,) = server.worker_pids()
    server.wait_log(rf"\[{server.pid}\] \[INFO\] server {server.pid} is checked")
    server.wait_log(rf"\[{worker}\] \[WARNING\] worker {worker} is checked")
    server.get("/")
    server.stop()
    assert server.log_lines(rf"\[{worker}\] \[INFO\] exit is checked") == 1
    assert "not to be seen" not in server.log()


def test_an_exception_is_logged_with_its_traceback(recorded: Recorded) -> None:
    more = (
        "def when_ready(server):\n    try:\n        1 / 0\n"
        "    except ZeroDivisionError:\n        server.log.exception('caught %s', 'it')\n"
    )
    record = recorded("on_exit", more=more)
    record.server.expect("caught it")
    record.server.wait_log(r"\[ERROR\] caught it\nTraceback")
    record.server.wait_log("ZeroDivisionError: division by zero")


def test_a_header_that_pre_request_adds_is_seen_by_a_wsgi_application(
    serve: Serve, tmp_path: Path
) -> None:
    more = "def pre_request(worker, req):\n    req.headers.append(('X-HOOK', 'from the hook'))\n"
    config = write_config(tmp_path, "on_exit", more=more)
    server = serve("apps.wsgi_recorded:app", config=config)
    assert server.get("/").text == "from the hook"


def test_a_worker_that_is_no_longer_to_be_alive_is_replaced(recorded: Recorded) -> None:
    more = "def post_request(worker, req, environ, resp):\n    worker.alive = False\n"
    record = recorded("child_exit", more=more)
    old = record.server.worker_pids()
    assert record.server.get("/").status == 200
    record.wait("child_exit")
    record.server.wait_until(lambda: record.server.worker_pids() - old)
    assert record.server.get("/").text == "hello"


# Where a hook is, and recipes.


def test_hooks_need_not_be_functions_of_the_file(serve: Serve, app: str, tmp_path: Path) -> None:
    (tmp_path / "my_hooks.py").write_text(
        "def started(server):\n    server.log.info('started by name')\n"
        "class Ready:\n    def __call__(self, server):\n        server.log.info('ready object')\n"
    )
    config = tmp_path / "named.conf.py"
    config.write_text(
        "import my_hooks\non_starting = 'my_hooks.started'\nwhen_ready = my_hooks.Ready()\n"
        "def post_request(worker, req):\n    worker.log.info('two arguments')\n"
    )
    server = serve(app, config=config, env={"PYTHONPATH": f"{TESTS}:{tmp_path}"})
    server.wait_log("started by name")
    server.wait_log("ready object")
    server.get("/")
    server.wait_log("two arguments")


PROMETHEUS = """
import os
os.environ["PROMETHEUS_MULTIPROC_DIR"] = {directory!r}


def child_exit(server, worker):
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)
    server.log.info("marked dead: %s", worker.pid)
"""

METERED = """
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest, multiprocess

CALLS = Counter("calls", "Requests.")
LIVE = Gauge("live", "Workers.", multiprocess_mode="livesum")
LIVE.set(1)


def app(environ, start_response):
    CALLS.inc()
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    body = generate_latest(registry)
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""


def test_prometheus_counts_over_the_workers_that_there_were(serve: Serve, tmp_path: Path) -> None:
    pytest.importorskip("prometheus_client")
    values = tmp_path / "values"
    values.mkdir()
    config = tmp_path / "prometheus.conf.py"
    config.write_text(PROMETHEUS.format(directory=str(values)))
    (tmp_path / "metered.py").write_text(METERED)
    server = serve("metered:app", config=config, pythonpath=tmp_path)
    assert "calls_total 1.0" in server.get("/").text
    (worker,) = server.worker_pids()
    assert (values / f"gauge_livesum_{worker}.db").exists()
    server.signal("TERM", worker)
    server.wait_log(f"marked dead: {worker}")
    assert not (values / f"gauge_livesum_{worker}.db").exists()
    server.wait_until(lambda: server.worker_pids() and worker not in server.worker_pids())
    text = server.get("/").text
    assert "calls_total 2.0" in text
    assert "live 1.0" in text


TELEMETRY = '''
import threading


def post_fork(server, worker):
    """As exporters of traces want it: a thread that a fork would not have copied."""
    worker.exporter = threading.Thread(target=ticking, args=(worker,), daemon=True)
    worker.exporter.start()


STOP = threading.Event()


def ticking(worker):
    worker.log.info("exporter of %s runs", worker.pid)
    STOP.wait()
    worker.log.info("exporter of %s flushes", worker.pid)


def worker_exit(server, worker):
    STOP.set()
    worker.exporter.join()
'''


@pytest.mark.differs("gunicorn", "a worker that boots does not hear TERM")
def test_a_thread_that_post_fork_starts_runs_beside_the_application(
    recorded: Recorded,
) -> None:
    record = recorded("on_exit", more=TELEMETRY, workers=2)
    pids = record.server.worker_pids()
    for pid in pids:
        record.server.wait_log(f"exporter of {pid} runs")
    assert record.server.get("/").text == "hello"
    record.server.stop()
    for pid in pids:
        assert record.server.log_lines(f"exporter of {pid} flushes") == 1


SERVING = '''
import http.server
import threading


def when_ready(server):
    """As exporters of metrics do it: a small server in the master."""
    handler = http.server.SimpleHTTPRequestHandler
    side = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.log.info("beside at http://127.0.0.1:%s", side.server_port)
    threading.Thread(target=side.serve_forever, daemon=True).start()
'''


def test_a_thread_that_when_ready_starts_runs_in_the_master(recorded: Recorded) -> None:
    record = recorded("child_exit", more=SERVING)
    address = Address.parse(record.server.wait_log(r"(?<=beside at )http\S+"))
    for _ in range(3):
        with Connection(address) as client:
            client.send(build_request("GET", "/calls.jsonl", {"Connection": "close"}))
            assert b"HTTP/1.0 200 " in client.read_to_close()
    record.server.signal("TERM", min(record.server.worker_pids()))
    record.wait("child_exit")
    record.server.wait_until(lambda: record.server.worker_pids())
    assert record.server.get("/").text == "hello"


# Without hooks.


@pytest.mark.only("rgunicorn")
def test_without_a_hook_nothing_of_them_is_imported(serve: Serve, tmp_path: Path) -> None:
    config = tmp_path / "plain.conf.py"
    config.write_text("workers = 1\n")
    (tmp_path / "shows.py").write_text(
        "import sys\n\n\ndef app(environ, start_response):\n"
        "    start_response('200 OK', [])\n"
        "    return [repr([m for m in sys.modules if m.startswith('rgunicorn.hooks')]).encode()]\n"
    )
    server = serve("shows:app", config=config, pythonpath=tmp_path)
    assert server.get("/").text == "[]"


@pytest.mark.only("rgunicorn")
def test_hooks_can_be_given_to_run(tmp_path: Path) -> None:
    program = (
        "import os, signal, rgunicorn\n"
        "def when_ready(server):\n"
        "    server.log.info('ready from run()')\n"
        "    os.kill(server.pid, signal.SIGTERM)\n"
        "raise SystemExit(rgunicorn.run('apps.wsgi_plain:app', bind='127.0.0.1:0',"
        " when_ready=when_ready))\n"
    )
    outcome = run(["python", "-c", program], tmp_path)
    assert outcome.status == 0, outcome.text
    assert "ready from run()" in outcome.text
