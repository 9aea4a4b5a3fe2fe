"""ASGI lifespan: start and stop of the application, and the state it leaves to requests."""

from __future__ import annotations

import pytest
from conftest import Serve


def test_the_application_is_started_before_the_first_request_and_stopped_at_the_end(
    serve: Serve,
) -> None:
    server = serve("apps.asgi_lifespan:good")
    assert server.get("/").status == 200
    server.wait_log("note: lifespan started")
    assert server.log_lines("note: lifespan stopped") == 0
    server.stop()
    assert server.log_lines("note: lifespan stopped") == 1


def test_the_lifespan_scope_has_type_asgi_and_state(serve: Serve) -> None:
    server = serve("apps.asgi_lifespan:good")
    line = server.wait_log(r"note: lifespan scope .*")
    assert "'asgi', 'state', 'type'" in line
    assert "'version': '3.0'" in line


def test_requests_get_a_shallow_copy_of_the_state(serve: Serve) -> None:
    server = serve("apps.asgi_lifespan:good")
    assert server.get("/").json() == {"database": "connected", "shared": []}
    assert server.get("/").json() == {"database": "connected", "shared": ["request"]}


@pytest.mark.only("rgunicorn", "gunicorn")
def test_every_worker_runs_the_lifespan(serve: Serve) -> None:
    server = serve("apps.asgi_lifespan:good", workers=2)
    server.wait_log("note: lifespan started", times=2)
    server.stop()
    assert server.log_lines("note: lifespan stopped") == 2


def test_requests_in_flight_end_before_the_lifespan_does(serve: Serve) -> None:
    server = serve("apps.asgi_lifespan:good")
    reply = server.get_in_background("/slow")
    server.wait_log("note: slow begins")
    server.stop()
    assert reply.result(10).status == 200
    log = server.log()
    assert log.index("note: slow ends") < log.index("note: lifespan stopped")


@pytest.mark.parametrize("app", ["without", "returns"])
def test_auto_serves_an_application_that_does_not_know_lifespan(serve: Serve, app: str) -> None:
    server = serve(f"apps.asgi_lifespan:{app}")
    assert server.get("/").status == 200
    assert server.log_lines("Traceback") == 0


def test_off_never_calls_lifespan(serve: Serve) -> None:
    server = serve("apps.asgi_lifespan:good", asgi_lifespan="off")
    assert server.get("/").status == 200
    server.stop()
    assert server.log_lines("note: lifespan") == 0


def failure(serve: Serve, app: str, lifespan: str, status: int) -> str:
    """The log of a server that ends while it starts."""
    server = serve(f"apps.asgi_lifespan:{app}", ready=False, asgi_lifespan=lifespan)
    server.expect(".*")
    server.expected_status = status
    assert server.wait_exit(10) == status
    return server.log()


@pytest.mark.only("rgunicorn", "gunicorn")
@pytest.mark.parametrize("lifespan", ["auto", "on"])
def test_a_start_that_failed_ends_the_server_with_3_and_its_message(
    serve: Serve, lifespan: str
) -> None:
    log = failure(serve, "refuses", lifespan, 3)
    assert "the database is not there" in log


@pytest.mark.only("rgunicorn", "gunicorn")
def test_on_refuses_an_application_that_raises(serve: Serve) -> None:
    log = failure(serve, "without", "on", 3)
    assert "this application does not know lifespan" in log


@pytest.mark.only("rgunicorn")
def test_on_refuses_an_exception_while_starting_with_its_traceback(serve: Serve) -> None:
    log = failure(serve, "breaks", "on", 3)
    assert log.count("RuntimeError: broken while starting") == 1
    assert "Traceback" in log


@pytest.mark.only("rgunicorn")
def test_a_stop_that_failed_is_logged_with_its_message(serve: Serve) -> None:
    server = serve("apps.asgi_lifespan:breaks_stopping")
    assert server.get("/").status == 200
    server.expect("could not say goodbye")
    server.stop()
    assert "could not say goodbye" in server.log()


@pytest.mark.only("rgunicorn")
@pytest.mark.parametrize("name", ["lifespan", "asgi_lifespan"])
def test_the_option_has_the_names_of_uvicorn_and_of_gunicorn(serve: Serve, name: str) -> None:
    server = serve("apps.asgi_lifespan:good", **{name: "off"})
    assert server.get("/").json() in (None, {"shared": []})
