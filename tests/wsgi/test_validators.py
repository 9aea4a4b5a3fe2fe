"""Two independent judges of PEP 3333 around an application: neither has a complaint."""

from __future__ import annotations

import pytest
from conftest import Serve
from support.raw import chunked
from support.server import Server


@pytest.fixture(params=["apps.wsgi_judged:validated", "apps.wsgi_judged:linted"])
def server(shared: Serve, request: pytest.FixtureRequest) -> Server:
    """The same application under each of the judges."""
    return shared(request.param)


@pytest.mark.parametrize("path", ["/list", "/generator", "/write", "/empty", "/closing"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_the_judges_accept_the_calls(server: Server, path: str, method: str) -> None:
    body = b"some=form" if method == "POST" else b""
    response = server.request(method, path, body=body)
    assert response.status == 200


@pytest.mark.parametrize("path", ["/read", "/lines"])
@pytest.mark.parametrize("coding", ["length", "chunked"])
def test_the_judges_accept_the_input(server: Server, path: str, coding: str) -> None:
    body, headers = b"one\ntwo\n", {}
    if coding == "chunked":
        body, headers = chunked(b"one\n", b"two\n"), {"Transfer-Encoding": "chunked"}
    response = server.post(path, body, headers={"Content-Type": "text/plain", **headers})
    assert (response.status, response.body) == (200, b"one\ntwo\n")


@pytest.mark.parametrize("status", [204, 304])
def test_the_judges_accept_responses_without_a_body(server: Server, status: int) -> None:
    assert server.get(f"/status?{status}").status == status


def test_the_judges_accept_a_replaced_response(server: Server) -> None:
    assert server.get("/replaced").status == 500


def test_no_judge_wrote_a_warning(server: Server) -> None:
    server.get("/list")
    assert server.log_lines("Warning") == 0
