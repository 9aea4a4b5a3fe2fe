"""Exceptions of the application, `close()`, and what the error log says."""

from __future__ import annotations

import pytest
from conftest import Serve
from support.server import Server


@pytest.fixture
def server(shared: Serve) -> Server:
    """The application with every way to answer."""
    return shared("apps.wsgi_response:app")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/raises", "in the call"),
        ("/raises_started", "in the call, started"),
        ("/raises_first", "in the first part"),
    ],
)
def test_an_exception_before_the_headers_is_a_500(server: Server, path: str, reason: str) -> None:
    server.expect("Error handling request")
    before = server.log_lines(f"BrokenError: {reason}$")
    response = server.get(path)
    assert response.status == 500
    assert b"BrokenError" not in response.body, "the client must not see the exception"
    server.wait_log(f"BrokenError: {reason}$", times=before + 1)
    assert server.log_lines(f"BrokenError: {reason}$") == before + 1
    server.wait_log("Traceback")


@pytest.mark.only("rgunicorn")
def test_the_log_names_the_request_line_of_an_exception(server: Server) -> None:
    server.expect("Error handling request")
    server.get("/raises?find=me")
    server.wait_log(r"\[ERROR\] .*GET /raises\?find=me")


@pytest.mark.only("rgunicorn")
def test_a_500_keeps_the_connection_in_step(server: Server) -> None:
    server.expect("Error handling request")
    with server.connect() as client:
        response = client.get("/raises")
        assert response.status == 500
        if response.header("Connection") != "close":
            assert client.get("/single").body == b"one part"
        else:
            assert client.closed_by_server()


def test_an_exception_after_the_headers_cuts_the_connection(server: Server) -> None:
    server.expect("Error handling request")
    with server.connect() as client:
        client.send(b"GET /raises_later HTTP/1.1\r\nHost: x\r\n\r\n")
        everything = client.read_to_close()
    assert everything.startswith(b"HTTP/1.1 200")
    assert b"first" in everything
    assert not everything.endswith(b"0\r\n\r\n"), "it must not look whole"
    assert b"500" not in everything
    server.wait_log("in a later part")


def test_the_server_goes_on_after_exceptions(server: Server) -> None:
    server.expect("Error handling request")
    pids = server.worker_pids()
    for _ in range(5):
        server.get("/raises")
    assert server.get("/single").status == 200
    assert server.worker_pids() == pids


@pytest.mark.only("rgunicorn")
def test_a_system_exit_of_the_application_does_not_end_the_worker_silently(serve: Serve) -> None:
    server = serve("apps.wsgi_response:app")
    server.expect("Error handling request", "SystemExit", "exit")
    with server.connect() as client:
        client.send(b"GET /exits HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = client.read_to_close()
    assert answer == b"" or answer.startswith(b"HTTP/1.1 500")
    server.wait_until(lambda: server.worker_pids())
    assert server.get("/single").status == 200


# close()


def test_close_is_called_once_after_the_last_part(server: Server) -> None:
    server.get("/closes?plain")
    server.wait_log("note: closed plain$")
    assert server.log_lines("note: closed plain$") == 1


def test_close_is_called_on_head(server: Server) -> None:
    server.request("HEAD", "/closes?head")
    server.wait_log("note: closed head$")


@pytest.mark.parametrize("path", ["/raises_first", "/raises_later"])
def test_close_is_called_after_an_exception(server: Server, path: str) -> None:
    server.expect("Error handling request")
    name = path[1:]
    before = server.log_lines(f"note: closed {name}$")
    with server.connect() as client:
        client.send(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        client.read_to_close()
    server.wait_log(f"note: closed {name}$", times=before + 1)
    assert server.log_lines(f"note: closed {name}$") == before + 1


@pytest.mark.only("rgunicorn")
def test_close_is_called_when_the_status_was_refused(server: Server) -> None:
    server.expect("Error handling request")
    before = server.log_lines("note: closed wrong_start$")
    server.get("/wrong_start?status-number")
    assert server.log_lines("note: closed wrong_start$") == before, "it was never returned"


@pytest.mark.parametrize("leave", ["close", "reset"])
def test_close_is_called_when_the_client_left(server: Server, leave: str) -> None:
    before = server.log_lines("note: closed endless$")
    client = server.connect()
    client.send(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
    client.read_head()
    getattr(client, leave)()
    server.wait_log("note: closed endless$", times=before + 1)
    assert server.get("/single").status == 200


def test_a_client_that_left_is_not_an_error(server: Server) -> None:
    before = server.log_lines("note: closed endless$")
    with server.connect() as client:
        client.send(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
        client.read_head()
        client.reset()
    server.wait_log("note: closed endless$", times=before + 1)
    assert server.get("/single").status == 200


def test_an_exception_in_close_is_logged_and_the_response_stays_whole(server: Server) -> None:
    server.expect("Error handling request|close")
    assert server.get("/raises_in_close").body == b"whole"
    server.wait_log("BrokenError: in close")


# wsgi.errors


def test_wsgi_errors_is_the_error_log(server: Server) -> None:
    assert server.get("/complains").status == 200
    for line in ("written complaint", "listed complaint", "printed complaint \u20ac"):
        server.wait_log(line)


def test_wsgi_errors_goes_where_the_error_log_goes(serve: Serve) -> None:
    server = serve("apps.wsgi_response:app", ready=False, errorlog="error.log")
    path = server.directory / "error.log"
    server.wait_until(lambda: path.exists() and "Listening at" in path.read_text())
    line = next(line for line in path.read_text().splitlines() if "Listening at" in line)
    server.log_path.write_text(line + "\n")
    server.wait_until(server.worker_pids)
    assert server.get("/complains").status == 200
    server.wait_until(lambda: "printed complaint" in path.read_text())


# wsgi.file_wrapper


@pytest.mark.parametrize("size", [0, 1, 8192, 100_000, 5_000_001])
def test_a_wrapped_file_arrives_whole(server: Server, size: int) -> None:
    body = server.get(f"/file?{size}").body
    assert body == bytes(range(256)) * (size // 256) + bytes(size % 256)


def test_a_wrapped_file_starts_where_the_application_stopped_reading(server: Server) -> None:
    assert server.get("/file_from_middle").body == b"456"


def test_a_wrapped_file_like_object_is_read_and_closed(server: Server) -> None:
    assert server.get("/filelike").body == b"like a file" * 1000
    server.wait_log("note: closed filelike")


@pytest.mark.only("rgunicorn")
def test_head_of_a_wrapped_file_has_no_body(server: Server) -> None:
    with server.connect() as client:
        assert client.request("HEAD", "/file?5000").status == 200
        assert client.get("/single").body == b"one part"
