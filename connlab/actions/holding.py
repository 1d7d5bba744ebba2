"""The hold of an `attempt`: connections are kept for as long as the other side keeps them, and then closed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from connlab.agent.session import Agent


@dataclass(frozen=True)
class HoldSample:
    """A sample of a hold: of `connections` the server has ended `ended`, `newly` of these since the sample before."""

    connections: int
    ended: int
    newly: int
    seconds_left: int
    seconds: int


@dataclass
class HoldOutcome:
    """What became of the connections, up to an interrupt too.

    `held_seconds`: whole seconds after which one at least was still there. `ended_by_server`: how many it had ended
    at the last sample, None if there was none. `released`: how each ended in the end (docs/agent.md, `close`).
    """

    held_seconds: int = 0
    ended_by_server: int | None = None
    released: dict[str, int] = field(default_factory=dict)


def hold(
    agent: Agent, connections: int, seconds: int, outcome: HoldOutcome, tell: Callable[[HoldSample], None]
) -> None:
    """Hold all that the agent has, until the seconds are over or none is left, then close it with FIN.

    Whoever is told learns of each second, of the last moment too, unless nothing was to be held.
    """
    for seconds_left in range(seconds, -1, -1):
        ended = agent.facts().ended if connections else 0
        newly, outcome.ended_by_server = ended - (outcome.ended_by_server or 0), ended
        if ended < connections:
            outcome.held_seconds = seconds - seconds_left
        if seconds and connections:
            tell(HoldSample(connections, ended, newly, seconds_left, seconds))
        if ended == connections or not seconds_left:
            break
        agent.wait(1.0)
    outcome.released = dict(Counter(closed.peer for closed in agent.close()))
