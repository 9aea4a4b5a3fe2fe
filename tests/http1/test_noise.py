"""Requests damaged at random: each gets a clear answer or a closed connection, and nothing dies."""

from __future__ import annotations

import contextlib
import itertools
import random
import re
from typing import Any

import pytest
from conftest import Serve
from support.exchanges import take_records, unix
from support.raw import Connection, build_request, chunked
from support.server import Server
from support.ways import send_pieces

pytestmark = pytest.mark.only("rgunicorn")

HEADERS = {"Transfer-Encoding": "chunked", "Accept": "*/*", "Expect": "100-continue"}
WHOLE = [
    build_request("GET", "/query?a=b%20c", headers={"Cookie": "a=1", "X-Long": "y" * 200}),
    build_request("POST", "/echo", body=b"body of a request"),
    build_request("POST", "/echo", headers=HEADERS, body=chunked(b"one", b"two" * 10)),
    build_request("GET", "/", version="HTTP/1.0", headers={"Connection": "keep-alive"}),
]
BYTES = [b"\r", b"\n", b"\r\n", b"\0", b" ", b"\t", b":", b",", b"\xff", b"-", b"0", b"f", b";"]


def damaged(chance: random.Random) -> bytes:
    """A request, or two, with a few bytes changed, doubled, left out or put in."""
    data = b"".join(chance.choices(WHOLE, k=chance.choice((1, 1, 2))))
    for _ in range(chance.choice((1, 1, 2, 5))):
        at = chance.randrange(len(data))
        end = at + chance.choice((0, 1, 1, 4))
        new = chance.choice((b"", chance.choice(BYTES), data[at:end] * 2))
        data = data[:at] + new + data[end:]
    return data


@pytest.mark.parametrize("seed", range(4))
def test_damaged_requests_get_an_answer_or_the_end(server: Server, seed: int) -> None:
    chance = random.Random(seed)
    pids = server.worker_pids()
    for number in range(250):
        data = damaged(chance)
        with server.connect() as client:
            client.send(data)
            client.half_close()
            answer = client.read_to_close()
        statuses = [int(status) for status in re.findall(rb"(?m)^HTTP/1\.1 (\d+) ", answer)]
        where = f"seed {seed}, number {number}: {data!r} got {answer!r}"
        assert answer == b"" or answer.startswith(b"HTTP/1.1 "), where
        assert not {500, 502, 503, 504} & set(statuses), where
        assert len(statuses) <= 6, where
    assert server.worker_pids() == pids
    assert server.get("/").text == "hello"


def outcome(server: Server, pieces: list[bytes]) -> tuple[list[int], list[dict[str, Any]]]:
    """The statuses that these bytes get, and what the application sees of them."""
    with Connection(unix(server)) as client:
        send_pieces(client, pieces)
        with contextlib.suppress(OSError):
            client.half_close()
        answer = client.read_to_close()
    statuses = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", answer)]
    final = [status for status in statuses if status != 100]
    return final, take_records(server)


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
@pytest.mark.parametrize("seed", range(2))
def test_damaged_requests_are_read_the_same_in_any_pieces(
    shared: Serve, interface: str, seed: int
) -> None:
    sockets = ["127.0.0.1:0", "unix:conformance.sock"]
    server = shared(f"apps.{interface}_conformance:app", keepalive=30, bind=sockets)
    chance = random.Random(f"pieces {seed}")
    for number in range(50):
        data = damaged(chance)
        expected = outcome(server, [data])
        cuts = [0, *sorted(chance.choices(range(len(data)), k=3)), len(data)]
        for pieces in (
            [data[begin:end] for begin, end in itertools.pairwise(cuts)],
            [bytes([byte]) for byte in data],
        ):
            found = outcome(server, pieces)
            assert found == expected, f"seed {seed}, number {number}: {data!r} in {pieces!r}"
