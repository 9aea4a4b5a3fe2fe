"""Static files: what is served, under which names, as what."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conftest import Serve
from support.frontends import packet
from support.processes import descriptors
from support.raw import Connection, build_request, chunked
from support.server import Server
from support.site import LARGE

pytestmark = pytest.mark.only("rgunicorn")


def test_a_file_is_served_and_the_application_is_not_asked(static: Server) -> None:
    response = static.get("/static/digits")
    assert (response.status, response.body) == (200, b"0123456789")
    assert response.header("Content-Type") == "application/octet-stream"
    assert response.header("Accept-Ranges") == "bytes"
    assert response.header("Last-Modified") == "Tue, 02 Jan 2024 03:04:05 GMT"
    assert response.header("X-Content-Type-Options") == "nosniff"
    assert response.header("Cache-Control") is None
    assert response.header("Date") is not None
    assert response.framing == "length"
    assert static.get("/app").body == b"the application"


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("css/site.css", "text/css; charset=utf-8"),
        ("script.js", "text/javascript; charset=utf-8"),
        ("docs/index.html", "text/html; charset=utf-8"),
        ("nothing.txt", "text/plain; charset=utf-8"),
        ("picture.png", "image/png"),
        ("large.bin", "application/octet-stream"),
    ],
)
def test_types_follow_names(static: Server, path: str, media_type: str) -> None:
    assert static.get(f"/static/{path}").header("Content-Type") == media_type


def test_a_large_file_reaches_a_slow_reader_and_the_connection_goes_on(static: Server) -> None:
    with static.connect(receive_buffer=4096) as client:
        client.send(build_request("GET", "/static/large.bin") + build_request("GET", "/app"))
        body = client.read_response().body
        assert (len(body), body[:256]) == (LARGE, bytes(range(256)))
        assert client.read_response().body == b"the application"


def test_many_requests_on_one_connection(static: Server) -> None:
    with static.connect() as client:
        client.send(build_request("GET", "/static/digits") * 100)
        for _ in range(100):
            assert client.read_response().body == b"0123456789"


def test_head_gets_the_fields_of_get(static: Server) -> None:
    for path in ("digits", "large.bin", "nothing.txt", "css/site.css"):
        with static.connect() as client:
            head = client.request("HEAD", f"/static/{path}")
            get = client.get(f"/static/{path}")
        dropped = {"date"}
        fields = [pair for pair in get.headers if pair[0].lower() not in dropped]
        assert [pair for pair in head.headers if pair[0].lower() not in dropped] == fields
        assert head.header("Content-Length") == str(len(get.body))


def test_an_empty_file_is_a_whole_response(static: Server) -> None:
    response = static.get("/static/nothing.txt")
    assert (response.status, response.header("Content-Length"), response.body) == (200, "0", b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND"])
def test_other_methods_are_told_which_are_allowed(static: Server, method: str) -> None:
    with static.connect() as client:
        for path in ("/static/digits", "/static/none", "/static"):
            response = client.request(method, path)
            assert (response.status, response.header("Allow")) == (405, "GET, HEAD")
        assert client.get("/app").status == 200


def test_bodies_of_requests_are_dropped(static: Server) -> None:
    with static.connect() as client:
        assert client.request("GET", "/static/digits", body=b"x" * 100_000).status == 200
        client.send(
            build_request("GET", "/static/digits", headers={"Transfer-Encoding": "chunked"})
            + chunked(b"a" * 1000, b"b" * 70_000)
        )
        assert client.read_response().body == b"0123456789"
        assert client.post("/static/digits", b"y" * 100).status == 405
        assert client.get("/app").status == 200


def test_a_large_upload_is_refused_before_it_is_sent(static: Server) -> None:
    with static.connect() as client:
        head = {"Content-Length": "1000000000", "Expect": "100-continue"}
        response = client.request("POST", "/static/digits", headers=head)
        assert (response.status, response.interim) == (405, [])
        assert response.header("Connection") == "close"
    with static.connect() as client:
        response = client.request(
            "POST", "/static/digits", headers={"Content-Length": "1000000000"}
        )
        assert (response.status, response.header("Connection")) == (405, "close")


def test_http_1_0_gets_files(static: Server) -> None:
    response = static.get("/static/digits", version="HTTP/1.0")
    assert (response.status, response.body, response.framing) == (200, b"0123456789", "length")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("with%20space.txt", "space"),
        ("b%C3%BCcher.txt", "B\u00fccher"),
        ("per%25cent.txt", "percent"),
        ("back\\slash.txt", "backslash"),
        ("back%5Cslash.txt", "backslash"),
        (".hidden", "hidden"),
        ("%64igits", "0123456789"),
        ("digits?v=2", "0123456789"),
        ("/digits", "0123456789"),
        ("inside.txt", "body { color: black }\n" * 50),
        ("old/file.txt", "the longer prefix"),
        ("%6f%6cd/file.txt", "the longer prefix"),
        ("css//site.css", "body { color: black }\n" * 50),
    ],
)
def test_names_are_decoded_once(static: Server, path: str, text: str) -> None:
    response = static.get(f"/static/{path}")
    assert (response.status, response.text) == (200, text)


def test_absolute_targets_are_served_too(static: Server) -> None:
    assert static.get("http://localhost/static/digits").body == b"0123456789"


def test_a_mount_may_be_a_link_to_a_directory(static: Server) -> None:
    assert static.get("/linked/digits").body == b"0123456789"


@pytest.mark.parametrize("path", ["/staticx", "/stati", "/", "/Static/digits", "/static%2Fdigits"])
def test_other_paths_are_the_applications(static: Server, path: str) -> None:
    static.expect("Error handling request|Exception in ASGI application")
    assert static.get(path).status == 500
    static.wait_log(r"the application was asked for /")


def test_all_paths_can_be_files(serve: Serve, site: Path, plain: str) -> None:
    server = serve(plain, static_path=[f"/={site}/public"])
    assert server.get("/digits").body == b"0123456789"
    assert server.get("/").text == "<title>home</title>"
    assert server.get("/query?a=b").status == 404


def test_every_kind_of_listener_serves_files(
    serve: Serve, site: Path, short_directory: str, plain: str
) -> None:
    binds = [f"unix:{short_directory}/http.sock", "uwsgi://127.0.0.1:0"]
    server = serve(plain, bind=binds, static_path=[f"/static={site}/public"])
    over_unix, over_uwsgi = server.addresses
    path = "/static/large.bin"
    with Connection(over_unix, receive_buffer=4096) as client:
        assert len(client.get(path).body) == LARGE
        assert client.get("/").text == "hello"
    with Connection(over_uwsgi) as client:
        client.send(packet(("REQUEST_URI", path), ("PATH_INFO", path), ("QUERY_STRING", "")))
        assert len(client.read_response().body) == LARGE
        assert client.closed_by_server()


def test_paths_are_those_that_the_server_sees(serve: Serve, site: Path, plain: str) -> None:
    mounts = [f"/static={site}/public", f"/app/files={site}/public"]
    server = serve(plain, root_path="/app", static_path=mounts)
    assert server.get("/static/digits").body == b"0123456789"
    assert server.get("/app/files/digits").body == b"0123456789"
    assert server.get("/app/static/digits").body != b"0123456789"


# Directories.


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/static", "./static/"),
        ("/static/docs", "./docs/"),
        ("/static/docs?a=b&c", "./docs/?a=b&c"),
        ("/static//docs", "./docs/"),
        ("/%73tatic/%64ocs", "./%64ocs/"),
    ],
)
def test_directories_want_a_slash(static: Server, path: str, location: str) -> None:
    response = static.get(path)
    assert (response.status, response.header("Location")) == (301, location)


def test_directories_give_their_index_and_no_listing(static: Server) -> None:
    response = static.get("/static/docs/")
    assert (response.status, response.text) == (200, "<title>docs</title>")
    assert response.header("Content-Type") == "text/html; charset=utf-8"
    assert static.get("/static/").text == "<title>home</title>"
    for path in ("/static/empty", "/static/empty/", "/static/css", "/static/css/"):
        assert static.get(path).status == 404
    assert static.get("/static/digits/").status == 404
    assert static.get("/static/docs/index.html/").status == 404


# The log.


def test_accesses_are_logged_like_others(serve: Serve, site: Path, plain: str) -> None:
    log = {"accesslog": "-", "access_log_format": "%(m)s %(U)s %(s)s %(B)s"}
    server = serve(plain, static_path=[f"/static={site}/public"], **log)
    server.get("/static/digits")
    server.request("HEAD", "/static/digits")
    server.get("/static/none")
    server.get("/static/digits", headers={"Range": "bytes=2-4"})
    expected = [
        "GET /static/digits 200 10",
        "HEAD /static/digits 200 0",
        "GET /static/none 404 37",
        "GET /static/digits 206 3",
    ]
    server.wait_until(lambda: len(server.output_path.read_text().splitlines()) >= len(expected))
    assert server.output_path.read_text().splitlines() == expected


def test_a_directory_that_is_not_there_is_an_error_at_the_start(
    serve: Serve, tmp_path: Path, plain: str
) -> None:
    server = serve(plain, ready=False, static_path=[f"/static={tmp_path}/none"])
    server.expect("static_path|static-path")
    server.expected_status = 1
    assert server.wait_exit() == 1
    assert f"{tmp_path}/none" in server.log()


def test_clients_that_leave_leave_no_descriptor(serve: Serve, site: Path, plain: str) -> None:
    server = serve(plain, static_path=[f"/static={site}/public"])
    (worker,) = server.worker_pids()
    server.get("/static/digits")
    before = descriptors(worker)
    for number in range(60):
        client = server.connect(receive_buffer=4096)
        client.send(build_request("GET", "/static/large.bin"))
        if number % 2:
            client.read_head()
            client.reset()
    server.hang_up()
    server.wait_until(lambda: descriptors(worker) <= before)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_forbidden(static: Server) -> None:
    assert static.get("/static/forbidden.txt").status == 403
