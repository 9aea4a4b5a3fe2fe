"""Clients that are slow on purpose: each is closed by its deadline, and the others are served.

`benches/slow.py` asks the same of a thousand of them, and how quick the others are.
"""

from __future__ import annotations

import select
from collections.abc import Callable
from time import monotonic

import pytest
from conftest import Serve
from support.processes import descriptors
from support.raw import Connection, build_request
from support.server import Server

pytestmark = pytest.mark.only("rgunicorn")

ATTACKERS = 200
#: Each of these costs the kernel a few megabytes.
READERS = 40
DEADLINES = {
    "header_timeout": 1,
    "body_timeout": 1,
    "write_timeout": 1,
    "min_body_rate": 1000,
    "keepalive": 30,
    "worker_connections": 2 * ATTACKERS,
}
#: By when all of them must have been closed, on a machine that is busy with other tests.
PATIENCE = 15.0

StartAttack = Callable[[Server], list[Connection]]


@pytest.fixture
def server(serve: Serve, plain: str) -> Server:
    """A server that waits for nobody longer than a second."""
    return serve(plain, **DEADLINES)


def attack(server: Server, request: bytes) -> list[Connection]:
    """Connections that have sent a part of a request, all of them open at once."""
    taken = [server.connect() for _ in range(ATTACKERS)]
    for connection in taken:
        connection.send(request)
    return taken


def trickle(attackers: list[Connection], piece: bytes) -> list[bytes]:
    """Send a piece ten times a second on every connection until all are closed; what came back."""
    waiting = {connection.sock.fileno(): connection for connection in attackers}
    received = dict.fromkeys(waiting, b"")
    poll = select.poll()
    for number in waiting:
        poll.register(number, select.POLLIN)
    give_up, pause = monotonic() + PATIENCE, monotonic()
    while waiting:
        assert monotonic() < give_up, f"{len(waiting)} of {len(attackers)} are still open"
        for number, _ in poll.poll(100):
            part = part_of(waiting[number])
            received[number] += part
            if not part:
                poll.unregister(number)
                del waiting[number]
        if monotonic() >= pause:
            pause = monotonic() + 0.1
            for connection in waiting.values():
                send_if_open(connection, piece)
    return list(received.values())


def part_of(connection: Connection) -> bytes:
    """What has arrived; nothing at the end."""
    try:
        return connection.sock.recv(65536)
    except ConnectionError:
        return b""


def send_if_open(connection: Connection, piece: bytes) -> None:
    """Send, unless the server has closed already."""
    try:
        connection.send(piece)
    except ConnectionError:
        return


def assert_others_are_served(server: Server) -> None:
    """A new client, and one that stays, get their answers."""
    client = server.connect()
    for _ in range(20):
        assert client.get("/").text == "hello"
        assert server.get("/").text == "hello"


def test_slow_request_heads_are_refused_by_the_deadline(server: Server) -> None:
    attackers = attack(server, b"GET / HTTP/1.1\r\nHost: a\r\n")
    assert_others_are_served(server)
    answers = trickle(attackers, b"X-A: b\r\n")
    assert_others_are_served(server)
    assert {answer.partition(b"\r\n")[0] for answer in answers} == {b"HTTP/1.1 408 Request Timeout"}


def test_clients_that_send_nothing_are_closed_by_the_deadline(server: Server) -> None:
    attackers = [server.connect() for _ in range(ATTACKERS)]
    assert_others_are_served(server)
    trickle(attackers, b"")
    assert_others_are_served(server)


@pytest.mark.parametrize("framing", ["Content-Length: 100000", "Transfer-Encoding: chunked"])
def test_slow_request_bodies_are_refused_by_the_deadline(server: Server, framing: str) -> None:
    head = f"POST /echo HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n"
    piece = b"1\r\nx\r\n" if "chunked" in framing else b"x"
    attackers = attack(server, head.encode())
    assert_others_are_served(server)
    answers = trickle(attackers, piece)
    assert_others_are_served(server)
    assert {answer.partition(b"\r\n")[0] for answer in answers} == {b"HTTP/1.1 408 Request Timeout"}


def test_slow_readers_are_closed_by_the_deadline(server: Server) -> None:
    assert_others_are_served(server)
    (worker,) = server.worker_pids()
    before = server.wait_stable(lambda: descriptors(worker))
    attackers = [server.connect(receive_buffer=4096) for _ in range(READERS)]
    for connection in attackers:
        # The kernel alone would take up to four megabytes.
        connection.send(build_request("GET", "/large?6000000"))
    server.wait_until(lambda: descriptors(worker) >= before + READERS)
    assert_others_are_served(server)
    server.wait_until(lambda: descriptors(worker) <= before + 1, within=PATIENCE)
    assert_others_are_served(server)


def test_attackers_beyond_the_most_connections_do_not_keep_others_out(
    serve: Serve, plain: str
) -> None:
    server = serve(plain, **{**DEADLINES, "header_timeout": 30, "worker_connections": 100})
    server.expect("to make room")
    attackers = [server.connect() for _ in range(ATTACKERS)]
    for connection in attackers:
        connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n")
    for _ in range(5):
        assert server.get("/").text == "hello"
