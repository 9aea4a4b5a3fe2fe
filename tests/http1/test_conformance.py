"""The table of `cases/`: each request, whole or in pieces, under both worker classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from conftest import Serve
from http1 import page
from http1.cases import GROUPS
from support.conformance import Case
from support.exchanges import play
from support.server import Server
from support.ways import splits, ways

pytestmark = pytest.mark.only("rgunicorn")

#: Servers are shared by cases that need the same settings: those come one after the other.
CASES = sorted(
    (case for group in GROUPS for case in group.cases),
    key=lambda case: sorted(case.settings.items()).__repr__(),
)
SPLIT = [case for case in CASES if case.split]

Start = Callable[[Case], Server]


def named(cases: list[Case]) -> list[Any]:
    """Parameters with the names of their cases."""
    return [pytest.param(case, id=case.name) for case in cases]


@pytest.fixture(params=["wsgi", "asgi"])
def start(request: pytest.FixtureRequest, shared: Serve) -> Start:
    """The server for a case, on a TCP and on a unix socket."""

    def start(case: Case) -> Server:
        settings = {"keepalive": 30, "bind": ["127.0.0.1:0", "unix:conformance.sock"]}
        return shared(f"apps.{request.param}_conformance:app", **settings, **case.settings)

    return start


@pytest.mark.parametrize("case", named(CASES))
def test_a_request_gets_what_its_clause_demands(start: Start, case: Case) -> None:
    play(start(case), case, ways(case))


@pytest.mark.parametrize("case", named(SPLIT))
def test_a_request_may_be_split_at_every_position(start: Start, case: Case) -> None:
    play(start(case), case, splits(case))


def test_every_case_has_a_name_of_its_own_and_a_clause() -> None:
    names = [case.name for case in CASES]
    assert sorted(set(names)) == sorted(names)
    assert all(case.clause for case in CASES)


def test_the_page_says_what_the_table_says() -> None:
    assert page.PAGE.read_text() == page.text(), "run `python -m http1.page` in tests"
