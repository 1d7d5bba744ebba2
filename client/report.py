"""What the log says about connection attempts, whoever dialled: a workload or an agent."""

from __future__ import annotations

from collections.abc import Iterable

from client.attempt import Attempt
from connlab.machine import events

_LOGGED = ("outcome", "source", "source_port", "target", "target_port", "us", "errno")


def attempt(attempt: Attempt) -> None:
    """Emit one `attempt`."""
    events.emit("attempt", **{name: getattr(attempt, name) for name in _LOGGED})


def tally(outcomes: Iterable[str], **more: int) -> dict[str, int]:
    """Emit the `tally` of a batch, and return its counts by outcome."""
    counts: dict[str, int] = {}
    for outcome in outcomes:
        counts[outcome] = counts.get(outcome, 0) + 1
    events.emit("tally", attempts=sum(counts.values()), **counts, **more)
    return counts
