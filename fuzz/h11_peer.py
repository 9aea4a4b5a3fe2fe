"""How h11 reads connections: length and bytes on standard input, a line of JSON for each."""

from __future__ import annotations

import json
import struct
import sys
from typing import Any, BinaryIO

import h11


def read(wire: bytes) -> dict[str, Any]:
    """All requests of a connection, each answered at once, and why there is no further one."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    if wire:  # no bytes at all would say that the client sends no more
        connection.receive_data(wire)
    requests: list[dict[str, Any]] = []
    try:
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Request):
                requests.append(head_of(event))
                body = bytearray()
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                requests[-1]["body"] = body.decode("latin-1")
                if not answer(connection, requests[-1]["method"]):
                    return {"requests": requests, "stop": "closes"}
            elif event is h11.NEED_DATA:
                return {"requests": requests, "stop": "waits"}
            else:
                raise AssertionError(event)
    except h11.RemoteProtocolError as error:
        return {"requests": requests, "stop": f"refuses: {error}"}


def head_of(event: h11.Request) -> dict[str, Any]:
    """A head as JSON: bytes as the characters of Latin-1."""
    return {
        "method": event.method.decode("latin-1"),
        "target": event.target.decode("latin-1"),
        "fields": [
            [name.decode("latin-1"), value.decode("latin-1")] for name, value in event.headers
        ],
        "body": None,
    }


def answer(connection: h11.Connection, method: str) -> bool:
    """Answer the request; whether another one may follow on the connection."""
    # A success would turn what follows a CONNECT into a tunnel.
    status = 501 if method == "CONNECT" else 200
    connection.send(h11.Response(status_code=status, headers=[("Content-Length", "0")]))
    connection.send(h11.EndOfMessage())
    if connection.our_state is not h11.DONE:
        return False
    connection.start_next_cycle()
    return True


def main(source: BinaryIO) -> None:
    """Answer until the other side hangs up."""
    while len(length := source.read(4)) == 4:
        wire = source.read(struct.unpack("<I", length)[0])
        print(json.dumps(read(wire)), flush=True)


if __name__ == "__main__":
    main(sys.stdin.buffer)
