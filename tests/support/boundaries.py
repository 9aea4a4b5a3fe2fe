"""The conformance table through a proxy: both have to agree where each request ends.

The proxy has one connection to the server, so that what a request leaves on it meets the next one.
"""

from __future__ import annotations

import contextlib
import re

from http1.cases import GROUPS

from support.address import Address
from support.conformance import HOST, Case
from support.exchanges import take_records
from support.raw import Connection, build_request
from support.server import Server

LAST = f"GET /last HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()
#: Those of the server's defaults, but for faults of the application.
CASES = [
    case
    for group in GROUPS
    for case in group.cases
    if not case.settings and not case.ends and not case.logged
]
#: With these, a proxy or the server refuses; the application of the table answers with others.
REFUSALS = {400, 405, 408, 413, 414, 417, 422, 431, 501, 502, 505}


def disagreements(proxy: Address, server: Server) -> list[str]:
    """The cases after which something is wrong."""
    take_records(server)
    found = [(case.name, disagreement(proxy, server, case)) for case in CASES]
    return [f"{name}: {problem}" for name, problem in found if problem]


def disagreement(proxy: Address, server: Server, case: Case) -> str:
    """Send a case, then another client's request, and say what went wrong, if anything."""
    statuses = send(proxy, case.request + LAST)
    with Connection(proxy, timeout=5) as client:
        client.send(build_request("GET", "/probe", {"Connection": "close"}))
        probe = client.read_response()
    seen = [record["path"] for record in take_records(server)]
    if probe.status != 200 or probe.json()["path"] != "/probe":
        return f"another client got {probe.status} {probe.text[:80]}"
    answered = [status for status in statuses if status not in REFUSALS]
    if len(seen) - 1 != len(answered):
        return f"{seen} seen, {statuses} answered"
    return ""


def send(proxy: Address, request: bytes) -> list[int]:
    """Send bytes, and read the statuses of all answers to them."""
    answer = b""
    with Connection(proxy, timeout=5) as client, contextlib.suppress(OSError):
        client.send(request)
        answer = client.read_to_close()
    statuses = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]
    return [status for status in statuses if status != 100]
