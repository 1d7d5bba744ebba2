"""Waiting: for a condition, until a deadline, and it gives up aloud."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from connlab.base import wait
from connlab.base.errors import GaveUp

SOON = 5.0  # seconds


@pytest.fixture
def clock(monkeypatch):
    """Replace the clock by one that only sleeping moves."""
    now = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(wait, "time", now)
    now.monotonic = lambda: now.seconds
    now.sleep = lambda seconds: setattr(now, "seconds", now.seconds + seconds)
    return now


def test_waiting_ends_with_what_was_waited_for():
    """The value itself comes back, as soon as it is true."""
    values = iter([None, 0, "", "ready"])
    assert wait.until(lambda: next(values), "it is ready", SOON, every=0.001) == "ready"


def test_giving_up_tells_why_and_what_was_seen(clock):
    """The reason, the time, and the last value: enough to start looking."""
    numbers = iter(range(100))
    with pytest.raises(GaveUp) as late:
        wait.until(lambda: [][next(numbers) :], "all hosts are ready", within=2, every=1)
    assert str(late.value) == "gave up after 2 s waiting until all hosts are ready; last seen: []"
    assert late.value.status == 4


def test_one_more_look_after_the_deadline(clock):
    """A look that took longer than the deadline is not the last: a slow machine gets one more."""
    calls = []

    def slow() -> bool:
        calls.append(clock.seconds)
        clock.seconds += 5
        return len(calls) == 2

    assert wait.until(slow, "it is there", within=1, every=0.5)
    assert calls == [0, 5.5]


def test_giving_up_has_its_last_look_after_the_deadline(clock):
    """Never before, and only one."""
    calls = []
    with pytest.raises(GaveUp):
        wait.until(lambda: calls.append(clock.seconds), "never", within=2, every=1.5)
    assert calls == [0, 1.5, 3]


def test_an_error_in_a_condition_is_not_waited_out():
    """A condition that fails is broken, not false."""
    with pytest.raises(ZeroDivisionError):
        wait.until(lambda: 1 / 0, "never", SOON)
