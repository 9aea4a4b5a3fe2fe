"""ASGI HTTP: the scope, key by key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from conftest import Serve
from support.server import Server

Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def server(shared: Serve) -> Server:
    """The application that shows its scope."""
    return shared("apps.asgi_scope:app", asgi_lifespan="off")


@pytest.fixture
def ask(server: Server) -> Ask:
    """The values of the scope a request makes."""

    def values(target: str = "/", method: str = "GET", **parts: Any) -> dict[str, Any]:
        return server.request(method, target, **parts).json()["values"]

    return values


def text(value: Any) -> str:
    """A byte string of the answer."""
    return value["bytes"]


def test_the_scope_is_a_dict_with_exactly_the_types_of_the_specification(server: Server) -> None:
    answer = server.get("/?a=b").json()
    types = answer["types"]
    assert answer["type"] == "dict"
    assert {name: types[name] for name in ("type", "http_version", "method", "scheme", "path")} == {
        "type": "str",
        "http_version": "str",
        "method": "str",
        "scheme": "str",
        "path": "str",
    }
    assert {types[name] for name in ("raw_path", "query_string")} == {"bytes"}
    assert types["root_path"] == "str"
    assert types["asgi"] == "dict"


@pytest.mark.differs("uvicorn", "speaks an older version of the specification")
@pytest.mark.differs("gunicorn", "speaks an older version of the specification")
def test_the_versions_are_3_0_and_2_5(ask: Ask) -> None:
    assert ask()["asgi"] == {"version": "3.0", "spec_version": "2.5"}


def test_request_line(ask: Ask) -> None:
    seen = ask("/one/two?three=4&five")
    assert seen["type"] == "http"
    assert seen["http_version"] == "1.1"
    assert seen["method"] == "GET"
    assert seen["scheme"] == "http"
    assert seen["path"] == "/one/two"
    assert text(seen["raw_path"]) == "/one/two"
    assert text(seen["query_string"]) == "three=4&five"
    assert seen["root_path"] == ""


def test_http_1_0(ask: Ask) -> None:
    assert ask(version="HTTP/1.0")["http_version"] == "1.0"


@pytest.mark.only("rgunicorn")
def test_the_method_is_upper_case(ask: Ask) -> None:
    assert ask(method="PATCH")["method"] == "PATCH"
    assert ask(method="PROPFIND")["method"] == "PROPFIND"


def test_an_empty_query(ask: Ask) -> None:
    assert text(ask("/")["query_string"]) == ""
    assert text(ask("/?")["query_string"]) == ""


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/a%20b", "/a b"),
        ("/a%2Fb", "/a/b"),
        ("/%C3%A9", "/\xe9"),
        ("/%E2%82%AC", "/\u20ac"),
        ("/a+b;c", "/a+b;c"),
        ("//double", "//double"),
        ("/100%", "/100%"),
    ],
)
def test_the_path_is_decoded_and_the_raw_path_is_not(ask: Ask, target: str, path: str) -> None:
    seen = ask(target + "?q=%20")
    assert seen["path"] == path
    assert text(seen["raw_path"]) == target
    assert text(seen["query_string"]) == "q=%20"


@pytest.mark.only("rgunicorn")
def test_a_path_that_is_not_utf_8_does_not_break_the_request(server: Server) -> None:
    response = server.get("/%E9%FF")
    assert response.status in (200, 400)
    if response.status == 200:
        assert text(response.json()["values"]["raw_path"]) == "/%E9%FF"


@pytest.mark.only("rgunicorn")
def test_an_absolute_target_gives_its_path(ask: Ask) -> None:
    seen = ask("http://other.test:81/p?q=1")
    assert seen["path"] == "/p"
    assert text(seen["query_string"]) == "q=1"


def test_headers_are_lower_case_byte_pairs_in_their_order(server: Server) -> None:
    with server.connect() as client:
        client.send(
            b"GET / HTTP/1.1\r\nHost: x\r\nX-Many: 1\r\nX-A: Value\r\nx-many: 2\r\nX-MANY:3\r\n\r\n"
        )
        answer = client.read_response().json()
    headers = [(text(name), text(value)) for name, value in answer["values"]["headers"]]
    assert headers == [
        ("host", "x"),
        ("x-many", "1"),
        ("x-a", "Value"),
        ("x-many", "2"),
        ("x-many", "3"),
    ]
    assert answer["pair"] in ("tuple", "list")


def test_header_values_are_the_bytes_of_the_client(ask: Ask) -> None:
    headers = ask(headers={"X-Word": "caf\xe9", "X-Underscore_Name": "kept"})["headers"]
    pairs = {text(name): text(value) for name, value in headers}
    assert pairs["x-word"] == "caf\xe9"


def test_client_and_server_are_host_and_port(server: Server) -> None:
    with server.connect() as client:
        mine = client.sock.getsockname()
        seen = client.get("/").json()["values"]
    assert seen["client"] == list(mine)
    assert seen["server"] == [server.address.host, server.address.port]


def test_a_unix_socket_has_a_path_for_a_server_and_no_client_port(
    serve: Serve, short_directory: str
) -> None:
    server = serve("apps.asgi_scope:app", bind=f"unix:{short_directory}/site.sock")
    seen = server.get("/").json()["values"]
    if server.kind.name == "rgunicorn":
        assert seen["server"] == [f"{short_directory}/site.sock", None]
    assert seen["path"] == "/"


@pytest.mark.only("rgunicorn")
def test_without_a_lifespan_there_is_still_no_foreign_state(server: Server, ask: Ask) -> None:
    assert ask().get("state", {}) == {}


def test_no_request_sees_what_another_put_into_its_scope(server: Server) -> None:
    with server.connect() as client:
        client.get("/")
        assert "changed by app" not in client.get("/").json()["values"]


@pytest.mark.only("rgunicorn")
def test_scopes_are_fresh_objects_down_to_the_headers_and_the_version(server: Server) -> None:
    with server.connect() as client:
        first = client.get("/?1").json()["values"]
        second = client.get("/?1").json()["values"]
    assert first == second
