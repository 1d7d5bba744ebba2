"""A hold second by second, with an agent that says how many connections the server has ended by then."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from connlab.actions import holding
from connlab.actions.holding import HoldOutcome, HoldSample
from connlab.agent.answers import Closed


class Keeper:
    """An agent with connections of which the server has ended so many at each look; a wait may be interrupted."""

    def __init__(self, connections: int, *ended: int, interrupted: bool = False) -> None:
        self.closed = False
        self._connections, self._ended, self._interrupted = connections, iter(ended), interrupted

    def facts(self) -> SimpleNamespace:
        return SimpleNamespace(ended=next(self._ended))

    def wait(self, seconds: float) -> None:
        if self._interrupted:
            raise KeyboardInterrupt
        assert seconds == 1.0

    def close(self) -> list[Closed]:
        self.closed = True
        return [Closed(number, "fin", 9) for number in range(self._connections)]


@pytest.mark.parametrize(
    ("ended", "kept", "told"),
    [
        ((0, 0, 0, 0), (3, 0), [(0, 0, 3), (0, 0, 2), (0, 0, 1), (0, 0, 0)]),
        ((0, 1, 1, 1), (3, 1), [(0, 0, 3), (1, 1, 2), (1, 0, 1), (1, 0, 0)]),
        ((0, 1, 2), (1, 2), [(0, 0, 3), (1, 1, 2), (2, 1, 1)]),
        ((2,), (0, 2), [(2, 2, 3)]),
        ((0, 0, 0, 2), (2, 2), [(0, 0, 3), (0, 0, 2), (0, 0, 1), (2, 2, 0)]),
    ],
    ids=["all are kept", "one is lost", "one by one", "none was left to hold", "in the last second"],
)
def test_a_hold_of_three_seconds(ended, kept, told) -> None:
    """Over when none is left; the seconds are those after which one was still there; then what is left is closed."""
    agent, result, looks = Keeper(2, *ended), HoldOutcome(), []
    holding.hold(agent, 2, 3, result, looks.append)
    assert (result.held_seconds, result.ended_by_server) == kept
    assert looks == [HoldSample(2, *look, 3) for look in told]
    assert (agent.closed, result.released) == (True, {"fin": 2})


@pytest.mark.parametrize(("connections", "ended"), [(2, (1,)), (0, ())])
def test_without_a_hold_nothing_is_told_of_one(connections, ended) -> None:
    """What the server had ended before we closed is in the result all the same; who holds nothing is not asked."""
    result = HoldOutcome()
    holding.hold(Keeper(connections, *ended), connections, 0, result, lambda _: pytest.fail("told"))
    assert (result.held_seconds, result.ended_by_server) == (0, sum(ended))


def test_an_interrupt_leaves_what_is_known() -> None:
    """What the last look saw; nothing was closed by us."""
    agent, result = Keeper(2, 1, interrupted=True), HoldOutcome()
    with pytest.raises(KeyboardInterrupt):
        holding.hold(agent, 2, 600, result, lambda _: None)
    assert (result, agent.closed) == (HoldOutcome(0, 1, {}), False)
