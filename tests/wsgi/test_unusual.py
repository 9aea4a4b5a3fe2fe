"""Answers that few applications give, and that must arrive as they are meant."""

from __future__ import annotations

import pytest
from conftest import Serve
from support.raw import Response
from support.server import Server

pytestmark = pytest.mark.only("rgunicorn")


@pytest.fixture
def server(shared: Serve) -> Server:
    """The application with unusual answers."""
    return shared("apps.wsgi_unusual:app")


def in_step(server: Server, method: str, path: str) -> Response:
    """An answer, on a connection that must still be in step after it."""
    with server.connect() as client:
        response = client.request(method, path)
        assert client.get("/tuple").body == b"body"
    return response


def test_a_very_large_head_is_sent_whole(server: Server) -> None:
    response = in_step(server, "GET", "/large-head")
    assert response.header("X-Large") == "v" * 300_000
    assert response.header("X-999") == "y"
    assert response.body == b"after"


@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [("/no-reason", 200, ""), ("/latin-reason", 200, "caf\xe9"), ("/unknown-status", 599, "Odd")],
)
def test_any_status_of_three_digits_and_any_reason(
    server: Server, path: str, status: int, reason: str
) -> None:
    response = in_step(server, "GET", path)
    assert (response.status, response.reason, response.body) == (status, reason, b"body")


def test_the_same_length_twice_is_sent_once(server: Server) -> None:
    response = in_step(server, "GET", "/length-twice")
    assert response.header_list("Content-Length") == ["4"]


@pytest.mark.parametrize("path", ["/length-with-204", "/body-with-204"])
def test_204_has_neither_length_nor_body(server: Server, path: str) -> None:
    response = in_step(server, "GET", path)
    assert (response.status, response.body) == (204, b"")
    assert response.header("Content-Length") is None


def test_304_has_no_body(server: Server) -> None:
    assert in_step(server, "GET", "/body-with-304").status == 304


def test_head_keeps_the_length_of_the_application(server: Server) -> None:
    assert in_step(server, "HEAD", "/length-for-head").header("Content-Length") == "12345"


@pytest.mark.parametrize("path", ["/tuple", "/kinds-of-str"])
def test_sequences_and_strings_of_other_types(server: Server, path: str) -> None:
    response = in_step(server, "GET", path)
    assert (response.framing, response.body) == ("length", b"body")
