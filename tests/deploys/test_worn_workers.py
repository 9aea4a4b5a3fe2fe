"""Workers that have served enough requests: replaced while nobody notices."""

from __future__ import annotations

import pytest
from conftest import Serve
from support.load import Load
from support.project import Project

pytestmark = pytest.mark.only("rgunicorn")


def test_a_worker_leaves_after_so_many_requests_when_its_successor_is_ready(
    serve: Serve, plain: str
) -> None:
    server = serve(plain, max_requests=3, keepalive=30)
    (first,) = server.worker_pids()
    answered = [int(server.get("/pid").text) for _ in range(3)]
    assert answered == [first] * 3
    server.wait_until(lambda: first not in server.worker_pids())
    assert int(server.get("/pid").text) != first


def test_recycling_all_the_time_loses_no_request(serve: Serve, project: Project) -> None:
    server = serve(project.app, workers=2, max_requests=100, max_requests_jitter=50)
    with Load(server.address) as load:
        server.wait_until(lambda: len(load.by_worker) >= 10, within=60)
    load.check()
