"""What an attempt tells that Ctrl-C cuts short: every dial that had ended by then."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from connlab.actions import attempt, witness
from connlab.base import settings
from connlab.base.model import Attempt, Outcome
from connlab.cluster import hosts
from connlab.cluster.host import Host

LAB = [Host(name, name, 1, "172.18.0.9", "running", "Up 2 minutes") for name in ("server", "client")]
COUNT = 20


def dialled(number: int, outcome: Outcome) -> Attempt:
    return Attempt(outcome, None, None, "172.18.0.3", 50_000, "172.18.0.2", 12345, number, 9, number=number)


class Interrupted:
    """An agent whose client is interrupted after its first dial, while two more have ended."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def dials(self, count: int, **options: object) -> Iterator[Attempt]:
        yield dialled(1, Outcome.ESTABLISHED)
        raise KeyboardInterrupt

    def ended_dials(self) -> Iterator[Attempt]:
        return iter([dialled(2, Outcome.ESTABLISHED), dialled(3, Outcome.REFUSED)])

    def end(self) -> None:
        """Stop."""

    def __enter__(self) -> Interrupted:
        return self

    def __exit__(self, *error: object) -> None:
        """Stop."""


def test_dials_on_their_way_are_told_after_an_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each as one that came in time: to who is told of dials, and in the sums."""
    monkeypatch.setattr(hosts, "find", lambda *_: LAB)
    monkeypatch.setattr(attempt, "Agent", Interrupted)
    monkeypatch.setattr(attempt.repeated_syns, "count", lambda _: None)
    monkeypatch.setattr(witness, "repeated_command", lambda _: contextlib.nullcontext())
    told: list[int | None] = []
    result = attempt.attempt(
        settings.read({}), 1, COUNT, 0, attempt.Reporter(dial=lambda dial: told.append(dial.number))
    )
    assert told == [1, 2, 3]
    assert (result["asked"], result["interrupted"], result["error"]) == (COUNT, True, None)
    assert result["outcomes"] == {"established": 2, "refused": 1}
