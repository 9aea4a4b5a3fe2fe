"""PEP 3333: the environ, key by key."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import Serve
from support.raw import chunked


@pytest.fixture
def environ(shared: Serve) -> Any:
    """Ask the server which environ a request makes."""
    server = shared("apps.wsgi_environ:app")

    def ask(target: str = "/", method: str = "GET", **parts: Any) -> dict[str, Any]:
        return server.request(method, target, **parts).json()

    ask.server = server  # type: ignore[attr-defined]
    return ask


def plain(answer: dict[str, Any]) -> dict[str, Any]:
    """The values, as opposed to their types."""
    return answer["plain"]


def test_environ_is_exactly_a_dict(environ: Any) -> None:
    assert environ()["type"] == "dict"


def test_every_environ_variable_is_a_str(environ: Any) -> None:
    types = environ("/a?b=c", headers={"X-One": "1"})["types"]
    assert {types[name] for name in types if name.isupper()} == {"str"}


def test_request_line_variables(environ: Any) -> None:
    seen = plain(environ("/one/two?three=4&five"))
    assert seen["REQUEST_METHOD"] == "GET"
    assert seen["SCRIPT_NAME"] == ""
    assert seen["PATH_INFO"] == "/one/two"
    assert seen["QUERY_STRING"] == "three=4&five"
    assert seen["RAW_URI"] == "/one/two?three=4&five"
    assert seen["SERVER_PROTOCOL"] == "HTTP/1.1"


def test_query_string_is_empty_when_there_is_none(environ: Any) -> None:
    assert plain(environ("/"))["QUERY_STRING"] == ""
    assert plain(environ("/?"))["QUERY_STRING"] == ""


def test_http_1_0_is_named_as_the_protocol(environ: Any) -> None:
    assert plain(environ(version="HTTP/1.0"))["SERVER_PROTOCOL"] == "HTTP/1.0"


def test_server_variables_name_the_listener(environ: Any) -> None:
    seen = plain(environ())
    address = environ.server.address
    assert seen["SERVER_PORT"] == str(address.port)
    assert seen["SERVER_NAME"] == address.host
    assert seen["SERVER_SOFTWARE"].startswith(environ.server.kind.name)


def test_remote_variables_name_the_client(environ: Any) -> None:
    with environ.server.connect() as client:
        host, port = client.sock.getsockname()
        seen = plain(client.get("/").json())
    assert (seen["REMOTE_ADDR"], seen["REMOTE_PORT"]) == (host, str(port))


def test_wsgi_variables(environ: Any) -> None:
    answer = environ()
    seen = plain(answer)
    assert seen["wsgi.version"] == [1, 0]
    assert seen["wsgi.url_scheme"] == "http"
    assert seen["wsgi.multithread"] is False
    assert seen["wsgi.run_once"] is False
    assert seen["wsgi.input_terminated"] is True
    assert {"wsgi.input", "wsgi.errors", "wsgi.file_wrapper"} <= set(answer["types"])
    assert "wsgi.file_wrapper" in answer["callables"]


@pytest.mark.parametrize(("workers", "several"), [(1, False), (2, True)])
def test_multiprocess_tells_whether_there_are_other_workers(
    shared: Serve, workers: int, several: bool
) -> None:
    server = shared("apps.wsgi_environ:app", workers=workers)
    assert plain(server.get("/").json())["wsgi.multiprocess"] is several


def test_headers_become_http_variables(environ: Any) -> None:
    seen = plain(
        environ(headers={"Host": "site.test:81", "X-Some-Thing": "value", "Accept": "*/*"})
    )
    assert seen["HTTP_HOST"] == "site.test:81"
    assert seen["HTTP_X_SOME_THING"] == "value"
    assert seen["HTTP_ACCEPT"] == "*/*"


def test_header_values_are_stripped_of_white_space_around_them(environ: Any) -> None:
    with environ.server.connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: x\r\nX-Padded: \t a  b \t \r\nX-None:\r\n\r\n")
        seen = plain(client.read_response().json())
    assert seen["HTTP_X_PADDED"] == "a  b"
    assert seen["HTTP_X_NONE"] == ""


def test_repeated_headers_are_joined_in_order(environ: Any) -> None:
    with environ.server.connect() as client:
        client.send(
            b"GET / HTTP/1.1\r\nHost: x\r\nX-Many: 1\r\nX-B: b\r\nx-many: 2\r\nX-MANY: 3\r\n\r\n"
        )
        seen = plain(client.read_response().json())
    assert seen["HTTP_X_MANY"].replace(" ", "") == "1,2,3"


@pytest.mark.differs("gunicorn", "joins cookies with a comma, which no cookie parser splits")
def test_repeated_cookie_headers_are_joined_as_cookies_are(environ: Any) -> None:
    with environ.server.connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: x\r\nCookie: a=1\r\nCookie: b=2\r\n\r\n")
        seen = plain(client.read_response().json())
    assert seen["HTTP_COOKIE"] == "a=1; b=2"


def test_header_values_are_latin_1(environ: Any) -> None:
    seen = plain(environ(headers={"X-Word": "caf\xe9"}))
    assert seen["HTTP_X_WORD"] == "caf\xe9"


def test_a_header_with_underscores_cannot_pass_for_one_with_dashes(environ: Any) -> None:
    seen = plain(environ(headers={"X_Forwarded_For": "10.0.0.1", "X-Real": "yes"}))
    assert "HTTP_X_FORWARDED_FOR" not in seen
    assert seen["HTTP_X_REAL"] == "yes"


def test_content_headers_have_no_http_prefix(environ: Any) -> None:
    seen = plain(environ(method="POST", body=b"abc", headers={"Content-Type": "text/plain"}))
    assert seen["CONTENT_TYPE"] == "text/plain"
    assert seen["CONTENT_LENGTH"] == "3"
    assert "HTTP_CONTENT_TYPE" not in seen
    assert "HTTP_CONTENT_LENGTH" not in seen


def test_a_request_without_a_body_has_no_length(environ: Any) -> None:
    seen = plain(environ())
    assert seen.get("CONTENT_LENGTH", "") == ""
    assert seen.get("CONTENT_TYPE", "") == ""


def test_a_chunked_body_is_told_by_the_header(environ: Any) -> None:
    headers = {"Transfer-Encoding": "chunked"}
    seen = plain(environ(method="POST", headers=headers, body=chunked(b"abc")))
    assert seen["wsgi.input_terminated"] is True
    assert seen.get("CONTENT_LENGTH") in (None, "", "3")


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/a%20b", "/a b"),
        ("/a%2Fb", "/a/b"),
        ("/%C3%A9", "/\xc3\xa9"),
        ("/%E9", "/\xe9"),
        ("/100%", "/100%"),
        ("/%zz%4", "/%zz%4"),
        ("/a+b", "/a+b"),
        ("/a;p=1", "/a;p=1"),
        ("//double//slash", "//double//slash"),
        ("/%00", "/\x00"),
    ],
)
def test_path_info_is_percent_decoded_into_latin_1(environ: Any, target: str, path: str) -> None:
    seen = plain(environ(target + "?q=%20"))
    assert seen["PATH_INFO"] == path
    assert seen["RAW_URI"] == target + "?q=%20"
    assert seen["QUERY_STRING"] == "q=%20"


def test_a_raw_latin_1_target_is_kept(environ: Any) -> None:
    with environ.server.connect() as client:
        client.send(b"GET /caf\xe9?x=\xe9 HTTP/1.1\r\nHost: x\r\n\r\n")
        response = client.read_response()
    if response.status == 400:
        return
    seen = plain(response.json())
    assert seen["PATH_INFO"] == "/caf\xe9"
    assert seen["QUERY_STRING"] == "x=\xe9"


@pytest.mark.parametrize("target", ["http://other.test/p?q=1", "http://other.test:81/p?q=1"])
def test_an_absolute_target_gives_its_path(environ: Any, target: str) -> None:
    seen = plain(environ(target))
    assert seen["PATH_INFO"] == "/p"
    assert seen["QUERY_STRING"] == "q=1"


def test_options_asterisk_reaches_the_application(environ: Any) -> None:
    assert plain(environ("*", method="OPTIONS"))["PATH_INFO"] in ("*", "")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
def test_any_method_reaches_the_application(environ: Any, method: str) -> None:
    assert plain(environ(method=method))["REQUEST_METHOD"] == method


def test_no_request_sees_what_another_put_into_its_environ(environ: Any) -> None:
    with environ.server.connect() as client:
        client.get("/")
        if client.sock.fileno() != -1 and environ.server.kind.name == "rgunicorn":
            assert "changed.by.app" not in plain(client.get("/").json())
    assert "changed.by.app" not in plain(environ())
