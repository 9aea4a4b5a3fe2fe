"""Without any setting: what gunicorn's users know of WSGI, and uvicorn's users of ASGI.

These tests run against both as well.
"""

from __future__ import annotations

from typing import Any

import pytest
from conftest import Serve
from support.server import Server

Fields = list[tuple[str, str]]


@pytest.fixture(params=["wsgi", "asgi"])
def interface(request: pytest.FixtureRequest) -> str:
    """One of the interfaces; their applications give the same answers."""
    return str(request.param)


def ask(server: Server, fields: Fields, target: str = "/") -> dict[str, Any]:
    """What the application sees, and the port that the request came from."""
    with server.connect() as client:
        own = client.sock.getsockname()[1]
        answer = client.get(target, headers=[*fields, ("Connection", "close")])
    seen = answer.json() if answer.status == 200 else {}
    return {**seen, "own": str(own), "status": answer.status}


SCHEMES: list[tuple[Fields, str]] = [
    ([], "http"),
    ([("X-Forwarded-Proto", "https")], "https"),
    ([("x-forwarded-proto", "https")], "https"),
    ([("X-Forwarded-Proto", "http")], "http"),
    ([("X-Forwarded-Proto", "https, http")], "http"),
    ([("X-Forwarded-Proto", "gopher")], "http"),
    ([("X-Forwarded-Proto", "")], "http"),
    ([("X-Forwarded-Proto", "https"), ("X-Forwarded-Proto", "https")], "https"),
    ([("X_Forwarded_Proto", "https")], "http"),
    ([("Forwarded", "proto=https")], "http"),
]


@pytest.mark.parametrize(("fields", "scheme"), SCHEMES)
def test_a_proxy_tells_the_scheme(
    shared: Serve, interface: str, fields: Fields, scheme: str
) -> None:
    server = shared(f"apps.{interface}_behind:app")
    assert ask(server, fields)["scheme"] == scheme


@pytest.mark.only("rgunicorn", "gunicorn")
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([("X-Forwarded-Ssl", "on")], "https"),
        ([("X-Forwarded-Ssl", "On")], "http"),
        ([("X-Forwarded-Protocol", "ssl")], "https"),
        ([("X-Forwarded-Proto", "https"), ("X-Forwarded-Ssl", "on")], "https"),
        ([("X-Forwarded-Proto", "https"), ("X-Forwarded-Ssl", "off")], 400),
        ([("X-Forwarded-Proto", "https"), ("X-Forwarded-Proto", "http")], 400),
    ],
)
def test_scheme_headers_agree_or_are_refused(
    shared: Serve, interface: str, fields: Fields, expected: str | int
) -> None:
    seen = ask(shared(f"apps.{interface}_behind:app"), fields)
    assert seen.get("scheme", seen["status"]) == expected


CLIENTS: list[tuple[Fields, tuple[str, str]]] = [
    ([("X-Forwarded-For", "198.51.100.7")], ("198.51.100.7", "0")),
    ([("X-Forwarded-For", "6.6.6.6, 198.51.100.7")], ("198.51.100.7", "0")),
    ([("X-Forwarded-For", "198.51.100.7, 127.0.0.1")], ("198.51.100.7", "0")),
    ([("X-Forwarded-For", "127.0.0.1")], ("127.0.0.1", "0")),
    ([("X-Forwarded-For", "198.51.100.7:4711")], ("198.51.100.7", "4711")),
    ([("X-Forwarded-For", "[2001:db8::1]:4711")], ("2001:db8::1", "4711")),
    ([("X-Forwarded-For", "2001:db8::1")], ("2001:db8::1", "0")),
    (
        [("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", "198.51.100.7")],
        ("198.51.100.7", "0"),
    ),
]


@pytest.mark.only("rgunicorn", "uvicorn")
@pytest.mark.parametrize(("fields", "expected"), CLIENTS)
def test_under_asgi_a_proxy_tells_the_client(
    shared: Serve, fields: Fields, expected: tuple[str, str]
) -> None:
    seen = ask(shared("apps.asgi_behind:app"), fields)
    assert (seen["client"], seen["port"]) == expected


@pytest.mark.only("rgunicorn", "gunicorn")
@pytest.mark.parametrize("fields", [fields for fields, _ in CLIENTS])
def test_under_wsgi_the_client_is_the_proxy(shared: Serve, fields: Fields) -> None:
    seen = ask(shared("apps.wsgi_behind:app"), fields)
    assert (seen["client"], seen["port"]) == ("127.0.0.1", seen["own"])


@pytest.mark.parametrize(
    "fields",
    [
        [("X-Forwarded-For", "")],
        [("X-Forwarded-For", ",")],
        [("X_Forwarded_For", "6.6.6.6")],
        [("Forwarded", "for=6.6.6.6")],
        [("X-Real-IP", "6.6.6.6")],
        [("X-Forwarded-Host", "evil.test"), ("X-Forwarded-Port", "1")],
    ],
)
def test_what_is_not_meant_changes_nothing(shared: Serve, interface: str, fields: Fields) -> None:
    server = shared(f"apps.{interface}_behind:app")
    seen = ask(server, fields)
    assert (seen["client"], seen["port"]) == ("127.0.0.1", seen["own"])
    assert seen["server"] == [server.address.host, str(server.address.port)]
    assert seen["headers"]["host"] == "localhost"


@pytest.mark.only("rgunicorn", "gunicorn")
def test_script_name_of_a_proxy_is_cut_off_the_path(shared: Serve) -> None:
    server = shared("apps.wsgi_behind:app", forwarder_headers="SCRIPT_NAME")
    seen = ask(server, [("SCRIPT_NAME", "/app")], "/app/x")
    assert (seen["root"], seen["path"]) == ("/app", "/x")
    assert ask(server, [("Script-Name", "/app")], "/app/x")["root"] == ""
