"""The table of `cases/`: each request, whole or in pieces, under both worker classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from conftest import Serve
from http1 import page
from http1.cases import GROUPS
from support.address import Address
from support.conformance import Case
from support.exchanges import Way, all_at_once, byte_by_byte, play, split_at, whole, with_the_next
from support.server import Server

pytestmark = pytest.mark.only("rgunicorn")

#: Servers are shared by cases that need the same settings: those come one after the other.
CASES = sorted(
    (case for group in GROUPS for case in group.cases),
    key=lambda case: sorted(case.settings.items()).__repr__(),
)
#: Cases in which the client says when it is done, so that nobody waits for a timeout.
TOLD = [case for case in CASES if not case.waits]
WHOLE = [case for case in TOLD if not case.ends]
SPLIT = [case for case in CASES if case.split]

Start = Callable[[Case], Server]


def named(cases: list[Case]) -> list[Any]:
    """Parameters with the names of their cases."""
    return [pytest.param(case, id=case.name) for case in cases]


@pytest.fixture(params=["wsgi", "asgi"])
def start(request: pytest.FixtureRequest, shared: Serve, tmp_path_factory: Any) -> Start:
    """The server for a case, on a TCP and on a unix socket."""

    def start(case: Case) -> Server:
        settings = {"keepalive": 30, "bind": ["127.0.0.1:0", "unix:conformance.sock"]}
        server = shared(f"apps.{request.param}_conformance:app", **settings, **case.settings)
        server.expect(*case.logged)
        return server

    return start


def tcp(server: Server) -> Address:
    """Its TCP address."""
    return server.addresses[0]


def unix(server: Server) -> Address:
    """Its unix socket, which tells when the server has read what was sent."""
    return Address(path=str(server.directory / server.addresses[1].path))


@pytest.mark.parametrize("case", named(CASES))
def test_a_request_gets_what_its_clause_demands(start: Start, case: Case) -> None:
    server = start(case)
    play(server, tcp(server), case, all_at_once)


@pytest.mark.parametrize("case", named(WHOLE))
def test_what_follows_is_served_or_dropped(start: Start, case: Case) -> None:
    server = start(case)
    play(server, tcp(server), case, with_the_next)


@pytest.mark.parametrize("case", named(TOLD))
def test_the_pieces_it_comes_in_do_not_matter(start: Start, case: Case) -> None:
    server = start(case)
    play(server, unix(server), case, byte_by_byte)


@pytest.mark.parametrize("case", named(SPLIT))
def test_a_request_may_be_split_at_every_position(start: Start, case: Case) -> None:
    server = start(case)
    ways: list[Way] = [split_at(position) for position in range(1, len(whole(case)))]
    play(server, unix(server), case, *ways)


def test_every_case_has_a_name_of_its_own_and_a_clause() -> None:
    names = [case.name for case in CASES]
    assert sorted(set(names)) == sorted(names)
    assert all(case.clause for case in CASES)


def test_the_page_says_what_the_table_says() -> None:
    assert page.PAGE.read_text() == page.text(), "run `python -m http1.page` in tests"
