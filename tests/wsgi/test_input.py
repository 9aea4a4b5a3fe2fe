"""`wsgi.input`: every way to read a body, small, large, chunked, expected."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from conftest import Serve
from support.raw import build_request, chunked
from support.server import Server

LINES = b"first\nsecond\nthird"


@pytest.fixture
def server(shared: Serve) -> Server:
    """The application that reads in every way."""
    return shared("apps.wsgi_input:app")


READS: list[tuple[str, Any]] = [
    ("/read", ["first\nsecond\nthird"]),
    ("/read-twice", ["first\nsecond\nthird", "", ""]),
    ("/read-minus", ["first\nsecond\nthird"]),
    ("/read-none", ["first\nsecond\nthird"]),
    ("/read-zero", ["", "first\nsecond\nthird"]),
    ("/read-5", ["first", "\nseco", "nd\nth", "ird"]),
    ("/read-more", ["first\nsecond\nthird"]),
    ("/readline", ["first\n", "second\n", "third"]),
    ("/readline-3", ["fir", "st\n", "sec"]),
    ("/readlines", ["first\n", "second\n", "third"]),
    ("/iterate", ["first\n", "second\n", "third"]),
    ("/mixed", ["first\n", "se", "cond\n", "third"]),
    ("/ignore", ["not read"]),
]


@pytest.mark.parametrize(("path", "seen"), READS)
@pytest.mark.parametrize("coding", ["length", "chunked"])
def test_a_body_is_read_as_from_a_file(server: Server, path: str, seen: Any, coding: str) -> None:
    if coding == "chunked":
        headers = {"Transfer-Encoding": "chunked"}
        answer = server.post(path, chunked(LINES[:7], LINES[7:8], LINES[8:]), headers=headers)
    else:
        answer = server.post(path, LINES)
    assert answer.json()["seen"] == seen


def test_readlines_with_a_hint_gives_whole_lines(server: Server) -> None:
    seen = server.post("/readlines-hint", LINES).json()["seen"]
    assert seen[0] == "first\n"
    assert "".join(seen) == LINES.decode()[: len("".join(seen))]


@pytest.mark.parametrize("path", ["/read", "/readline", "/readlines", "/iterate", "/read-5"])
def test_no_body_reads_as_empty_at_once(server: Server, path: str) -> None:
    seen = server.get(path).json()["seen"]
    assert "".join(seen) == ""


@pytest.mark.parametrize("size", [1, 65_537, 1_000_000, 30_000_000])
@pytest.mark.parametrize("coding", ["length", "chunked"])
def test_large_bodies_arrive_whole(server: Server, size: int, coding: str) -> None:
    body = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    if coding == "chunked":
        parts = [body[at : at + 70_000] for at in range(0, size, 70_000)]
        headers = {"Transfer-Encoding": "chunked"}
        answer = server.post("/digest", chunked(*parts), headers=headers)
    else:
        answer = server.post("/digest", body)
    seen = answer.json()["seen"]
    assert (seen["size"], seen["sha256"]) == (size, hashlib.sha256(body).hexdigest())


@pytest.mark.only("rgunicorn")
def test_a_large_body_is_kept_in_a_file_without_a_name(server: Server) -> None:
    small = server.post("/digest", b"x").json()["seen"]["files"]
    large = server.post("/digest", b"x" * 30_000_000).json()["seen"]["files"]
    assert large > small
    assert server.post("/digest", b"x").json()["seen"]["files"] == small, "and given back"


@pytest.mark.only("rgunicorn")
@pytest.mark.parametrize("body", [b"short", b"long" * 1_000_000])
def test_a_body_the_application_ignored_does_not_disturb_the_next_request(
    server: Server, body: bytes
) -> None:
    with server.connect() as client:
        assert client.post("/ignore", body).status == 200
        assert client.post("/read", b"next").json()["seen"] == ["next"]


@pytest.mark.only("rgunicorn")
def test_a_slow_upload_does_not_hold_the_worker(server: Server) -> None:
    request = build_request("POST", "/read", body=b"slow upload")
    with server.connect() as slow:
        slow.send(request[:-5])
        assert server.post("/read", b"fast").json()["seen"] == ["fast"]
        slow.send(request[-5:])
        assert slow.read_response().json()["seen"] == ["slow upload"]


def test_chunk_extensions_and_trailers_are_no_part_of_the_body(server: Server) -> None:
    body = b"3;name=value\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: t\r\n\r\n"
    headers = {"Transfer-Encoding": "chunked", "Trailer": "X-Trailer"}
    assert server.post("/read", body, headers=headers).json()["seen"] == ["abcde"]


# Expect: 100-continue


def test_continue_is_sent_when_the_body_is_wanted(server: Server) -> None:
    headers = {"Expect": "100-continue", "Content-Length": "5"}
    with server.connect() as client:
        client.send(build_request("POST", "/read", headers=headers))
        assert client.read_head().status == 100
        client.send(b"12345")
        response = client.read_response()
    assert response.interim == []
    assert response.json()["seen"] == ["12345"]


@pytest.mark.only("rgunicorn")
def test_a_chunked_body_that_is_expected_has_its_length_in_the_environ(server: Server) -> None:
    headers = {"Expect": "100-continue", "Transfer-Encoding": "chunked"}
    with server.connect() as client:
        client.send(build_request("POST", "/read", headers=headers))
        assert client.read_head().status == 100
        client.send(chunked(b"123", b"45"))
        answer = client.read_response().json()
    assert answer["length"] == "5"
    assert answer["seen"] == ["12345"]


def test_a_body_that_comes_with_its_expectation_is_read(server: Server) -> None:
    with server.connect() as client:
        response = client.post("/read", b"at once", headers={"Expect": "100-continue"})
    assert response.status == 200
    assert response.json()["seen"] == ["at once"]


@pytest.mark.only("rgunicorn")
def test_an_unknown_expectation_is_refused(server: Server) -> None:
    with server.connect() as client:
        client.send(
            build_request("POST", "/read", headers={"Expect": "tea", "Content-Length": "1"})
        )
        assert client.read_response().status == 417


@pytest.mark.only("rgunicorn")
def test_http_1_0_is_never_told_to_continue(server: Server) -> None:
    headers = {"Expect": "100-continue"}
    with server.connect() as client:
        response = client.post("/read", b"body", headers=headers, version="HTTP/1.0")
    assert response.interim == []
    assert response.json()["seen"] == ["body"]


def test_a_client_that_leaves_in_its_upload_never_reaches_the_application(server: Server) -> None:
    with server.connect() as client:
        client.send(build_request("POST", "/read", headers={"Content-Length": "100"}) + b"only")
    assert server.post("/read", b"next").json()["seen"] == ["next"]
