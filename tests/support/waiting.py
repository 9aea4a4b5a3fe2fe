"""Waiting for something to become true, always with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")

INTERVAL = 0.01
DEADLINE = 10.0


class DeadlineError(AssertionError):
    """The deadline passed and the condition was still false."""


def wait_until(
    condition: Callable[[], Value], *, within: float = DEADLINE, what: str = "the condition"
) -> Value:
    """Ask again and again until `condition` gives something true, and return that."""
    deadline = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise DeadlineError(f"{what} did not come true within {within:g} s")
        time.sleep(INTERVAL)
