"""Playing the cases of the conformance table, and comparing what comes of them."""

from __future__ import annotations

import contextlib
from typing import Any

from support.address import Address
from support.conformance import Answer, Case, Seen
from support.raw import Connection, CutError, Response
from support.server import Server
from support.ways import ALONE, NEXT, Way

SEEN_NEXT = Seen(path="/next")
#: Longest wait for an answer or the end of a connection, in seconds.
PATIENCE = 5.0


def play(server: Server, case: Case, ways: list[Way]) -> None:
    """Send a case in each of these ways, and hold the server to its row of the table."""
    server.expect(*case.logged)
    logged = [(pattern, server.log_lines(pattern)) for pattern in case.logged]
    try:
        responses = [exchange(server, case, way) for way in ways]
    except Exception:
        # What this case has led to is no business of the next one.
        take_records(server)
        raise
    records = take_records(server)
    goes_on = not case.closed
    seen = [*case.seen, SEEN_NEXT] if goes_on else [*case.seen]
    compare_seen(records, seen * len(ways))
    answers = [*case.answers, Answer()] if goes_on else [*case.answers]
    for number, each in enumerate(responses):
        compare_shown(each, answers, records[number * len(seen) : (number + 1) * len(seen)])
    for pattern, before in logged:
        wait_logged(server, pattern, before + len(ways))


def wait_logged(server: Server, pattern: str, times: int) -> None:
    """Wait until the log has as many lines of a kind."""
    server.wait_until(lambda: server.log_lines(pattern) >= times)


def exchange(server: Server, case: Case, way: Way) -> list[Response]:
    """Send a case on a connection of its own; the answers, each of which is the expected one."""
    address = unix(server) if way.unix else server.address
    with Connection(address, timeout=PATIENCE) as client:
        try:
            return converse(client, case, way)
        except (AssertionError, OSError) as problem:
            raise AssertionError(f"{way.name}: {problem!r}") from problem


def converse(client: Connection, case: Case, way: Way) -> list[Response]:
    """Send a case, read its answers, and see whether the connection goes on."""
    way.send(client, case)
    responses = [read_answer(client, answer) for answer in case.answers]
    if case.closed:
        refused = bool(responses) and responses[-1].status >= 400
        rest = read_to_end(client, orderly=refused or way is ALONE)
        assert rest == b"", f"after the last answer came {rest!r}"
        return responses
    if way is ALONE:
        client.send(NEXT)
    return [*responses, read_answer(client, Answer())]


def unix(server: Server) -> Address:
    """The second socket of a server, whose path is relative to its directory."""
    return Address(path=str(server.directory / server.addresses[1].path))


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
