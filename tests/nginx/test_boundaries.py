"""The conformance table through nginx: the proxy and the server agree where each request ends."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from conftest import Serve
from http1.cases import GROUPS
from support.conformance import HOST, Case
from support.exchanges import take_records
from support.nginx import Nginx, StartNginx, upstream
from support.raw import Connection
from support.server import Server
from support.waiting import wait_until

pytestmark = [pytest.mark.only("rgunicorn"), pytest.mark.timeout(120)]

#: One connection to the server, so that what a request leaves on it meets the next one; and nginx
#: lets as much pass as it can.
CONFIGURATION = """
    log_format forwarded '$request_uri $upstream_status';
    access_log {directory}/forwarded.log forwarded;
    upstream site {{ server {site}; keepalive 1; }}
    server {{
        listen 127.0.0.1:{port};
        ignore_invalid_headers off;
        underscores_in_headers on;
        client_header_timeout 1s;
        client_body_timeout 1s;
        location / {{
            proxy_pass http://site;
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Connection "";
            proxy_next_upstream off;
            proxy_request_buffering {buffering};
        }}
    }}
"""

#: What nginx notes where the server, or nginx itself, has refused a request.
REFUSED = {"400", "413", "414", "417", "431", "501", "505", "-"}

LAST = f"GET /last HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()
#: Those of the server's defaults, but for faults of the application.
CASES = [
    case
    for group in GROUPS
    for case in group.cases
    if not case.settings and not case.ends and not case.logged
]


def lines_since(proxy: Nginx, before: int, mark: str) -> list[str]:
    """What nginx has forwarded, once the request with this mark is among it."""
    path = Path(proxy.directory / "forwarded.log")

    def lines() -> list[str]:
        found = path.read_text(errors="replace").splitlines()[before:]
        return found if any(mark in line for line in found) else []

    return wait_until(lines, what=f"{mark} in the log of nginx")


def send(proxy: Nginx, case: Case) -> None:
    """Send a case and a last request, and drop what comes of them."""
    with Connection(proxy.address(), timeout=5) as client, contextlib.suppress(OSError):
        client.send(case.request + LAST)
        client.read_to_close()


def check(proxy: Nginx, server: Server, number: int, before: int) -> tuple[str, int]:
    """What went wrong after a case, if anything, and how many lines nginx has written."""
    probe = f"/probe/{number}"
    answer = proxy.get(probe)
    lines = lines_since(proxy, before, probe)
    forwarded = [line for line in lines if line.rsplit(" ", 1)[1] not in REFUSED]
    seen = [record["path"] for record in take_records(server)]
    if answer.status != 200 or answer.json()["path"] != probe:
        return f"{answer.status} {answer.text[:80]} instead of {probe}", before + len(lines)
    if len(seen) != len(forwarded):
        return f"{seen} seen, {forwarded} forwarded", before + len(lines)
    return "", before + len(lines)


@pytest.mark.parametrize("interface", ["wsgi", "asgi"])
@pytest.mark.parametrize("buffering", ["on", "off"])
def test_no_request_hides_in_another(
    nginx: StartNginx, serve: Serve, interface: str, buffering: str
) -> None:
    server = serve(f"apps.{interface}_conformance:app", keepalive=75)
    proxy = nginx()
    places = {"directory": proxy.directory, "site": upstream(server), "port": proxy.ports[0]}
    proxy.start(CONFIGURATION.format(**places, buffering=buffering))
    proxy.expect(r"client sent|upstream")
    problems, lines = [], 0
    for number, case in enumerate(CASES):
        send(proxy, case)
        problem, lines = check(proxy, server, number, lines)
        if problem:
            problems.append(f"{case.name}: {problem}")
    assert not problems, "\n".join(problems)
