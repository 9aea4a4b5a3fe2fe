"""The ways in which a case of the conformance table is sent."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fcntl import ioctl
from time import monotonic

from support.conformance import HOST, Case
from support.raw import Connection

#: What follows on the connection: it must be answered where the connection goes on, and never
#: reach the application where it does not.
NEXT = f"GET /next HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
#: How many bytes a socket has sent that the other side has not read, on a unix socket.
SIOCOUTQ = 0x5411
#: Longest wait for the server to read what was sent, in seconds.
PATIENCE = 5.0
#: A request is cut into no more pieces than this.
MOST_PIECES = 1000


@dataclass(frozen=True)
class Way:
    """How the bytes of a case reach the server."""

    name: str
    send: Callable[[Connection, Case], None]
    #: Over a unix socket, which tells when the server has read what was sent; else over TCP.
    unix: bool = False


def send_alone(client: Connection, case: Case) -> None:
    """The request in one piece: whatever is wrong is answered without waiting for more."""
    head, end, body = case.request.partition(b"\r\n\r\n")
    if any(answer.continues for answer in case.answers):
        client.send(head + end)
        interim = client.read_head()
        assert interim.status == 100, f"{interim.status} instead of 100 Continue"
        client.send(body)
    else:
        client.send(case.request)
    if case.ends:
        client.half_close()


def send_followed(client: Connection, case: Case) -> None:
    """The request and what follows it, in one piece."""
    send_pieces(client, [case.request + NEXT])


def send_bytes(client: Connection, case: Case) -> None:
    """Each byte once the server has read the one before it; larger pieces of a large request."""
    everything = whole(case)
    size = 1 + len(everything) // MOST_PIECES
    send_pieces(client, [everything[at : at + size] for at in range(0, len(everything), size)])
    if case.ends:
        client.half_close()


ALONE = Way("alone", send_alone)
FOLLOWED = Way("followed by another", send_followed)
BYTES = Way("byte by byte", send_bytes, unix=True)


def ways(case: Case) -> list[Way]:
    """The ways of a case: none waits for a timeout a second time, and nothing follows an end."""
    if case.waits:
        return [ALONE]
    return [ALONE, BYTES] if case.ends else [ALONE, FOLLOWED, BYTES]


def splits(case: Case) -> list[Way]:
    """One way for each position at which the bytes can be cut in two."""
    return [split_at(position) for position in range(1, len(whole(case)))]


def split_at(position: int) -> Way:
    """The bytes up to a position, and the others once these have been read."""

    def send(client: Connection, case: Case) -> None:
        everything = whole(case)
        send_pieces(client, [everything[:position], everything[position:]])

    return Way(f"split at {position}", send, unix=True)


def whole(case: Case) -> bytes:
    """The bytes of a case with what follows."""
    return case.request if case.ends else case.request + NEXT


def send_pieces(client: Connection, pieces: Iterable[bytes]) -> None:
    """Send pieces; a server that has closed takes no more of them."""
    with contextlib.suppress(ConnectionError):
        for piece in pieces:
            client.send(piece)
            if client.sock.family == socket.AF_UNIX:
                wait_read(client.sock)


def wait_read(sock: socket.socket) -> None:
    """Wait until the other side has read everything, or has closed."""
    end = monotonic() + PATIENCE
    while unread(sock):
        assert monotonic() < end, "the server does not read"
        os.sched_yield()


def unread(sock: socket.socket) -> int:
    """How much of what was sent the other side has not read yet."""
    return int(struct.unpack("i", ioctl(sock, SIOCOUTQ, bytes(4)))[0])
