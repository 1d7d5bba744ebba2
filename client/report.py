"""What the log says about connection attempts, whoever dialled: a workload or an agent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from client.attempt import Attempt
from connlab.machine import events

_LOGGED = ("outcome", "source", "source_port", "target", "target_port", "us", "errno")


def attempt(attempt: Attempt) -> None:
    """Emit one `attempt`."""
    attempts([attempt])


def attempts(ended: Iterable[Attempt]) -> None:
    """Emit an `attempt` for each."""
    events.emit_each("attempt", ({name: getattr(attempt, name) for name in _LOGGED} for attempt in ended))


def tally(counts: Mapping[str, int], **more: int) -> None:
    """Emit the `tally` of a batch: how many attempts ended how."""
    events.emit("tally", attempts=sum(counts.values()), **counts, **more)
