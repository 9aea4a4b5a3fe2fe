"""Requests that a worker makes of itself before it is ready."""

from __future__ import annotations

import pytest
from conftest import Serve

pytestmark = pytest.mark.only("rgunicorn")


def test_a_worker_is_ready_when_its_paths_are_answered(serve: Serve, plain: str) -> None:
    server = serve(
        plain, warmup=["/count", "/large?3000000"], accesslog="-", workers=2, max_requests=50
    )
    # The first number was the worker's own request's, and so was the second.
    assert server.get("/count").text == "2"
    server.wait_until(lambda: "GET /count" in server.output_path.read_text())
    assert server.output_path.read_text().count("\n") == 1
    assert "/large" not in server.output_path.read_text()


def test_the_application_sees_who_asks(serve: Serve, behind: str) -> None:
    serve(behind, warmup="/")


def test_a_first_start_with_a_cold_path_fails(serve: Serve, plain: str) -> None:
    server = serve(plain, warmup="/raise?x", ready=False, workers=2)
    server.expect("warm-up", "Error handling request", "exited with code 3", "Shutting down|boot")
    server.expected_status = 3
    assert server.wait_exit() == 3
    reason = r"the warm-up request for `/raise\?x` was answered 500"
    assert server.log_lines(rf"\[ERROR\] Application startup failed: {reason}") == 1


def test_a_path_that_does_not_answer_in_time_ends_the_boot(serve: Serve, plain: str) -> None:
    server = serve(plain, warmup="/sleep?60", boot_timeout=1, ready=False)
    server.expect(".")
    assert server.wait_exit() != 0
    assert server.log_lines("note: sleeping 60") >= 1
    server.expected_status = server.process.returncode


def test_warming_up_takes_as_long_as_it_takes(serve: Serve, plain: str) -> None:
    server = serve(plain, warmup="/sleep?1", request_timeout=0.3)
    server.wait_log("note: slept")
    assert server.get("/").text == "hello"
    server.expect("has taken longer")
    assert server.get("/sleep?3").status == 504


def test_a_stop_does_not_wait_for_it(serve: Serve) -> None:
    server = serve("apps.asgi_plain:app", warmup="/sleep?60", ready=False, graceful_timeout=1)
    server.wait_log("note: sleeping 60")
    server.expect(".")
    server.expected_status = 0
    assert server.stop() == 0
