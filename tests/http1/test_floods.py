"""Requests far beyond every limit: refused while they arrive, and never seen by the application."""

from __future__ import annotations

import contextlib

import pytest
from support.conformance import get, post
from support.server import Server

pytestmark = pytest.mark.only("rgunicorn")

CHUNKED = "Transfer-Encoding: chunked"

#: What is sent, and the statuses that may come of it before the connection ends.
FLOODS: dict[str, tuple[bytes, set[int]]] = {
    "a target": (get(target="/" + "a" * 2_000_000), {414}),
    "a method": (b"A" * 2_000_000, {414}),
    "a field": (get("X-Long: " + "a" * 2_000_000), {431}),
    "a name": (get()[:-2] + b"A" * 2_000_000, {431}),
    "fields": (get(*(f"X-{number}: {number}" for number in range(20_000))), {431}),
    "fields without an end": (get()[:-2] + b"X-A: a\r\n" * 300_000, {431}),
    "a chunk's extension": (post(CHUNKED, target="/echo", body=b"3;" + b"x" * 2_000_000), {400}),
    "a chunk's size": (post(CHUNKED, target="/echo", body=b"0" * 2_000_000), {400}),
    "trailers": (
        post(CHUNKED, target="/echo", body=b"0\r\n" + b"X-A: a\r\n" * 300_000),
        {400, 431},
    ),
}


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_is_refused_while_it_arrives(server: Server, name: str) -> None:
    request, statuses = FLOODS[name]
    before = int(server.get("/count").text)
    with server.connect() as client:
        with contextlib.suppress(ConnectionError):
            client.send(request)
        answer = client.read_to_close()
    assert b"HTTP/1.1 200" not in answer
    if "POST" not in request[:4].decode():
        assert int(server.get("/count").text) == before + 1, "it reached the application"
    # The answer may be lost in the reset that a client gets who goes on sending.
    if answer:
        assert int(answer.split(b" ", 2)[1]) in statuses
