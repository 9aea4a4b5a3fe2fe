"""Requests that are wrong: refused with a clear status, and never seen by the application."""

from __future__ import annotations

import contextlib

import pytest
from support.raw import build_request, chunked
from support.server import Server

pytestmark = pytest.mark.only("rgunicorn")


def head(*lines: str) -> bytes:
    """A GET with these header lines."""
    return "\r\n".join(["GET / HTTP/1.1", "Host: x", *lines, "", ""]).encode("latin-1")


def post(*lines: str, body: bytes = b"") -> bytes:
    """A POST with these header lines and a body."""
    text = "\r\n".join(["POST /echo HTTP/1.1", "Host: x", *lines, "", ""])
    return text.encode("latin-1") + body


MALFORMED: dict[str, bytes] = {
    "no target": b"GET\r\n\r\n",
    "no version": b"GET /\r\nHost: x\r\n\r\n",
    "two spaces": b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
    "space in the target": b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
    "word after the version": b"GET / HTTP/1.1 x\r\nHost: x\r\n\r\n",
    "space before the method": b" GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "lower case version": b"GET / http/1.1\r\nHost: x\r\n\r\n",
    "not http": b"GET / FTP/1.1\r\nHost: x\r\n\r\n",
    "version with three parts": b"GET / HTTP/1.1.1\r\nHost: x\r\n\r\n",
    "control character in the method": b"G\x01T / HTTP/1.1\r\nHost: x\r\n\r\n",
    "separator in the method": b"G(T / HTTP/1.1\r\nHost: x\r\n\r\n",
    "control character in the target": b"GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
    "nul in the target": b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": head("Host: y"),
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(20) + b"\r\n\r\n",
    "noise": bytes(range(128, 256)) + b"\r\n\r\n",
    "header without a colon": head("no colon"),
    "header without a name": head(": value"),
    "space before the colon": head("X-Space : value"),
    "space in the name": head("X Space: value"),
    "folded header": head("X-Folded: one", " two"),
    "first header folded": b"GET / HTTP/1.1\r\n Host: x\r\n\r\n",
    "nul in a value": head("X-Nul: a\0b"),
    "cr in a value": head("X-Cr: a\rb"),
    "control character in a value": head("X-Control: a\x01b"),
    "control character in a name": head("X-\x01: a"),
    "bare line feeds": b"GET / HTTP/1.1\nHost: x\n\n",
    "one bare line feed": b"GET / HTTP/1.1\r\nHost: x\nX-A: a\r\n\r\n",
    "length and chunked": post(
        "Content-Length: 5", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"
    ),
    "chunked and length": post(
        "Transfer-Encoding: chunked", "Content-Length: 5", body=b"0\r\n\r\n"
    ),
    "length of letters": post("Content-Length: five", body=b"12345"),
    "negative length": post("Content-Length: -5", body=b"12345"),
    "length with a plus": post("Content-Length: +5", body=b"12345"),
    "hexadecimal length": post("Content-Length: 0x5", body=b"12345"),
    "empty length": post("Content-Length:", body=b"12345"),
    "two lengths": post("Content-Length: 5", "Content-Length: 6", body=b"123456"),
    "lengths in a list": post("Content-Length: 5, 6", body=b"123456"),
    "length with a space": post("Content-Length: 1 2", body=b"123456789012"),
    "length beyond all numbers": post("Content-Length: 99999999999999999999999", body=b"1"),
    "chunked on http/1.0": b"POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": post("Transfer-Encoding: chunked, chunked", body=chunked(b"a")),
    "chunked in two headers": post(
        "Transfer-Encoding: chunked", "Transfer-Encoding: chunked", body=chunked(b"a")
    ),
    "chunked not last": post("Transfer-Encoding: chunked, gzip", body=chunked(b"a")),
    "empty coding": post("Transfer-Encoding:", body=b""),
    "hidden coding": post("Transfer-Encoding: \x0bchunked", body=chunked(b"a")),
}

REFUSED: dict[str, tuple[bytes, set[int]]] = {
    "unknown coding": (post("Transfer-Encoding: gzip, chunked", body=chunked(b"a")), {400, 501}),
    "http/2.0": (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", {400, 505}),
    "http/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 505}),
    "http/9.9": (b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", {400, 505}),
    "long target": (b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", {400, 414, 431}),
    "long header": (head("X-Long: " + "a" * 2_000_000), {400, 431}),
    "many headers": (head(*(f"X-{n}: {n}" for n in range(20_000))), {400, 431}),
    "no end of the head": (b"GET / HTTP/1.1\r\n" + b"X-A: a\r\n" * 300_000, {400, 431}),
}

BAD_CHUNKS: dict[str, bytes] = {
    "no size": b"\r\nabc\r\n0\r\n\r\n",
    "letters": b"xyz\r\nabc\r\n0\r\n\r\n",
    "negative": b"-3\r\nabc\r\n0\r\n\r\n",
    "plus": b"+3\r\nabc\r\n0\r\n\r\n",
    "prefix": b"0x3\r\nabc\r\n0\r\n\r\n",
    "space before the size": b" 3\r\nabc\r\n0\r\n\r\n",
    "too large a number": b"fffffffffffffffff\r\nabc\r\n0\r\n\r\n",
    "data too long": b"3\r\nabcdef\r\n0\r\n\r\n",
    "no line end after the data": b"3\r\nabc0\r\n\r\n",
    "bare line feed after the size": b"3\nabc\r\n0\r\n\r\n",
    "bare line feed after the data": b"3\r\nabc\n0\r\n\r\n",
    "endless extension": b"3;" + b"x" * 200_000 + b"\r\nabc\r\n0\r\n\r\n",
    "endless trailers": b"0\r\n" + b"X-A: a\r\n" * 100_000 + b"\r\n",
}


def refusal(server: Server, request: bytes) -> tuple[bytes, int]:
    """What the server answers before it closes, and how often the application was called."""
    before = int(server.get("/count").text)
    with server.connect() as client:
        with contextlib.suppress(ConnectionError):
            client.send(request)
        everything = client.read_to_close()
    return everything, int(server.get("/count").text) - before - 1


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_request_gets_400_and_the_connection_ends(server: Server, case: str) -> None:
    answer, calls = refusal(server, MALFORMED[case])
    assert calls == 0, "it reached the application"
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"\r\nconnection: close\r\n" in answer.lower()


@pytest.mark.parametrize("case", REFUSED)
def test_a_request_beyond_the_limits_is_refused(server: Server, case: str) -> None:
    request, statuses = REFUSED[case]
    answer, calls = refusal(server, request)
    assert calls == 0, "it reached the application"
    if answer:
        assert int(answer.split(b" ", 2)[1]) in statuses


@pytest.mark.parametrize("case", BAD_CHUNKS)
def test_a_bad_chunk_ends_the_request(server: Server, plain: str, case: str) -> None:
    request = post("Transfer-Encoding: chunked", body=BAD_CHUNKS[case])
    answer, calls = refusal(server, request)
    if "wsgi" in plain:
        assert calls == 0, "it reached the application"
        assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
    assert b"HTTP/1.1 200" not in answer


def test_what_follows_a_malformed_request_is_not_read(server: Server) -> None:
    answer, calls = refusal(server, head("bad header") + build_request("GET", "/count"))
    assert answer.count(b"HTTP/1.1 ") == 1
    assert calls == 0


def test_a_good_request_before_a_malformed_one_is_answered(server: Server) -> None:
    answer, calls = refusal(server, build_request("GET", "/query?good") + head("bad header"))
    assert calls == 1
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"good" in answer
    assert b"HTTP/1.1 400" in answer


@pytest.mark.parametrize(
    "request_bytes",
    [b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n", post("Content-Length: 10", body=b"12345")],
    ids=["in the line", "in the headers", "in the body"],
)
def test_a_client_that_stops_in_its_request_gets_no_success(
    server: Server, plain: str, request_bytes: bytes
) -> None:
    before = int(server.get("/count").text)
    with server.connect() as client:
        client.send(request_bytes)
        client.half_close()
        answer = client.read_to_close()
    assert b"HTTP/1.1 200" not in answer
    if "wsgi" in plain:
        assert int(server.get("/count").text) == before + 1


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        head("X-Empty:", "X-Tab:\tvalue\t", "x!#$%&'*+-.^_`|~9: odd name"),
        head("Content-Length: 0"),
        post("Transfer-Encoding: Chunked", body=chunked(b"a")),
        post("Content-Length: 5", "Content-Length: 5", body=b"12345"),
        post("Transfer-Encoding: chunked", body=b"3 ;a=b\r\nabc\r\n000\r\n\r\n"),
    ],
    ids=[
        "absolute target",
        "empty host",
        "http/1.0 without a host",
        "odd but legal headers",
        "zero length",
        "coding in any case",
        "the same length twice",
        "spaces and zeros around a chunk size",
    ],
)
def test_unusual_but_legal_requests_are_not_called_malformed(
    server: Server, request_bytes: bytes
) -> None:
    with server.connect() as client:
        client.send(request_bytes)
        assert client.read_response().status in (200, 400)
