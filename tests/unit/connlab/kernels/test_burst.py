"""The claim about bursts is judged by bursts: dials that a busy machine drew out show nothing of a kernel."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from connlab.base.errors import LabError
from connlab.base.model import Outcome, Verdict
from connlab.kernel.measured_kernels import BURST, LIMIT
from connlab.kernels.claims import burst

FAST, SLOW = 12, 13  # ms: three jiffies, and more


class Agent:
    """A client whose bursts take so many ms and get so many in, in turn; the last of these again and again."""

    def __init__(self, rounds: Sequence[tuple[int, int]], refused_alone: int) -> None:
        self.rounds, self.refused_alone, self.made = rounds, refused_alone, 0

    def salvo(self, count: int) -> list[Any]:
        took_ms, admitted = self.rounds[min(self.made, len(self.rounds) - 1)]
        self.made += 1
        return [
            SimpleNamespace(
                start_ns=number * took_ms * 1_000_000 // (count - 1),
                outcome=Outcome.ESTABLISHED if number < admitted else Outcome.REFUSED,
            )
            for number in range(count)
        ]

    def open(self, count: int, gap_ms: int) -> list[Any]:
        self.refused_alone -= 1
        return [
            SimpleNamespace(outcome=Outcome.REFUSED if self.refused_alone >= 0 else Outcome.ESTABLISHED)
        ] * count

    def close(self) -> None:
        """Close all."""

    def wait(self, seconds: float) -> None:
        """Wait for nothing here."""


def judge(*rounds: tuple[int, int], refused_alone: int = 0) -> Any:
    """Judge bursts, of each the ms that it took and how many got in."""
    agent = Agent(rounds, refused_alone)

    @contextlib.contextmanager
    def on(_: object) -> Iterator[Agent]:
        yield agent

    return burst.measure(SimpleNamespace(agents=SimpleNamespace(on=on), clients=[None]))  # type: ignore[arg-type]


def test_five_bursts_are_enough_if_one_was_fast():
    """The first shows nothing: nobody was there before it."""
    cell = judge((SLOW, LIMIT), (FAST, LIMIT), (SLOW, LIMIT))
    assert (cell.verdict, cell.words) == (Verdict.HOLDS, "15 15 15 15 15; 0 of 30 refused")
    assert cell.figures["took_ms"] == [SLOW, FAST, SLOW, SLOW, SLOW]


def test_slow_ones_go_on_until_one_is_fast():
    """Seven were needed."""
    cell = judge(*[(FAST, LIMIT), *[(SLOW, LIMIT)] * 5, (FAST, LIMIT)])
    assert (cell.verdict, cell.words) == (Verdict.HOLDS, "15 (7 times); 0 of 30 refused")


def test_where_none_is_fast_nothing_is_said():
    """Also where the first was, and however often it is tried."""
    with pytest.raises(
        LabError, match=rf"{BURST} dials took {SLOW} ms at least, of {burst.MOST_ROUNDS} times, which is no"
    ):
        judge((FAST, LIMIT), (SLOW, LIMIT))


@pytest.mark.parametrize(
    ("rounds", "refused_alone", "words"),
    [
        ([(SLOW, LIMIT), (SLOW, 0)], 9, "15 0 0 0 0; 9 of 30 refused"),
        ([*[(SLOW, LIMIT)] * 4, (SLOW, 8), (SLOW, LIMIT)], 0, "15 15 15 15 8; 0 of 30 refused"),
        ([(SLOW, LIMIT)], 1, f"15 ({burst.MOST_ROUNDS} times); 1 of 30 refused"),
    ],
)
def test_who_is_kept_out_is_so_at_any_speed(rounds, refused_alone, words):
    """In a burst or alone."""
    cell = judge(*rounds, refused_alone=refused_alone)
    assert (cell.verdict, cell.words) == (Verdict.REFUTED, words)
