"""What both applications of the conformance table share: what they saw, and what they answer."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

#: Every request that was received whole, since they were last asked for.
RECORDS: list[dict[str, Any]] = []


@dataclass(frozen=True)
class Reply:
    """A response as an application makes it, right or wrong."""

    #: Text where it is no status at all.
    status: int | str = 200
    reason: str = "OK"
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: list[bytes] = field(default_factory=lambda: [b"hello"])


def length(value: object) -> list[tuple[str, str]]:
    """A Content-Length field."""
    return [("Content-Length", str(value))]


#: By the last part of their path, `/reply/NAME`.
REPLIES = {
    "plain": Reply(headers=length(5)),
    "unsized": Reply(body=[b"hel", b"lo"]),
    "empty": Reply(headers=length(0), body=[]),
    "short": Reply(headers=length(10)),
    "long": Reply(headers=length(3)),
    "long-in-pieces": Reply(headers=length(3), body=[b"he", b"l", b"lo"]),
    "smuggling": Reply(headers=length(0), body=[b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"]),
    "204": Reply(204, "No Content"),
    "204-with-length": Reply(204, "No Content", length(5)),
    "304": Reply(304, "Not Modified", [("ETag", '"a"')]),
    "304-with-length": Reply(304, "Not Modified", length(5)),
    "205": Reply(205, "Reset Content", length(0), []),
    "404": Reply(404, "Not Found", length(5)),
    "599": Reply(599, "Odd", length(5)),
    "no-reason": Reply(200, "", length(5)),
    "close": Reply(headers=[*length(5), ("Connection", "close")]),
    "keep-alive": Reply(headers=[*length(5), ("Connection", "keep-alive"), ("Keep-Alive", "9")]),
    "coding": Reply(headers=[("Transfer-Encoding", "chunked")]),
    "coding-and-length": Reply(headers=[*length(5), ("Transfer-Encoding", "chunked")]),
    "upgrade": Reply(headers=[*length(5), ("Upgrade", "h2c")]),
    "te": Reply(headers=[*length(5), ("TE", "trailers")]),
    "trailer": Reply(headers=[*length(5), ("Trailer", "X-Sum")]),
    "proxy-connection": Reply(headers=[*length(5), ("Proxy-Connection", "close")]),
    "same-length-twice": Reply(headers=length(5) * 2),
    "two-lengths": Reply(headers=[*length(5), *length(6)]),
    "length-of-letters": Reply(headers=length("five")),
    "negative-length": Reply(headers=length(-5)),
    "plus-length": Reply(headers=length("+5")),
    "list-of-lengths": Reply(headers=length("5, 5")),
    "empty-length": Reply(headers=length("")),
    "huge-length": Reply(headers=length("9" * 30)),
    "name-with-space": Reply(headers=[("X A", "b")]),
    "name-with-colon": Reply(headers=[("X:A", "b")]),
    "name-with-line-end": Reply(headers=[("X\r\nX-Injected", "b")]),
    "name-empty": Reply(headers=[("", "b")]),
    "name-with-nul": Reply(headers=[("X\0A", "b")]),
    "name-not-ascii": Reply(headers=[("X-\xe4", "b")]),
    "value-with-line-end": Reply(headers=[("X-A", "b\r\nX-Injected: c")]),
    "value-with-lf": Reply(headers=[("X-A", "b\nX-Injected: c")]),
    "value-with-cr": Reply(headers=[("X-A", "b\rX-Injected: c")]),
    "value-with-nul": Reply(headers=[("X-A", "b\0c")]),
    "value-with-response": Reply(headers=[("X-A", "b\r\n\r\nHTTP/1.1 200 OK")]),
    "value-latin-1": Reply(headers=[*length(5), ("X-A", "\xe4")]),
    "value-empty": Reply(headers=[*length(5), ("X-A", "")]),
    "repeated": Reply(headers=[*length(5), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]),
    "date": Reply(headers=[*length(5), ("Date", "Thu, 01 Jan 1970 00:00:00 GMT")]),
    "server": Reply(headers=[*length(5), ("Server", "mine")]),
    "status-99": Reply(99, "Low"),
    "status-1000": Reply(1000, "High"),
    "status-100": Reply(100, "Continue"),
    "status-101": Reply(101, "Switching Protocols"),
    "status-199": Reply(199, "Odd"),
    "status-with-line-end": Reply("200 OK\r\nX-Injected: c", ""),
    "status-with-lf": Reply("200 OK\nX-Injected: c", ""),
    "status-with-nul": Reply("200 O\0K", ""),
    "status-of-letters": Reply("abc", "OK"),
}


def take_records() -> bytes:
    """What was seen since the last time, as JSON."""
    text = json.dumps(RECORDS)
    RECORDS.clear()
    return text.encode()


def answer(record: dict[str, Any]) -> Reply:
    """Note a request, and say what it is answered with."""
    RECORDS.append(record)
    begin, _, name = record["path"].rpartition("/")
    if begin == "/reply":
        return REPLIES[name]
    body = json.dumps(record).encode()
    return Reply(headers=length(len(body)), body=[body])
