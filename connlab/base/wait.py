"""Waiting: for a condition, until a deadline, for a reason. Nothing else on the host side waits for things."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from connlab.base.errors import GaveUp

Value = TypeVar("Value")


def until(condition: Callable[[], Value | None], why: str, within: float, every: float = 0.02) -> Value:
    """Call `condition` until it is true, and return what it returned.

    `within` and `every` are seconds. Raises `GaveUp` with `why` and the last value seen; the condition is
    always tried once more after the deadline, so a slow machine is not judged on a stale look.
    """
    deadline = time.monotonic() + within
    while True:
        late = time.monotonic() >= deadline
        value = condition()
        if value:
            return value
        if late:
            raise GaveUp(f"gave up after {within:g} s waiting until {why}; last seen: {value!r}")
        time.sleep(every)
