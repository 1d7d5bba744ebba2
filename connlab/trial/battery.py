"""Which scenarios a row needs: first its limit, then what depends on it, then what that leaves open."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connlab.trial import addresses, facts, scenarios
from connlab.trial.conductor import Conductor
from connlab.trial.observations import Observation, got_in, letters, observation
from connlab.trial.plan import Plan, Row, judged
from connlab.trial.ruleset import Place, Ruleset


@dataclass
class Tried:
    """A row with what was observed of it, by the name of the scenario; `limit` None: none up to the cap."""

    row: Row
    limit: int | None
    seen: dict[str, Observation] = field(default_factory=dict)
    prefixes: dict[int, str] = field(default_factory=dict)  # letters of the neighbours' dials
    shared_prefix: int | None = None  # the shortest whose neighbour found the count used
    sources: tuple[str, str] | None = None  # of the check: one inside the shared net, one outside
    others: dict[int, Observation] = field(
        default_factory=dict
    )  # by the port that was dialled while this one was full
    elsewhere: Mapping[int, Observation] = field(
        default_factory=dict
    )  # by the port that was held before this one
    reached: frozenset[Place] = frozenset()  # limiting rules that a SYN of the row comes as far as


Work = list[tuple[Callable[[Observation], None], Mapping[str, Any]]]


def run(conductor: Conductor, plan: Plan, ruleset: Ruleset) -> list[Tried]:
    """Try all rows; each scenario on fresh hosts, all of a stage side by side."""
    answers = conductor.ask([scenarios.limit(plan, row) for row in plan.rows])
    tried = []
    for row, answer in zip(plan.rows, answers, strict=True):
        seen = observation(answer)
        tried.append(Tried(row, got_in(seen.of(3)), {"limit": seen}))
    mine = [each for each in tried if judged(ruleset, each.row.family)]
    limiting = [rule.place for rule in ruleset.rules if facts.limits(rule)]
    _do(conductor, [work for each in mine for work in _second(plan, each, tried, limiting)])
    for each in mine:
        _shared_prefix(each)
    _do(conductor, [work for each in mine for work in _third(plan, each)])
    return tried


def _do(conductor: Conductor, work: Work) -> None:
    answers = conductor.ask([request for _, request in work])
    for (keep, _), answer in zip(work, answers, strict=True):
        keep(observation(answer))


def _second(plan: Plan, each: Tried, tried: Sequence[Tried], limiting: Sequence[Place]) -> Work:
    row, limit = each.row, each.limit

    def keep(name: str) -> Callable[[Observation], None]:
        return lambda seen: each.seen.__setitem__(name, seen)

    work: Work = [
        (keep("live_untracked"), scenarios.live(plan, row, tracked=False)),
        (keep("live_tracked"), scenarios.live(plan, row, tracked=True)),
        (keep("burst"), scenarios.burst(plan, row, limit)),
        (keep("rate"), scenarios.rate(plan, row)),
        (keep("loopback"), scenarios.loopback(plan, row, limit)),
        (keep("outgoing"), scenarios.outgoing(plan, row, limit)),
    ]
    if limiting and limit is None:
        work.append((lambda seen: _reached(each, seen, limiting), scenarios.reach(plan, row, limiting)))
    if limit:
        work.append((keep("freeing"), scenarios.freeing(plan, row, limit)))
        work.append((keep("all_closed"), scenarios.all_closed(plan, row, limit)))
        sources = addresses.neighbours(row.source, row.net)
        work.append(
            (lambda seen: _neighbours(each, seen, sources), scenarios.neighbours(plan, row, limit, sources))
        )
        for other in tried:
            if other.limit and other.row != row and other.row._replace(port=row.port) == row:
                work.append(
                    (
                        _keep_in(each.others, other.row.port),
                        scenarios.ports(plan, row, row.port, limit, other.row.port),
                    )
                )
    return work


def _keep_in(kept: dict[int, Observation], port: int) -> Callable[[Observation], None]:
    return lambda seen: kept.__setitem__(port, seen)


def _third(plan: Plan, each: Tried) -> Work:
    """Check the net that shares: a neighbour inside it and one outside, each as often as the first source."""
    row = each.row
    if not each.limit:
        return []
    width = 32 if row.family == 4 else 128
    prefix = width if each.shared_prefix is None else each.shared_prefix
    inside = addresses.neighbour(row.source, prefix, row.net) if prefix < width else None
    outside = next(
        (
            found
            for at in range(prefix - 1, -1, -1)
            if (found := addresses.neighbour(row.source, at, row.net))
        ),
        None,
    )
    sources = [source for source in (inside, outside) if source]
    if not sources:
        return []

    def keep(seen: Observation) -> None:
        each.seen["two_more"] = seen
        each.sources = (inside or "", outside or "")

    return [(keep, scenarios.two_more(plan, row, each.limit, sources))]


def _neighbours(each: Tried, seen: Observation, sources: Mapping[int, str]) -> None:
    each.seen["neighbours"] = seen
    each.prefixes = dict(zip(sources, letters(seen.of(-1)), strict=True))


def _shared_prefix(each: Tried) -> None:
    """Find the shortest prefix whose neighbour found the count used; rates that fill up again leave holes above it."""
    refused = [prefix for prefix, letter in each.prefixes.items() if letter != "E"]
    each.shared_prefix = min(refused) if refused else None


def _reached(each: Tried, seen: Observation, limiting: Sequence[Place]) -> None:
    handles = seen.results[-2]["handles"]
    matched = seen.of(-1)[0].matched
    each.reached = frozenset(
        place for place, handle in zip(limiting, handles, strict=True) if (*place[:3], handle) in matched
    )
