"""Sending the requests of the conformance table, and comparing what comes of them."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Callable, Iterable
from fcntl import ioctl
from time import monotonic
from typing import Any

from support.address import Address
from support.conformance import HOST, Answer, Case, Seen
from support.raw import Connection, CutError, Response
from support.server import Server

#: What follows on the connection: it must be answered where the connection goes on, and never
#: reach the application where it does not.
NEXT = f"GET /next HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
SEEN_NEXT = Seen(path="/next")
#: How many bytes a socket has sent that the other side has not read, on a unix socket.
SIOCOUTQ = 0x5411
#: Longest wait for an answer or the end of a connection, in seconds.
PATIENCE_FOR_ANSWERS = 5.0
#: Longest wait for the server to read a byte that it may leave unread until it has answered.
PATIENCE = 0.05

#: A request is cut into no more pieces than this.
MOST_PIECES = 1000

Way = Callable[[Connection, Case], None]


def all_at_once(client: Connection, case: Case) -> None:
    """The request alone, in one piece: whatever is wrong is answered without waiting for more."""
    pieces = [case.request]
    if any(answer.continues for answer in case.answers):
        begin, end, body = case.request.partition(b"\r\n\r\n")
        pieces = [begin + end, body]
    client.send(pieces[0])
    if len(pieces) > 1:
        interim = client.read_head()
        assert interim.status == 100, f"{interim.status} instead of 100 Continue"
        client.send(pieces[1])
    if case.ends:
        client.half_close()


def with_the_next(client: Connection, case: Case) -> None:
    """The request and what follows it, in one piece."""
    with contextlib.suppress(ConnectionError):
        client.send(case.request + NEXT)


def byte_by_byte(client: Connection, case: Case) -> None:
    """Each byte once the server has read the one before it; larger pieces of a large request."""
    everything = whole(case)
    size = 1 + len(everything) // MOST_PIECES
    send_pieces(client, [everything[at : at + size] for at in range(0, len(everything), size)])
    if case.ends:
        client.half_close()


def split_at(position: int) -> Way:
    """The bytes up to a position, and the others once these have been read."""

    def send(client: Connection, case: Case) -> None:
        everything = whole(case)
        send_pieces(client, [everything[:position], everything[position:]])
        if case.ends:
            client.half_close()

    return send


def whole(case: Case) -> bytes:
    """The bytes of a case with what follows."""
    return case.request if case.ends or case.waits else case.request + NEXT


def send_pieces(client: Connection, pieces: Iterable[bytes]) -> None:
    """Send pieces; a server that has closed takes no more of them."""
    with contextlib.suppress(ConnectionError):
        for piece in pieces:
            client.send(piece)
            wait_read(client.sock)


def wait_read(sock: socket.socket) -> None:
    """Let the other side read everything, unless it has something else to do first."""
    end = monotonic() + PATIENCE
    while unread(sock) and monotonic() < end:
        os.sched_yield()


def unread(sock: socket.socket) -> int:
    """How much of what was sent the other side has not read yet."""
    return int(struct.unpack("i", ioctl(sock, SIOCOUTQ, bytes(4)))[0])


def play(server: Server, address: Address, case: Case, *ways: Way) -> None:
    """Send a case in each of these ways, and hold the server to its row of the table."""
    goes_on = not case.closed
    try:
        responses = [exchange(address, case, way) for way in ways]
    except Exception:
        # What this case has led to is no business of the next one.
        take_records(server)
        raise
    records = take_records(server)
    seen = [*case.seen, SEEN_NEXT] if goes_on else [*case.seen]
    compare_seen(records, seen * len(ways))
    answers = [*case.answers, Answer()] if goes_on else [*case.answers]
    for number, each in enumerate(responses):
        compare_shown(each, answers, records[number * len(seen) : (number + 1) * len(seen)])


def exchange(address: Address, case: Case, way: Way) -> list[Response]:
    """Send a case on a connection of its own; the answers, each of which is the expected one."""
    with Connection(address, timeout=PATIENCE_FOR_ANSWERS) as client:
        way(client, case)
        responses = [read_answer(client, answer) for answer in case.answers]
        if case.closed:
            refused = bool(responses) and responses[-1].status >= 400
            rest = read_to_end(client, orderly=refused or way is all_at_once)
            assert rest == b"", f"after the last answer came {rest!r}"
            return responses
        if way is all_at_once:
            client.send(NEXT)
        return [*responses, read_answer(client, Answer())]


def take_records(server: Server) -> list[dict[str, Any]]:
    """What the application has seen since it was last asked, asked on another connection."""
    records: list[dict[str, Any]] = server.get("/records").json()
    return records


def read_answer(client: Connection, expected: Answer) -> Response:
    """The next answer, which has to be the expected one."""
    if expected.cut:
        return read_cut(client, expected)
    response = client.read_response(expected.method)
    compare_head(response, expected)
    if expected.body is not None:
        assert response.body == expected.body, f"the body is {response.body!r}"
    return response


def read_cut(client: Connection, expected: Answer) -> Response:
    """An answer whose body is cut short, so that the client can tell."""
    response = client.read_head()
    compare_head(response, expected)
    response.body = read_to_end(client, orderly=False)
    assert response.body == expected.body, f"the body is {response.body!r}"
    assert len(response.body) < int(response.header("Content-Length") or 0), "not cut"
    return response


def compare_head(response: Response, expected: Answer) -> None:
    """Status, interim answers and header fields."""
    assert response.status == expected.status, f"{response.status} instead of {expected.status}"
    assert response.version == "HTTP/1.1", response.version
    wanted: tuple[list[int], ...] = ([], [100]) if expected.continues else ([],)
    assert response.interim in wanted, f"interim answers {response.interim}"
    if expected.framing is not None:
        assert response.framing == expected.framing, f"framed by {response.framing}"
    for name, value in expected.fields.items():
        found = response.header_list(name)
        assert found == ([] if value is None else [value]), f"{name}: {found}"


def read_to_end(client: Connection, orderly: bool = True) -> bytes:
    """What comes before the end of the stream; who sends on behind a close may be reset."""
    rest = []
    tolerated = (CutError,) if orderly else (CutError, ConnectionResetError)
    with contextlib.suppress(*tolerated):
        while True:
            rest.append(client.read_exactly(1))
    return b"".join(rest)


def compare_seen(records: list[dict[str, Any]], expected: list[Seen]) -> None:
    """The requests that reached the application."""
    lines = [(record["method"], record["path"]) for record in records]
    wanted = [(seen.method, seen.path) for seen in expected]
    assert lines == wanted, f"the application saw {lines} instead of {wanted}"
    for record, seen in zip(records, expected, strict=True):
        for name in ("query", "host", "body", "version"):
            found, value = record[name], getattr(seen, name)
            assert found == value, f"the application saw the {name} {found!r}"
        for name, value in seen.fields.items():
            found = record["fields"].get(name)
            assert found == value, f"the application saw {name}: {found!r}"


def compare_shown(
    responses: list[Response], answers: list[Answer], records: list[dict[str, Any]]
) -> None:
    """Each answer belongs to the request in its place: it shows what was seen of that one."""
    for response, answer, record in zip(responses, answers, records, strict=False):
        shows = answer.status == 200 and answer.body is None and not answer.cut
        if shows and answer.method != "HEAD":
            assert response.json() == record, "the answer belongs to another request"
